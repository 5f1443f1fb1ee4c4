"""Trials that need no whole pipeline: a command of rnnrepro's own, what it asks the user to do, and the same again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from rnnrepro import records

from . import compare
from .harness import Ending, Outcome, Pipeline, _Bad, _check_error, _check_text
from .session import DONE, LEFT
from .started import Said

CELLS = (DONE, LEFT)


def train(pipeline: Pipeline, cell: str = LEFT, *options: str, **environment: str) -> Said:
    """Train a cell to its end, as its rule does."""
    arguments = pipeline.train_arguments(cell=cell)
    return pipeline.ended(pipeline.rnnrepro(*arguments, *options, **environment))


def made_by_training(*cells: str) -> list[str]:
    """Patterns of the files that the training of cells makes."""
    return [f"{part}/first/{cell}.parquet" for part in ("runs", "costs") for cell in cells or (LEFT,)]


def results_of(pipeline: Pipeline, cell: str, part: str = "runs") -> Path:
    """The results file of a cell, or with part="costs" its cost table."""
    return pipeline.place / f"results/quick/{part}/first/{cell}.parquet"


def states_of(pipeline: Pipeline, cell: str) -> list[Path]:
    """The state folders of a cell, whose results the undisturbed pipeline has."""
    done = records.read(pipeline.session.stage("done") / f"results/quick/runs/first/{cell}.parquet")
    names = [f"{run['digest']}-{run['fingerprint']}" for run in done.provenance["runs"]]
    return [pipeline.place / "state/quick" / name for name in names]


def settle(
    pipeline: Pipeline,
    said: Said,
    moment: str,
    again: Callable[[], Said],
    made: Sequence[str],
    mend: Callable[[], None] | None = None,
) -> Outcome:
    """Judge a trial as `Pipeline.settle` does, with `again` for the user's next command, and by the files `made`."""
    ending = Ending.AT_ONCE
    _check_text(said)
    if said.status != 0:
        ending = Ending.AGAIN
        if said.status != 75:  # it was not stopped by a signal, and so must say what is wrong
            _check_error(said)
        if mend is not None:
            mend()
            ending = Ending.MENDED
        first, said = said, again()
        _check_text(said)
        if said.status != 0:
            raise _Bad(
                Ending.LOST, f"it fails again: {said.text[-3000:]}\nand failed before: {first.text[-3000:]}"
            )
    judge(pipeline, made)
    return Outcome(ending, moment, said.first_error)


def judge(pipeline: Pipeline, made: Sequence[str]) -> None:
    """Raise where a file of `made` is not as the undisturbed pipeline made it, or work was lost."""
    expected = {
        n: what for n, what in pipeline.expected.items() if any(fnmatch(n, f"*{one}") for one in made)
    }
    if not expected:
        raise ValueError(f"nothing is expected of {made}: the trial could not fail")
    if wrong := compare.differences(expected, compare.found(pipeline.place)):
        raise _Bad(Ending.WRONG, f"exit status 0, but {'; '.join(wrong)}")
    if lost := pipeline.losses():
        raise _Bad(Ending.LOST, "; ".join(lost))


def names(said: Said, path: Path) -> None:
    """Raise where the error does not name the file that is at fault."""
    if said.status not in (0, 75) and path.name not in said.first_error:
        raise _Bad(Ending.WRONG, f"the error does not name {path.name}: {said.text[-2000:]}")
