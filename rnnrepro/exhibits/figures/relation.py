"""One metric against another along training: a line a run, from its first look to its last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rnnrepro import tables
from rnnrepro.exhibits import series, style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.axis_labels import axis_label, in_a_line
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Runs = dict[tuple[str, int], pd.DataFrame]


def draw(view: View) -> Drawn:
    """One panel an experiment. Raises Fault for an unknown metric, and where no run has recorded both."""
    other = str(view.option("against", "alignment"))
    tables.row("metric", other)
    cells = [
        (name, cell, pairs(view, cell, other))
        for name in view.entry.experiments
        for cell in view.records_of(name)
    ]
    cells = [each for each in cells if each[2]]
    view.need(cells, f"no run has recorded both {view.entry.metric} and {other} on {view.entry.split}")
    numbers = Numbers(_headings(view, other), [_row(view, *each) for each in cells])
    if not any(len(pair) for _, _, runs in cells for pair in runs.values()):
        return nothing("nothing finite was recorded", numbers)
    names = list(dict.fromkeys(name for name, _, _ in cells))
    with style.journal():
        drawn, axes = layout.panels(len(names), height_mm=62)
        for ax, name in zip(axes, names, strict=True):
            _panel(view, ax, [(cell, runs) for own, cell, runs in cells if own == name], other)
            layout.title(ax, view.experiment_title(name), letters=36 if len(axes) < 3 else 26)
        style.panel_letters(axes)
        layout.shared_legend(drawn, arrays.legend_of(view, [each[:2] for each in cells]), columns=3)
    what = f"{axis_label(view.entry.metric, view.entry.split)} against {axis_label(other, view.entry.split)}"
    return Drawn(drawn, numbers, _NOTES, f"{what.replace(chr(10), ' ')} along training, a line a run.")


def pairs(view: View, cell: CellRecords, other: str) -> Runs:
    """{run: columns x and y by step} of what is finite, empty where the cell has not recorded both."""
    split = view.entry.split
    both = [series.select(cell, metric, split) for metric in (other, view.entry.metric)]
    if any(found.empty for found in both):
        return {}
    keys = ["point", "seed", "step"]
    x, y = (found[found["index"] == 0].set_index(keys)["value"] for found in both)
    joined = pd.concat({"x": x, "y": y}, axis=1, join="inner").replace([np.inf, -np.inf], np.nan).dropna()
    return {
        (str(point), int(seed)): part.droplevel(["point", "seed"]).sort_index()
        for (point, seed), part in joined.groupby(level=["point", "seed"], sort=True)
    }


def _panel(view: View, ax: Any, cells: list[tuple[CellRecords, Runs]], other: str) -> None:
    found = looks(view, [cell for cell, _ in cells])
    for cell, runs in cells:
        look = found[cell.provenance["arm"]]
        for pair in runs.values():
            ax.plot(pair["x"], pair["y"], color=look.colour, linestyle=look.dash, linewidth=0.7, alpha=0.6)
            ax.plot(
                pair["x"].iloc[-1:], pair["y"].iloc[-1:], "o", color=look.colour, markersize=3.2, zorder=4
            )
    ax.axhline(0, color=style.LIGHT, linewidth=0.8, zorder=0)
    ax.axvline(0, color=style.LIGHT, linewidth=0.8, zorder=0)
    if view.entry.log:
        ax.set_yscale("log")
        layout.log_axis(ax.yaxis)
    ax.set_xlabel(axis_label(other, view.entry.split))
    ax.set_ylabel(axis_label(view.entry.metric, view.entry.split))


def _row(view: View, name: str, cell: CellRecords, runs: Runs) -> dict[str, Any]:
    ends = [pair.iloc[[0, -1]] for pair in runs.values()]
    ranks = [pair.rank().corr().loc["x", "y"] for pair in runs.values() if len(pair) > 2]
    return {
        "experiment": view.experiment_title(name),
        "model": view.label(cell),
        "seeds": len(runs),
        **{
            f"{axis}_{when}": float(np.median([end[axis].iloc[at] for end in ends]))
            for axis in ("x", "y")
            for at, when in enumerate(("first", "last"))
        },
        "rank": float(np.median(ranks)) if ranks else None,
    }


def _headings(view: View, other: str) -> dict[str, str]:
    x, y = (in_a_line(metric, view.entry.split) for metric in (other, view.entry.metric))
    return {
        "experiment": "experiment",
        "model": "model",
        "seeds": "seeds",
        "x_first": f"{x}, first",
        "x_last": "last",
        "y_first": f"{y}, first",
        "y_last": "last",
        "rank": "rank correlation along training",
    }


_NOTES = ["Lines: one a run, along training; dots: where it ends. Table: medians over seeds."]
