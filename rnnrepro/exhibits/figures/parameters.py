"""A metric against the number of parameters, as ln(parameters / 1000): reported values as rings, ours as dots.

A reported value says in its `part` where it stands on that axis: `ln_params_per_1000=2.73`. One panel an experiment.
Beside an experiment that stands in for other data no reported value is drawn.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.axis_labels import axis_label
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers, if_reported
from rnnrepro.exhibits.table_rows import summary
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords
from rnnrepro.reported import Reported

SIZE = "ln_params_per_1000"
Row = dict[str, Any]


def draw(view: View) -> Drawn:
    """The figure of kind `parameters`. Raises Fault where nothing is there to show."""
    found = {name: _rows(view, name) for name in view.entry.experiments}
    found = {name: rows for name, rows in found.items() if any(row["seeds"] for row in rows)}
    view.need(found, f"no run has recorded {view.entry.metric} on the {view.entry.split} split")
    rows = [row for own in found.values() for row in own]
    with style.journal():
        drawn, axes = layout.panels(len(found), height_mm=88, wide=True)
        for ax, (name, own) in zip(axes, found.items(), strict=True):
            _panel(view, ax, own)
            layout.title(ax, view.experiment_title(name), letters={1: 90, 2: 40}.get(len(found), 28))
        style.panel_letters(axes)
        drawn.legend(handles=_handles(rows), loc="outside lower center", ncols=4, columnspacing=1.2)
    return Drawn(drawn, _numbers(rows), _notes(view, rows), _alt(view, rows))


def _rows(view: View, name: str) -> list[Row]:
    """Ours in the order of the experiment's models, with the value reported of each, then values reported alone."""
    experiment = view.project.experiment(view.paper_key, name, view.scale)
    printed = {} if experiment is None or experiment.stand_in else _printed(view, name)
    rows = [_of_cell(view, name, cell, printed.pop(_arm(cell), None)) for cell in view.records_of(name)]
    return rows + [_of_reported(view, name, arm, value) for arm, value in printed.items()]


def _arm(cell: CellRecords) -> str:
    return cell.provenance["arm"]


def _printed(view: View, name: str) -> dict[str, Reported]:
    """Arm -> what is reported of it, of the experiment, with its place on the axis."""
    rows = [row for row in view.reported() if row.cell.partition("/")[0] == name and SIZE in row.settings]
    return {row.cell.partition("/")[2]: row for row in rows if row.metric == view.entry.metric}


def _of_cell(view: View, name: str, cell: CellRecords, printed: Reported | None) -> Row:
    ours = summary(view.statistic(cell))
    return {
        "experiment": view.experiment_title(name),
        "model": view.label(cell),
        "colour": style.colour(cell.provenance["model"]),
        "seeds": ours.n,
        "diverged": ours.diverged,
        "parameters": cell.provenance["parameters"],
        "size": math.log(cell.provenance["parameters"] / 1000),
        "mean": ours.mean,
        "low": ours.least,
        "high": ours.greatest,
        **_said(printed),
    }


def _of_reported(view: View, name: str, arm: str, printed: Reported) -> Row:
    return {
        "experiment": view.experiment_title(name),
        "model": _name(view, name, arm),
        "colour": style.colour(arm.partition(".")[0]),
        "seeds": 0,
        **_said(printed),
    }


def _name(view: View, name: str, arm: str) -> str:
    """Of an arm that is not run here: as it is called at this scale or at the paper's own."""
    scales = (view.scale, "paper")
    known = [e for scale in scales if (e := view.project.experiment(view.paper_key, name, scale))]
    labels = [e.models[arm].label if arm in e.models else e.labels.get(arm) for e in known]
    return next(filter(None, labels), arm)


def _said(printed: Reported | None) -> Row:
    if printed is None:
        return dict.fromkeys(("reported", "reported_size", "status"))
    size = float(printed.settings[SIZE])
    return {"reported": printed.value, "reported_size": size, "status": printed.status}


def _panel(view: View, ax: Axes, rows: list[Row]) -> None:
    for row in rows:
        if row["reported"] is not None:
            ring = {"markerfacecolor": "none", "markersize": 6.5, "markeredgewidth": 1.2}
            ax.plot(row["reported_size"], row["reported"], "o", color=row["colour"], zorder=3, **ring)
        if row.get("mean") is not None:
            ax.plot(
                [row["size"]] * 2, [row["low"], row["high"]], color=row["colour"], linewidth=0.9, zorder=4
            )
            ax.plot(row["size"], row["mean"], "o", color=row["colour"], markersize=4.2, zorder=5)
    ax.set_xlabel("ln(parameters / 1000)")
    ax.set_ylabel(axis_label(view.entry.metric, view.entry.split))
    ax.margins(0.08)


def _handles(rows: list[Row]) -> list[Line2D]:
    plain = {"linestyle": "none", "marker": "o"}
    handles = [Line2D([], [], color=style.INK, markersize=4.2, label="ours, mean and range", **plain)]
    if any(row["reported"] is not None for row in rows):
        ring = {"markersize": 6.5, "markerfacecolor": "none"}
        handles.append(Line2D([], [], color=style.INK, label="reported", **plain, **ring))
    colours = {row["model"]: row["colour"] for row in rows}
    shade = {"linestyle": "none", "marker": "s", "markersize": 4}
    return handles + [Line2D([], [], color=c, label=model, **shade) for model, c in colours.items()]


def _numbers(rows: list[Row]) -> Numbers:
    headings = {
        "experiment": "experiment",
        "model": "model",
        "seeds": "seeds",
        "parameters": "parameters",
        "size": "ln(parameters / 1000)",
        "mean": "mean",
        "low": "min",
        "high": "max",
        "diverged": "diverged",
        "reported": "reported",
        "reported_size": "its ln(parameters / 1000)",
        "status": "status",
    }
    return Numbers(if_reported(headings, rows), rows)


def _notes(view: View, rows: list[Row]) -> list[str]:
    from rnnrepro.claims.statistics import in_words

    said = [
        f"Ours: {in_words(view.entry.statistic)}, mean over seeds with the range; all trained numbers of the network "
        "are counted, embedding and read-out among them."
    ]
    if any(row["reported"] is not None for row in rows):
        said.append("Sizes of the reported values are read off the paper's figure, to some 3 per cent.")
    return said


def _alt(view: View, rows: list[Row]) -> str:
    ours = [row for row in rows if row.get("mean") is not None]
    sizes = [row["parameters"] for row in ours] or [0]
    return (
        f"{view.entry.metric.replace('_', ' ').capitalize()} against the logarithm of the number of parameters; "
        f"{len(ours)} models of ours with {min(sizes):,} to {max(sizes):,} parameters, from "
        f"{np.min([row['mean'] for row in ours] or [0]):.3g} to {np.max([row['mean'] for row in ours] or [0]):.3g}."
    )
