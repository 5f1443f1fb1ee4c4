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
from rnnrepro.watching.say import many

_MOST_READ = 200
"""Cost tables that are read: enough for a mean."""

_FEWEST = 3
"""Finished cells from which what a cell takes besides (compiling, reading data) can be told from its steps."""

_DOUBT = 100.0
"""Seconds squared: cells that differ by less than ten seconds tell little of how the time grows; it is as planned."""

Work = Sequence[tuple[Found, Heartbeat | None]]


@dataclass(frozen=True)
class Left:
    """`seconds`, with `jobs` at work at a time (0: none is, and one is counted on); `basis`: by what, in words."""

    seconds: float
    jobs: int
    basis: str


@dataclass(frozen=True)
class Speed:
    """A cell takes `besides` seconds and `ratio` times its estimate."""

    ratio: float
    besides: float
    basis: str


def left(work: Work, results: Path) -> Left:
    """The time left of cells, each with the job that is at work on it; equal runs of two cells are counted once."""
    speed = _speed(work, results)
    counted: set[str] = set()
    running, rest = [], 0.0
    for found, beat in work:
        fresh = [digest for digest in dict.fromkeys(found.left) if digest not in counted]
        counted.update(fresh)
        estimate = speed.ratio * found.cell.estimate.seconds * len(fresh) / max(1, found.runs)
        if beat is not None:
            running.append(beat.left or estimate)
        elif fresh:
            rest += estimate + speed.besides
    seconds = max([(sum(running) + rest) / max(1, len(running)), *running])
    return Left(seconds, len(running), speed.basis)


def _speed(work: Work, results: Path) -> Speed:
    done = [found.cell for found, _ in work if found.complete]
    taken = _taken(done[:: max(1, -(-len(done) // _MOST_READ))], results)
    if len(taken) >= _FEWEST:
        return _fitted(taken)
    if (ratio := _of_jobs(work)) is not None:
        return Speed(ratio, 0.0, "by the speed of the jobs at work")
    if (estimated := sum(e for e, _ in taken)) and (seconds := sum(t for _, t in taken)):
        return Speed(
            seconds / estimated, 0.0, f"by the time that {len(taken)} cells took".replace("1 cells", "1 cell")
        )
    return Speed(1.0, 0.0, "as planned: nothing is measured yet")


def _fitted(taken: Sequence[tuple[float, float]]) -> Speed:
    """The line through (estimated, taken) seconds of cells; through zero where it would begin below or fall."""
    count, basis = len(taken), f"by the time that {many(len(taken), 'cell')} took"
    x, y = (sum(column) / count for column in zip(*taken, strict=True))
    spread = sum((e - x) ** 2 for e, _ in taken)
    slope = (sum((e - x) * (t - y) for e, t in taken) + _DOUBT) / (spread + _DOUBT)
    if slope > 0 and y - slope * x > 0:
        return Speed(slope, y - slope * x, basis)
    return Speed(y / x if x and y else 1.0, 0.0, basis)


def _taken(cells: Sequence[Cell], results: Path) -> list[tuple[float, float]]:
    """(estimated, taken) seconds of finished cells."""
    pairs = ((cell.estimate.seconds, _seconds(results / cell.cost_path)) for cell in cells)
    return [(estimated, seconds) for estimated, seconds in pairs if seconds is not None]


def _seconds(path: Path) -> float | None:
    try:
        # not `read_table`, which imports pandas where there is one
        values = pq.ParquetFile(path).read(columns=["seconds"])["seconds"]
        total = float(sum(value.as_py() for value in values))
    except (pa.ArrowException, OSError, LookupError, ValueError, TypeError, MemoryError):
        return None  # missing or damaged: the estimate only rests on one cell less
    return total if 0 <= total < 1e12 else None


def _of_jobs(work: Work) -> float | None:
    """Measured over estimated seconds of a step, of the jobs at work."""
    taken = estimated = 0.0
    for found, beat in work:
        if beat is not None and beat.rate > 0:
            estimate = found.cell.estimate
            taken += 1 / beat.rate
            estimated += estimate.seconds / max(1, estimate.steps) * beat.running / max(1, found.runs)
    return taken / estimated if estimated else None
