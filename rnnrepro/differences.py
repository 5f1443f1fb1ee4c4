"""How far the rows of two trainings of one run are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnrepro.records import RUN_SCHEMA

Place = tuple[int, str, str, int]
"""(step, split, metric, index): what tells the rows of a run apart."""


@dataclass(frozen=True)
class Metric:
    """A metric whose values are apart: in how many rows, from which step on, and by how much at the most.

    `relative` is a share of the larger of the two values. Where only one of the two is a finite number both are
    infinite.
    """

    split: str
    name: str
    rows: int
    of: int
    first: int
    absolute: float
    relative: float

    def __str__(self) -> str:
        return (
            f"{self.split} {self.name}: {self.rows} of {self.of} values, from step {self.first} on, "
            f"at most {self.absolute:.3g} apart, {self.relative:.3g} of the value"
        )


@dataclass(frozen=True)
class Difference:
    """What differs: values, by metric, and rows that only one of the two has. `rows`: how many were recorded."""

    rows: int
    metrics: tuple[Metric, ...]
    gone: tuple[Place, ...]
    new: tuple[Place, ...]
    ordered: bool

    @property
    def equal(self) -> bool:
        """Whether the rows are the same, byte for byte and in the same order."""
        return self.ordered and not (self.metrics or self.gone or self.new)

    @property
    def first(self) -> int | None:
        """The first step that differs."""
        steps = [metric.first for metric in self.metrics] + [place[0] for place in (*self.gone, *self.new)]
        return min(steps, default=None)

    def lines(self) -> list[str]:
        """In words, the metric that is furthest apart first."""
        found = [str(m) for m in sorted(self.metrics, key=lambda m: (-m.relative, m.first))]
        for places, what in (
            (self.gone, "recorded and not there now"),
            (self.new, "there now and not recorded"),
        ):
            if places:
                step, split, metric, _ = min(places)
                found.append(f"{len(places)} rows {what}, the first {split} {metric} at step {step}")
        return found or ([] if self.ordered else ["the same rows in another order"])


def between(recorded: pa.Table, now: pa.Table) -> Difference:
    """The difference of two tables of one run's rows; other columns than those of a run are left aside.

    Values are equal if all their bits are: one that is not a number equals itself, and 0 is not −0.
    """
    before, after = _rows(recorded), _rows(now)
    places, others = list(before), list(after)
    shared = [place for place in places if place in after]
    x = np.array([before[place] for place in shared], np.float64)
    y = np.array([after[place] for place in shared], np.float64)
    return Difference(
        recorded.num_rows,
        _metrics(shared, x, y),
        tuple(place for place in places if place not in after),
        tuple(place for place in others if place not in before),
        places == others,
    )


def of_run(table: pa.Table, seed: int, point: str) -> pa.Table:
    """The rows of one run of a cell's table, or all of a table that is one run's."""
    if "seed" not in table.column_names:
        return table
    return table.filter(pc.and_(pc.equal(table["seed"], seed), pc.equal(table["point"], point)))


def _rows(table: pa.Table) -> dict[Place, float]:
    *keys, values = (table[name].to_pylist() for name in RUN_SCHEMA.names)
    return dict(zip(zip(*keys, strict=True), values, strict=True))


def _metrics(places: Sequence[Place], x: np.ndarray, y: np.ndarray) -> tuple[Metric, ...]:
    apart = x.view(np.int64) != y.view(np.int64)
    groups: dict[tuple[str, str], list[int]] = {}
    for i, (_, split, metric, _) in enumerate(places):
        groups.setdefault((split, metric), []).append(i)
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute = np.abs(x - y)
        relative = np.where(absolute == 0, 0.0, absolute / np.maximum(np.abs(x), np.abs(y)))
    found = []
    for (split, metric), rows in groups.items():
        where = [i for i in rows if apart[i]]
        if where:
            most = (_most(values[where]) for values in (absolute, relative))
            found.append(
                Metric(split, metric, len(where), len(rows), min(places[i][0] for i in where), *most)
            )
    return tuple(found)


def _most(values: np.ndarray) -> float:
    """The largest; infinite where one is not a number. Of 0 and −0 it is 0."""
    return float(np.where(np.isnan(values), np.inf, values).max())
