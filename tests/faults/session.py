"""What all trials of a session share: the small data set, how far an undisturbed pipeline gets, and its results."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import signal
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import compare, started

HERE = Path(__file__).parent
PROJECT = ("workflow", "rnnrepro")
STAGES = ("empty", "fetched", "half", "trained", "done")
RUNS = "results/quick/runs/first"
DONE, LEFT = "copying/enrnn", "images/lstm"  # the cells, by which is done where half is
QUIET_SECONDS = 20.0
SIZES, SIDE = {"train": 40, "test": 20}, 8


@dataclass
class Session:
    """A folder for trials; `prepare` fills it before the first one."""

    root: Path
    expected: compare.Found = field(default_factory=dict)
    pace: float = 1.0  # how much slower than a quiet core this machine is now, at least 1

    @property
    def code(self) -> Path:
        """A copy of the project, so that an edit of the project does not reach into the trials."""
        return self.root / "code"

    @property
    def mirror(self) -> Path:
        """The folder from which the data set is fetched."""
        return self.root / "mirror"

    def stage(self, name: str) -> Path:
        """How far an undisturbed pipeline was; to be copied."""
        return self.root / "stages" / name

    def prepare(self) -> None:
        """Make the data set, the stages, and the results of a pipeline that nothing disturbs."""
        _make_mirror(self.root)
        self._copy_project()
        shutil.copytree(HERE / "config", self.stage("empty") / "config")
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            for part in [pool.submit(self._whole), pool.submit(self._in_parts)]:
                part.result()
        self.pace = max(1.0, (time.monotonic() - began) / QUIET_SECONDS)
        self.expected = compare.found(self.stage("done"))
        if wrong := [f"{name}: {what}" for name, what in self.expected.items() if " it " in f" {what}"]:
            raise RuntimeError(f"the undisturbed pipeline made bad files: {'; '.join(wrong)}")

    def environment(self, trace: Path) -> dict[str, str]:
        """What every process of a trial finds in its environment."""
        return {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": f"{HERE / 'site'}:{self.code}",
            "FAULTS_SESSION": str(self.root),
            "FAULTS_TRACE": str(trace),
            "RNNREPRO_MIRROR": str(self.mirror),
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }

    def _copy_project(self) -> None:
        for name in PROJECT:
            shutil.copytree(
                started.ROOT / name, self.code / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy2(started.ROOT / "Snakefile", self.code)
        (self.code / "profiles").symlink_to("workflow/profiles")

    def _whole(self) -> None:
        self._next("empty", "done")

    def _in_parts(self) -> None:
        self._next("empty", "fetched", "data")
        place = self._next("fetched", "half", f"{RUNS}/{DONE}.parquet")
        once = self.root / "half.once"
        point = {
            "call": "replace",
            "count": 8,
            "argv": "rnnrepro train",
            "path": "checkpoint",
            "once": str(once),
        }
        point |= {"signal": int(signal.SIGTERM), "whom": "self", "after": True}
        experiment, arm = f"first/{LEFT}".rsplit("/", 1)
        command = started.rnnrepro(["train", experiment, "--model", arm, "--state", "state/quick"])
        self._run(command, "half", 75, cwd=place, FAULTS_AT=json.dumps(point))
        self._next("half", "trained", *(f"{RUNS}/{cell}.parquet" for cell in (DONE, LEFT)))

    def _next(self, before: str, name: str, *targets: str) -> Path:
        place = self.stage(name)
        shutil.copytree(self.stage(before), place)
        self._run(started.pipeline(place, ["--", *targets] if targets else [], "launch"), name, 0)
        return place

    def _run(self, command: list[str], name: str, status: int, cwd: Path | None = None, **more: str) -> None:
        home = self.root / "said" / name
        home.mkdir(parents=True, exist_ok=True)
        process = started.begin(command, home, self.environment(home / "trace") | more, cwd or self.code)
        said = process.wait(600)
        if said.status != status:
            raise RuntimeError(f"the undisturbed pipeline ended with {said.status} at {name}:\n{said.text}")


def _make_mirror(root: Path) -> None:
    """Images of noise with their classes in MNIST's format, and `pins.json` with their checksums."""
    generator, files = np.random.default_rng(1), []
    folder = root / "mirror" / "mnist"
    folder.mkdir(parents=True)
    for split, letter in (("train", "train"), ("test", "t10k")):
        count = SIZES[split]
        images = generator.integers(0, 256, (count, SIDE, SIDE)).astype(np.uint8)
        classes = (np.arange(count) % 10).astype(np.uint8)
        for what, array in (("images-idx3", images), ("labels-idx1", classes)):
            path = folder / f"{letter}-{what}-ubyte.gz"
            sizes = struct.pack(f">{array.ndim}I", *array.shape)
            path.write_bytes(gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes(), mtime=0))
            data = path.read_bytes()
            files.append({"name": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    (root / "pins.json").write_text(json.dumps({"files": files, "sizes": SIZES, "side": SIDE}))
