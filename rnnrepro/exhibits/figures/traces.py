"""Outputs by time step beside their targets, before and after training, of one trial of one seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Cells = list[tuple[str, CellRecords]]
Trials = dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]
STEPS = {"first": "before training", "last": "after training"}


def draw(view: View) -> Drawn:
    """One panel an experiment and arm. Raises Fault where no run has stored outputs."""
    cells = arrays.cells_with(view, ["output"])
    numbers = Numbers(_HEADINGS, [_row(view, experiment, cell) for experiment, cell in cells])
    if not any(trials(view, cell, "last") for _, cell in cells):
        return nothing("every run diverged", numbers)
    shades = looks(view, {cell.provenance["arm"]: cell for _, cell in cells}.values())
    with style.journal():
        drawn, axes = layout.panels(len(cells), height_mm=48)
        for ax, (experiment, cell) in zip(axes, cells, strict=True):
            _panel(view, ax, cell, shades[cell.provenance["arm"]].colour)
            title = arrays.named(view, experiment, cell, cells)
            layout.title(ax, title, letters={1: 36, 2: 40}.get(len(axes), 28))
        layout.share_limits(axes)
        style.panel_letters(axes)
        drawn.legend(handles=_handles(), loc="outside lower center", ncols=3)
    return Drawn(drawn, numbers, _notes(view, cells), _alt(view, cells))


def trials(view: View, cell: CellRecords, step: str) -> Trials:
    """Outputs and targets, (trials, T, K) each, of each run, at its `first` look or its `last`."""
    shapes, made, asked = (
        arrays.shown(view, cell, metric, step) for metric in ("output_shape", "output", "target")
    )
    return {run: tuple(each[run].reshape(shapes[run].astype(int)) for each in (made, asked)) for run in made}


def _panel(view: View, ax: Any, cell: CellRecords, colour: str) -> None:
    after, at = trials(view, cell, "last"), int(view.option("trial", 0))
    chosen = arrays.one(after or trials(view, cell, "first"))
    view.need(chosen, f"{cell.key} has no run to show")
    run, (_, target) = chosen
    view.need(at < len(target), f"option trial: {cell.key} has trials 0 to {len(target) - 1}, not {at}")
    time = np.arange(1, target.shape[1] + 1)
    before = trials(view, cell, "first").get(run)
    if before is not None:
        ax.plot(time, before[0][at], color=style.LIGHT, linewidth=0.9)
    if run in after:
        ax.plot(time, after[run][0][at], color=colour, linewidth=1.5)
    ax.plot(time, target[at], color=style.INK, linestyle=layout.CHANCE, linewidth=0.9)
    ax.set_xlim(0, time[-1])
    ax.set_xlabel("time step")
    ax.set_ylabel("output")


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=style.INK, linestyle=layout.CHANCE, linewidth=0.9, label="target"),
        Line2D([], [], color=style.GREY, linewidth=1.5, label="after training"),
        Line2D([], [], color=style.LIGHT, linewidth=0.9, label="before training"),
    ]


def half_squared_errors(found: Trials) -> list[float]:
    """Squared error of each run, added up over outputs, mean over steps and trials, halved."""
    return [0.5 * float(((made - asked) ** 2).sum(-1).mean()) for made, asked in found.values()]


def _row(view: View, experiment: str, cell: CellRecords) -> dict[str, Any]:
    before, after = (half_squared_errors(trials(view, cell, step)) for step in STEPS)
    return {
        "experiment": view.experiment_title(experiment),
        "model": view.label(cell),
        "seeds": len(after),
        "before": float(np.median(before)) if before else None,
        "after": float(np.median(after)) if after else None,
        "low": min(after, default=None),
        "high": max(after, default=None),
    }


_HEADINGS = {
    "experiment": "experiment",
    "model": "model",
    "seeds": "seeds",
    "before": "½ squared error before training, median",
    "after": "after, median",
    "low": "min",
    "high": "max",
}


def _notes(view: View, cells: Cells) -> list[str]:
    shown = [arrays.one(trials(view, cell, "last")) for _, cell in cells]
    seeds = ", ".join(map(str, sorted({each[0][1] for each in shown if each is not None})))
    return [
        f"Seed {seeds}, trial {int(view.option('trial', 0))} of the test; the table is over all seeds and trials."
    ]


def _alt(view: View, cells: Cells) -> str:
    parts = ", ".join(f"{view.label(cell)}, {view.experiment_title(name)}" for name, cell in cells)
    return f"Outputs by time step beside their targets: {parts}."
