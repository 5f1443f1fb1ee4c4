"""Which runs count as successful: those that end below a level, by default half of what guessing gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rnnrepro.claims import statistics
from rnnrepro.claims.statistics import RunValue
from rnnrepro.errors import Fault

if TYPE_CHECKING:
    from rnnrepro.records import CellRecords

HALF = "half_chance"


def chance(record: CellRecords, metric: str) -> float | None:
    """The level of guessing in a metric, as recorded or, of a uniform guess over K classes, from ln K nats."""
    known = record.provenance.get("chance", {})
    nats = known.get("cross_entropy")
    if metric in known or nats is None:
        return known.get(metric)
    classes = math.exp(nats)
    if metric == "bpc":
        return nats / math.log(2)
    uniform = classes > 1.5 and math.isclose(classes, round(classes), rel_tol=1e-9)
    return 1 / classes if metric == "accuracy" and uniform else None


def level(record: CellRecords, metric: str, statistic: str, threshold: float | str | None = HALF) -> float:
    """The level that a successful run is beyond: a number, or half of the task's chance. Raises Fault for what is none.

    Half of chance is for metrics of which lower is better, read in their own units.
    """
    if isinstance(threshold, (int, float)) and not isinstance(threshold, bool):
        return float(threshold)
    if threshold not in (None, HALF):
        raise Fault(f"{record.key}: threshold {threshold!r}: give a number or {HALF}")
    guess = chance(record, metric)
    if (
        guess is None
        or statistics.direction(metric, statistic) != "lower"
        or statistic.startswith("first_step")
    ):
        raise Fault(f"{record.key}: no half of chance is known for {metric}, {statistic}; give a threshold")
    return guess / 2


def successful(value: RunValue, beyond: float, better: str) -> bool:
    """Whether a run's number is better than the level `beyond`; a diverged run is a failure."""
    return not value.diverged and (value.value < beyond if better == "lower" else value.value > beyond)


def of_cell(
    record: CellRecords, metric: str, split: str, statistic: str, threshold: float | str | None = HALF
) -> dict[tuple[str, int], bool]:
    """{(grid point, seed): whether the run is successful}. Raises Fault as `level` does."""
    better = statistics.direction(metric, statistic)
    if better is None:
        raise Fault(f"{record.key}: neither low nor high {metric} is better, so none is a success")
    beyond = level(record, metric, statistic, threshold)
    runs = statistics.of_cell(record, metric, split, statistic)
    return {(run.point, run.seed): successful(run, beyond, better) for run in runs}
