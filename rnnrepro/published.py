"""The authors' own published curves, as rows of `config/reported/<paper>_curves.csv`: what is drawn beside ours.

Experiments and arms by the project's keys, metrics in the units of `tables.METRICS`, and each point with where it was
read. A curve is all points of one experiment, arm, split and metric; a paper without such a file has none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnrepro import csv_rows, reported, tables
from rnnrepro.errors import nearest

if TYPE_CHECKING:
    from rnnrepro.project import Project

ENDING = "_curves.csv"
X_KINDS = ("step", "epoch")
Curve = tuple[str, str, str, str]
"""Experiment, arm, split and metric."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a published curve: the mean over `seeds` seeds and their standard deviation, if it is known.

    `model` is the arm; `x` counts what is done, steps or epochs: an evaluation after the first epoch stands at 1.
    """

    experiment: str
    model: str
    split: str
    metric: str
    x: float
    x_kind: str
    value: float
    std: float | None = None
    seeds: int
    status: str
    source: str

    @property
    def curve(self) -> Curve:
        """What the points of one curve share."""
        return self.experiment, self.model, self.split, self.metric


COLUMNS = tuple(f.name for f in dataclasses.fields(Point))


def faults_of(point: Point) -> list[str]:
    """What is wrong with a point."""
    checks = {
        "no experiment, model or split": not all((point.experiment, point.model, point.split)),
        f"unknown metric {point.metric!r}{nearest(point.metric, tables.METRICS)}": point.metric
        not in tables.METRICS,
        f"x_kind {point.x_kind!r} is neither {' nor '.join(X_KINDS)}": point.x_kind not in X_KINDS,
        f"x {point.x!r} is not a number of at least 0": not (math.isfinite(point.x) and point.x >= 0),
        f"value {point.value!r} is not finite": not math.isfinite(point.value),
        f"accuracy {point.value} is not a fraction": point.metric == "accuracy" and not 0 <= point.value <= 1,
        f"std {point.std!r} is not a number of at least 0": point.std is not None
        and not (math.isfinite(point.std) and point.std >= 0),
        f"seeds {point.seeds} is less than 1": point.seeds < 1,
        f"unknown status {point.status!r}{nearest(point.status, reported.STATUSES)}": point.status
        not in reported.STATUSES,
        "no source": not point.source,
    }
    return [message for message, wrong in checks.items() if wrong]


def curves(points: Iterable[Point]) -> dict[Curve, list[Point]]:
    """The points by curve, each in the order of x."""
    found: dict[Curve, list[Point]] = {}
    for point in points:
        found.setdefault(point.curve, []).append(point)
    return {key: sorted(own, key=lambda p: p.x) for key, own in found.items()}


def _faults_of_curves(points: Sequence[Point]) -> list[str]:
    faults = []
    for key, own in curves(points).items():
        name = " ".join(key)
        if len({point.x_kind for point in own}) > 1:
            faults.append(f"{name}: steps and epochs in one curve")
        if len({point.x for point in own}) < len(own):
            faults.append(f"{name}: two points at one x")
    return faults


def read(path: str | Path) -> list[Point]:
    """The points of one file. Raises Fault with everything that is wrong, by line."""
    return csv_rows.read(path, COLUMNS, _point, faults_of, _faults_of_curves)


def _point(entry: dict[str, str]) -> Point:
    numbers = {"x": float(entry["x"]), "value": float(entry["value"]), "seeds": int(entry["seeds"])}
    return Point(**{**entry, **numbers, "std": float(entry["std"]) if entry["std"] else None})


def of_paper(project: Project, paper: str) -> list[Point]:
    """The paper's points; none where it has no file."""
    path = project.folder / "reported" / f"{paper}{ENDING}"
    return read(path) if path.exists() else []
