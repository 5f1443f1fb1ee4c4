"""Files that are there and cannot be read, and checkpoints that go while they are read."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path

from ._direct import CELLS, made_by_training, names, results_of, settle, states_of, train
from .files import READERS
from .harness import Ending, Kind, Missed, Outcome, Pipeline, _Bad, register
from .session import LEFT
from .started import Said

SITE = Path(__file__).parent / "site" / "reads.py"


def _failing(path: Path, skip: int = 0, what: str = "fails") -> dict[str, str]:
    """The environment in which the file cannot be read after so many readings, or is another from then on."""
    return {
        "FAULTS_SITE": str(SITE),
        "FAULTS_READ": str(path),
        "FAULTS_SKIP": str(skip),
        "FAULTS_WHAT": what,
    }


def _struck(pipeline: Pipeline) -> bool:
    return any(event[1] == "struck" for event in pipeline.events())


def _kept(pipeline: Pipeline, rng: random.Random) -> Path:
    """One of the checkpoints of the cell that is half trained."""
    kept = [f / "checkpoint" for f in states_of(pipeline, LEFT) if (f / "checkpoint").exists()]
    if not kept:
        raise Missed
    return rng.choice(kept)


def state(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A checkpoint or a finished run's record cannot be read (Input/output error), at one of its readings."""
    pipeline.begin("half")
    path, skip = _kept(pipeline, rng), rng.randrange(2)
    if rng.random() < 0.4:
        pipeline.begin("trained")
        path, skip = rng.choice(states_of(pipeline, LEFT)) / "record.parquet", rng.randrange(4)
        for part in ("runs", "costs"):
            results_of(pipeline, LEFT, part).unlink()
    return _one_error(pipeline, path, skip, partial(train, pipeline), made_by_training())


def results(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A results file, a data file or the table of claims cannot be read (Input/output error)."""
    reader = rng.choice([*sorted(READERS), "training", "report"])
    pipeline.begin({"training": "fetched", "report": "done"}.get(reader, "trained"))
    if reader == "training":
        path = rng.choice(sorted((pipeline.place / "resources/mnist").glob("*.gz")))
        return _one_error(pipeline, path, rng.randrange(3), partial(train, pipeline), made_by_training())
    arguments, made = {**READERS, "report": (["report", "--scale", "quick"], ["report.html"])}[reader]
    path = results_of(pipeline, rng.choice(CELLS))
    if reader == "report":
        path = pipeline.place / "results/quick/claims.csv"

    def read(**more: str) -> Said:
        return pipeline.ended(pipeline.rnnrepro(*arguments, **more))

    return _one_error(pipeline, path, rng.randrange(2), read, made)


def _one_error(pipeline: Pipeline, path: Path, skip: int, command: partial[Said], made: list[str]) -> Outcome:
    said = command(**_failing(path, skip))
    if not _struck(pipeline):
        raise Missed
    if said.status == 0:
        raise _Bad(Ending.WRONG, f"nothing was said of {path.name}: {said.text[-2000:]}")
    names(said, path)
    return settle(pipeline, said, f"{path.name}, reading {skip + 1}", command, made, lambda: None)


def between(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A checkpoint is removed or cut short after it was first read, before the training goes on from it."""
    pipeline.begin("half")
    path, what = _kept(pipeline, rng), rng.choice(["removed", "cut"])
    pipeline.restarted.add(path.parent.name)
    said = train(pipeline, **_failing(path, 1, what))
    if not _struck(pipeline):
        raise Missed
    if said.status != 0:
        raise _Bad(Ending.LOST, f"the training does not go on: {said.text[-3000:]}")
    return settle(pipeline, said, what, lambda: train(pipeline), made_by_training())


def removed_beside(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """All checkpoints of a cell are gone, or one of two is, when the training begins again."""
    pipeline.begin("half")
    kept = [f / "checkpoint" for f in states_of(pipeline, LEFT) if (f / "checkpoint").exists()]
    if not kept:
        raise Missed
    gone = rng.sample(kept, rng.randint(1, len(kept)))
    for path in gone:
        pipeline.restarted.add(path.parent.name)
        path.unlink() if rng.random() < 0.5 else shutil.rmtree(path.parent)
    return settle(
        pipeline,
        train(pipeline),
        f"{len(gone)} of {len(kept)}",
        lambda: train(pipeline),
        made_by_training(),
    )


for name, run in {
    "unreadable state": state,
    "unreadable results or data": results,
    "checkpoint gone while read": between,
    "checkpoints gone": removed_beside,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
