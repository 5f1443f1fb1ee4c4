"""What is drawn in a figure of curves: panels, and in each a line for every model (at every grid point)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro.exhibits import chosen, series, style
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords


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


def gather(view: View) -> list[Panel]:
    """The panels with the runs' curves."""
    by_point = view.option("panels", "experiment") == "point"
    result = []
    for experiment in view.entry.experiments:
        cells = view.records_of(experiment)
        dashes = style.dashes(r.provenance["arm"] for r in cells)
        wanted = {r.key: _wanted(view, r) for r in cells}
        all_points = list(dict.fromkeys(p for own in wanted.values() for p in own))
        for group in [[p] for p in all_points] if by_point else [all_points]:
            lines = [
                line
                for r in cells
                for line in _lines(
                    view, r, [p for p in wanted[r.key] if p in group], dashes[r.provenance["arm"]]
                )
            ]
            title = view.experiment_title(experiment) if not by_point else chosen.spoken(group[0])
            result.append(Panel(title, lines))
    return result


def _wanted(view: View, records: CellRecords) -> list[str]:
    """The grid points of an arm that are drawn: all, those that `points` lists, or the best."""
    entry, points = view.entry, view.option("points", None)
    if points == chosen.BEST:
        return chosen.best(records, entry.metric, entry.split, entry.statistic).points
    return [p for p in series.points(records) if not points or p in points]


def _lines(view: View, records: CellRecords, own: Sequence[str], dash: Any) -> list[Line]:
    entry, model = view.entry, records.provenance["model"]
    every = series.points(records)
    named = len(own) > 1 or view.option("points", None) == chosen.BEST
    lines = []
    for i, point in enumerate(own):
        runs = series.curves(records, entry.metric, entry.split, point=point, x=entry.x, smooth=entry.smooth)
        label = view.label(records) + (f", {chosen.spoken(point, every)}" if named and point else "")
        style_of = dash if len(own) == 1 else style.DASHES[i % len(style.DASHES)]
        if runs:
            lines.append(Line(records, point, label, style.colour(model), style_of, runs))
    return lines
