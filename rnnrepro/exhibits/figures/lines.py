"""What is drawn in a figure of curves: panels, and in each a line for every model (at every grid point)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro.exhibits import chosen, series, style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.looks import Look, looks
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

PANELS = ("experiment", "point", "arm")


@dataclass(frozen=True)
class Line:
    """One model (at one grid point) in one panel."""

    records: CellRecords
    point: str
    label: str
    colour: str
    dash: Any
    runs: list[series.Curve]


@dataclass(frozen=True)
class Panel:
    """Lines under one title."""

    title: str
    lines: list[Line]

    @property
    def experiment(self) -> str:
        """That of its first line."""
        return self.lines[0].records.provenance["experiment"]


def gather(view: View) -> list[Panel]:
    """The panels with the runs' curves: one an experiment, one a grid point of it, or one an arm of all of them."""
    by = view.choice("panels", PANELS)
    shades = [Look(*each) for each in layout.ramp(len(view.entry.experiments))]
    found: dict[tuple[str, ...], Panel] = {}
    for experiment, shade in zip(view.entry.experiments, shades, strict=True):
        cells = view.records_of(experiment)
        own, named = looks(view, cells), view.experiment_title(experiment)
        for cell in cells:
            points, arm = _wanted(view, cell), cell.provenance["arm"]
            for group in [[point] for point in points] if by == "point" else [points]:
                place, title = {
                    "experiment": ((experiment,), named),
                    "point": ((experiment, *group), chosen.spoken(*group[:1])),
                    "arm": ((arm,), view.label(cell)),
                }[by]
                look = shade if by == "arm" else own[arm]
                lines = _lines(view, cell, group, named if by == "arm" else view.label(cell), look)
                found.setdefault(place, Panel(title, [])).lines.extend(lines)
    return list(found.values())


def _wanted(view: View, records: CellRecords) -> list[str]:
    """The grid points of an arm that are drawn: all, those that `points` lists, or the best."""
    entry, points = view.entry, view.option("points", None)
    if points == chosen.BEST:
        return chosen.best(records, entry.metric, entry.split, entry.statistic).points
    return [p for p in series.points(records) if not points or p in points]


def _lines(view: View, records: CellRecords, own: Sequence[str], name: str, look: Look) -> list[Line]:
    entry, every = view.entry, series.points(records)
    named = len(own) > 1 or view.option("points", None) == chosen.BEST
    lines = []
    for i, point in enumerate(own):
        runs = series.curves(records, entry.metric, entry.split, point=point, x=entry.x, smooth=entry.smooth)
        label = name + (f", {chosen.spoken(point, every)}" if named and point else "")
        dash = look.dash if len(own) == 1 else style.DASHES[i % len(style.DASHES)]
        if runs:
            lines.append(Line(records, point, label, look.colour, dash, runs))
    return lines
