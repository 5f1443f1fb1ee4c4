"""Which runs of an arm an exhibit shows: all, those of its best setting, or the successful ones of all settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnrepro.claims import statistics, successes
from rnnrepro.claims.statistics import RunValue
from rnnrepro.errors import Fault, nearest

if TYPE_CHECKING:
    from rnnrepro.records import CellRecords

BEST, SUCCESSES = "best", "successes"
_CRITERION = ("metric", "split", "statistic", "threshold")


@dataclass(frozen=True)
class Chosen:
    """The runs by (grid point, seed), and how they were chosen, for a note; "" where all of a point are shown."""

    runs: frozenset[tuple[str, int]]
    words: str = ""

    def of(self, values: Sequence[RunValue]) -> list[RunValue]:
        """The values of the chosen runs."""
        return [value for value in values if (value.point, value.seed) in self.runs]

    @property
    def points(self) -> list[str]:
        """The grid points that they are of."""
        return sorted({point for point, _ in self.runs})


def spoken(point: str, among: Sequence[str] = ()) -> str:
    """A grid point for readers: `rate=0.001,matrix.gain=1.02` -> `rate 0.001, gain 1.02`.

    What is the same in all points of `among` is left out.
    """
    shared = set.intersection(*(set(each.split(",")) for each in among)) if len(among) > 1 else set()
    words = []
    for entry in filter(None, point.split(",")):
        key, _, value = entry.partition("=")
        part, _, name = key.partition(".")
        named = f"{name} {part}" if part == "rate" and name else name or part
        words += [f"{named.replace('_', ' ')} {value}"] if entry not in shared else []
    return ", ".join(words)


def of_point(record: CellRecords, point: str) -> Chosen:
    """All runs of one grid point."""
    return Chosen(frozenset(run for run in record.status if run[0] == point))


def best(record: CellRecords, metric: str, split: str, statistic: str) -> Chosen:
    """The runs of the grid point with the best mean of the statistic over seeds.

    A diverged run counts as infinite, on the bad side; the first of equal points is taken. Raises Fault for a metric
    of which neither low nor high is better.
    """
    better = statistics.direction(metric, statistic)
    if better is None:
        raise Fault(f"{record.key}: neither low nor high {metric} is better, so no setting is the best")
    values = statistics.of_cell(record, metric, split, statistic)
    points = list(dict.fromkeys(value.point for value in values))
    means = [np.mean([value.value for value in values if value.point == point]) for point in points]
    place = points[int(np.argmin(means) if better == "lower" else np.argmax(means))]
    words = (
        f"best of {len(points)} settings by the mean over seeds: {spoken(place, points)}"
        if len(points) > 1
        else ""
    )
    return Chosen(of_point(record, place).runs, words)


def successful(record: CellRecords, criterion: Mapping[str, Any]) -> Chosen:
    """The successful runs of all grid points: `criterion` has metric, split, statistic and threshold.

    Raises Fault for another word, for a criterion without a metric, and as `rnnrepro.claims.successes` does.
    """
    for word in criterion:
        if word not in _CRITERION:
            raise Fault(f"{record.key}: success has no {word!r}{nearest(word, _CRITERION)}")
    if "metric" not in criterion:
        raise Fault(f"{record.key}: success needs the metric that tells it")
    metric, split = criterion["metric"], criterion.get("split", "test")
    statistic, threshold = criterion.get("statistic", "last"), criterion.get("threshold", successes.HALF)
    found = successes.of_cell(record, metric, split, statistic, threshold)
    kept = frozenset(run for run, good in found.items() if good)
    level = successes.level(record, metric, statistic, threshold)
    side = {"lower": "below", "higher": "above"}[statistics.direction(metric, statistic)]
    said = f"{statistics.in_words(statistic)} of {metric.replace('_', ' ')} on {split} {side} {level:.4g}"
    return Chosen(kept, f"{len(kept)} of {len(found)} runs are successful ({said})")
