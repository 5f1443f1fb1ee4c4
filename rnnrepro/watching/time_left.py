"""How long the rest of a plan will take, by what its finished cells have taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rnnrepro.heartbeat import Heartbeat
from rnnrepro.plan import Cell
from rnnrepro.watching.folder import Found

_MOST_READ = 200
"""Cost tables that are read: enough for a mean."""


@dataclass(frozen=True)
class Left:
    """`seconds` with `jobs` at a time; `ratio`: measured over estimated seconds of `cells`, None if none."""

    seconds: float
    jobs: int
    ratio: float | None
    cells: int


def left(work: Sequence[tuple[Found, Heartbeat | None]], results: Path) -> Left:
    """The time left of cells, each with the job that is at work on it; equal runs of two cells are counted once."""
    measured, cells = _measured([found.cell for found, _ in work if found.complete], results)
    if measured is None:
        measured = _of_speeds(work)
    ratio = 1.0 if measured is None else measured
    counted: set[str] = set()
    running, rest = [], 0.0
    for found, beat in work:
        fresh = [digest for digest in dict.fromkeys(found.left) if digest not in counted]
        counted.update(fresh)
        estimate = ratio * found.cell.estimate.seconds * len(fresh) / max(1, found.runs)
        if beat is not None:
            running.append(beat.left or estimate)
        elif not found.complete:
            rest += estimate
    jobs = max(1, len(running))
    seconds = max([(sum(running) + rest) / jobs, *running])
    return Left(seconds, len(running), measured, cells)


def _measured(done: Sequence[Cell], results: Path) -> tuple[float | None, int]:
    """Seconds taken over seconds estimated, of finished cells, and of how many."""
    taken = estimated = 0.0
    cells = 0
    for cell in done[:: max(1, -(-len(done) // _MOST_READ))]:
        seconds = _seconds(results / cell.cost_path)
        if seconds is not None:
            taken, estimated, cells = taken + seconds, estimated + cell.estimate.seconds, cells + 1
    return (taken / estimated if estimated and taken else None), cells


def _seconds(path: Path) -> float | None:
    try:
        values = pq.read_table(path, columns=["seconds"], partitioning=None)["seconds"].to_pylist()
        return float(sum(values))
    except (pa.ArrowException, OSError, LookupError, ValueError, TypeError):
        return None  # missing or damaged: it only says less


def _of_speeds(work: Sequence[tuple[Found, Heartbeat | None]]) -> float | None:
    """The same, of the speed of the jobs at work, where nothing has finished yet."""
    taken = estimated = 0.0
    for found, beat in work:
        if beat is not None and beat.rate > 0:
            estimate = found.cell.estimate
            taken += 1 / beat.rate
            estimated += estimate.seconds / max(1, estimate.steps) * beat.running / max(1, found.runs)
    return taken / estimated if estimated else None
