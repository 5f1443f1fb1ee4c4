"""A folder on the cluster with the tiny configuration, the pipeline started in it, and what is seen of its training."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from rnnrepro import heartbeat, records

from ..workflow.conftest import ROOT, tiny_folder
from .cluster import Cluster

# A cell that is long enough to be caught in the middle of its training, and how many steps its runs take.
CELL = "first/copying/nnrnn"
STEPS = 1000
SLICE = 0.02  # seconds that a trainer goes on while it is being caught: some steps of those
SECONDS = 1800  # after which a scenario has failed; noisy machines are slow
# A person waits longer than a test: how often SLURM is asked, and for how long files are waited for.
HASTE = ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
HASTE += ["--latency-wait", "10"]


class Lab:
    """A working folder. `slurm=False` runs on this machine alone, as `make` does, for what is to be expected."""

    def __init__(
        self, place: Path, *, cluster: Cluster | None, steps: int | None = None, site: str = ""
    ) -> None:
        place.mkdir(parents=True)
        self.place, self.cluster = place.resolve(), cluster
        folder = tiny_folder(place)
        if steps is not None:
            old = "steps: 20, evaluate_every: 10"
            folder.edit("config/papers/first.yaml", old, f"steps: {steps}, evaluate_every: {steps // 5}")
        if site:
            (place / "config" / "site.yaml").write_text(site)
        self.sittings = Sittings(self.place)
        self.count = 0

    def launch(self, *targets: str, options: tuple[str, ...] = ()) -> Pipeline:
        """The pipeline as a user starts it."""
        where = ["--cores", "2"]
        if self.cluster is not None:
            where = ["--profile", str(ROOT / "workflow" / "profiles" / "slurm"), *HASTE]
        command = [sys.executable, str(ROOT / "workflow" / "scripts" / "launch.py"), *where]
        command += ["--directory", str(self.place), *options, "--", *targets]
        self.count += 1
        said = self.place / f"said-{self.count}.txt"
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        return Pipeline(process, said, self)

    def trainers(self) -> list[int]:
        """The trainers at work in the folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if words[1:4] == ["-m", "rnnrepro", "train"] and (entry / "cwd").resolve() == self.place:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def seconds_to_stop(self, trainer: int) -> float:
        """In how many seconds a trainer is to save and stop."""
        words = Path(f"/proc/{trainer}/cmdline").read_text().split("\0")
        (until,) = [word.removeprefix("--until=") for word in words if word.startswith("--until=")]
        return float(until) - time.time()

    def jobs(self, state: str = "all", rule: str = "") -> list[str]:
        """The cluster's jobs of this folder, in some state, of some rule."""
        assert self.cluster is not None
        lines = self.cluster.do("squeue", "-h", "-t", state, "-o", "%i|%Z|%k", check=False).splitlines()
        parts = [line.split("|", 2) for line in lines]
        return [job for job, place, comment in parts if Path(place) == self.place and rule in comment]

    def rows(self, cell: str = CELL) -> pa.Table:
        """The metric rows of a cell's results file."""
        return records.read(self.place / "results" / "quick" / "runs" / f"{cell}.parquet").table

    def all_rows(self) -> dict[str, pa.Table]:
        """{cell: its metric rows} of every results file."""
        top = self.place / "results" / "quick" / "runs"
        cells = sorted(str(p.relative_to(top).with_suffix("")) for p in top.rglob("*.parquet"))
        return {cell: self.rows(cell) for cell in cells}

    def wait(self, until: Callable[[], object], what: str, pause: float = 0.1) -> None:
        """Wait until it is so, or fail with all that was said."""
        end = time.monotonic() + SECONDS
        while not until():
            assert time.monotonic() < end, f"{what}: not within {SECONDS:g} s\n{self.evidence()}"
            time.sleep(pause)

    @contextmanager
    def caught(self, *, alive: bool = True) -> Iterator[int]:
        """The trainer, which has gone a step or more and stands still, however fast the machine; it goes on afterwards.

        `alive=False`: it may end before that.
        """
        self.wait(lambda: len(self.trainers()) == 1, "no training began", pause=0.02)
        (trainer,) = self.trainers()
        with held(trainer):
            while trainer in self.trainers() and not self._step(trainer):
                with suppress(ProcessLookupError):
                    os.kill(trainer, signal.SIGCONT)
                    time.sleep(SLICE)
                    os.kill(trainer, signal.SIGSTOP)
            assert not alive or trainer in self.trainers(), f"the training ended at once\n{self.evidence()}"
            yield trainer

    @contextmanager
    def all_held(self, count: int) -> Iterator[None]:
        """So many trainers, each standing still since it was first seen; they go on afterwards."""
        with ExitStack() as stack:
            seen: set[int] = set()

            def more() -> bool:
                for trainer in set(self.trainers()) - seen:
                    stack.enter_context(held(trainer))
                    seen.add(trainer)
                return len(seen) >= count

            self.wait(more, f"{count} trainings did not begin", pause=0.02)
            yield

    def _step(self, trainer: int) -> int:
        """The step of the cell that a trainer has said that it is at."""
        beat = heartbeat.read(heartbeat.place(self.place / "state" / "quick", CELL))
        return 0 if isinstance(beat, str) or beat.pid != trainer else beat.step

    def evidence(self) -> str:
        """What the pipelines, the jobs and SLURM said."""
        texts = sorted([*self.place.glob("said-*.txt"), *self.place.glob("logs/slurm/**/*.log")])
        found = [f"== {p.relative_to(self.place)}\n{p.read_text(errors='replace')[-3000:]}" for p in texts]
        sat = [f"== sitting\n{text[-1500:]}" for text in self.sittings.texts]
        return "\n".join([*found, *sat, self.cluster.logs() if self.cluster else ""])


@dataclass
class Pipeline:
    """A Snakemake at work."""

    process: subprocess.Popen
    said: Path
    lab: Lab

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text(errors="replace")

    def end(self, status: int | None = 0) -> str:
        """Wait for its end, with this exit status (None: any but 0); what it said."""
        self.lab.wait(lambda: self.process.poll() is not None, "the pipeline did not end")
        as_expected = self.process.returncode != 0 if status is None else self.process.returncode == status
        assert as_expected, f"exit status {self.process.returncode}\n{self.lab.evidence()}"
        return self.text

    def signal(self, number: int) -> None:
        """Send it a signal, and wait until it is gone."""
        self.process.send_signal(number)
        self.lab.wait(lambda: self.process.poll() is not None, f"it outlived {signal.Signals(number).name}")


@dataclass
class Sittings:
    """What each trainer of the cell said: a new attempt empties the log, so it is read again and again."""

    place: Path
    texts: list[str] = field(default_factory=list)
    finished: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def starts(self) -> list[int]:
        """The steps to go with which each training of the cell began."""
        return [int(n) for text in self.texts for n in re.findall(r"(\d+) steps to go", text)]

    def look(self) -> None:
        """Read the log and the finished records once more."""
        try:
            log = self.place / "logs" / "quick" / "train" / f"{CELL}.log"
            text = log.read_bytes().replace(b"\0", b"").decode(errors="replace")
        except OSError:
            text = ""
        if text and self.texts and text.startswith(self.texts[-1]):
            self.texts[-1] = text
        elif text:
            self.texts.append(text)
        for record in self.place.glob("state/quick/*/record.parquet"):
            try:
                found = record.stat()
            except OSError:
                continue
            self.finished.setdefault(record.parent.name, set()).add((found.st_ino, found.st_mtime_ns))

    @contextmanager
    def watched(self) -> Iterator[Sittings]:
        """Look five times a second for as long as the block lasts."""

        def watch() -> None:
            while not self._over.wait(0.2):
                self.look()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            self.look()


@contextmanager
def held(trainer: int) -> Iterator[None]:
    """A trainer that stands still, so that it is at work when something happens; SLURM wakes what it signals."""
    os.kill(trainer, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(trainer, signal.SIGCONT)


def site(**changes: object) -> str:
    """A site file for the test cluster."""
    base = {"cpu": {"partition": "cpu"}, "gpu": {"partition": "gpu"}, "warning": 20}
    return json.dumps({**base, **changes})
