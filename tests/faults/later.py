"""Disks that are full, folders that are read-only or gone, under all that follows training and under everything."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from . import _mounts
from .harness import Ending, Kind, Missed, Outcome, Pipeline, _Bad, register
from .parts import FETCHING, PARTS, RENDERING, Part
from .space import LIMITED
from .started import Said

FULL = "No space left on device|the disk full|File too large"
PAGE = 4096


def _short_of_room(pipeline: Pipeline, folder: Path, room: int, launch: Callable[..., Said]) -> Said:
    """What a pipeline says that has so many bytes left in a folder."""
    folder.mkdir(exist_ok=True)
    if not _mounts.allowed():
        site = pipeline.home / "limited.py"
        site.write_text(LIMITED.format(room))
        return launch(FAULTS_SITE=str(site))
    with _mounts.small(folder, room):
        return launch()


def _pages(pipeline: Pipeline, part: Part) -> int:
    """Pages of the largest file that a part makes: in pages a small disk is full."""
    done = pipeline.session.stage("done")
    named = (name for name in pipeline.expected if any(fnmatch(name, pattern) for pattern in part.made))
    return max(1 + (done / name).stat().st_size // PAGE for name in named)


def steps(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The disk has less room than fetching or one of the steps after training needs; then there is room again."""
    part = rng.choice((FETCHING, *RENDERING))
    part.begin(pipeline, rng)
    folder = pipeline.place / ("resources" if part is FETCHING else "results")
    room = PAGE * rng.randrange(_pages(pipeline, part))
    said = _short_of_room(pipeline, folder, room, lambda **more: pipeline.launch("--", *part.targets, **more))
    return pipeline.settle(said, f"{part.name}, {room:,} bytes left", mend=lambda: None)


def everything(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The disk on which all of a pipeline works becomes full; then there is room again."""
    part = rng.choice((*PARTS, None))
    if part:
        part.begin(pipeline, rng)
    else:
        pipeline.begin(rng.choice(["empty", "half", "trained"]))
    room, targets = int(10 ** rng.uniform(3.5, 5.5)), ("--", *pipeline.targets)
    said = _short_of_room(pipeline, pipeline.place, room, lambda **more: pipeline.launch(*targets, **more))
    name = part.name if part else f"all from {pipeline.stage}"
    return pipeline.settle(said, f"{name}, {room:,} bytes left", lambda: None, FULL)


def logs(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The folder of the logs is full, read-only, or a file stands in its place."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    folder = pipeline.place / "logs"
    how = rng.choice(["full", "read-only", "a file"])
    if how == "a file":
        folder.write_text("")
        said = pipeline.launch("--", *part.targets)
    elif how == "full":
        folder.mkdir()
        (folder / "other").write_bytes(bytes(4095))
        said = _short_of_room(
            pipeline,
            folder,
            rng.choice([0, 0, 4096]),
            lambda **more: pipeline.launch("--", *part.targets, **more),
        )
    else:
        folder.mkdir()
        with _mounts.read_only(folder):
            said = pipeline.launch("--", *part.targets)

    def mend() -> None:
        if "logs" not in said.first_error:
            raise _Bad(Ending.WRONG, f"the error does not name logs: {said.text[-3000:]}")
        if folder.is_file():
            folder.unlink()

    return pipeline.settle(said, f"{part.name}, {how}", mend=mend)


def own_folder(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Snakemake's own folder is read-only or full, or a file stands in its place."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    folder = pipeline.place / ".snakemake"
    how = rng.choice(["read-only", "read-only", "full", "a file"])
    launch = lambda **more: pipeline.launch("--", *part.targets, **more)  # noqa: E731
    if how == "a file":
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_text("")
        said = launch()
    elif how == "full":
        said = _short_of_room(pipeline, folder, rng.randrange(1, 20_000), launch)
    else:
        folder.mkdir(exist_ok=True)
        with _mounts.read_only(folder):
            said = launch()
    mend = folder.unlink if how == "a file" else lambda: None
    return pipeline.settle(said, f"{part.name}, {how}", mend=mend)


def removed(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A folder is removed while a pipeline is at work, or has just ended: results, state, data, logs, .snakemake."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    name = rng.choice(["results", "results/quick/runs", "state", "resources", "logs", "logs", ".snakemake"])
    running = pipeline.start("--", *part.targets)
    with suppress(
        Missed
    ):  # it has ended already: then the folder goes afterwards, and the next one is without it
        part.at_work(pipeline, running, rng)
    states = [path.name for path in (pipeline.place / "state").glob("quick/*-*")]
    if name == "state":
        pipeline.again.update(states)
        pipeline.restarted.update(states)
    shutil.rmtree(pipeline.place / name, ignore_errors=True)
    said = pipeline.ended(running)
    if name == "resources":
        pipeline.targets += ("data",)
    elif name.startswith("results") and part in RENDERING:
        pipeline.targets = ()  # what was removed is more than the part makes
    if said.status == 0:
        said = pipeline.launch("--", *pipeline.targets)
    return pipeline.settle(said, f"{part.name}, {name}")


for name, run in {
    "full disk under later steps": steps,
    "full disk under everything": everything,
    "logs cannot be written": logs,
    ".snakemake cannot be written": own_folder,
    "folder removed under a pipeline": removed,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
