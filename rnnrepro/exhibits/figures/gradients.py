"""How the loss gradient travels back through time: ‖∂L/∂h_t‖ by t, and at h_0, before and after training."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnrepro.exhibits import series, style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

STEPS = {"first": "before training", "last": "after training"}


def draw(view: View) -> Drawn:
    """One row an experiment: by t before training, by t after it, and the norm at h_0 by optimiser step."""
    cells = arrays.cells_with(view, ["gradient_norm"])
    experiments = list(dict.fromkeys(e for e, _ in cells))
    with style.journal():
        drawn = style.figure(60 * len(experiments) + 8, wide=True)
        grid = drawn.subplots(len(experiments), 3, squeeze=False)
        for row, experiment in zip(grid, experiments, strict=True):
            own = [cell for e, cell in cells if e == experiment]
            dashes = style.dashes(cell.provenance["arm"] for cell in own)
            for ax, step in zip(row, STEPS, strict=False):
                for cell in own:
                    _by_time(ax, cell, step, dashes[cell.provenance["arm"]])
                _finish(ax, "time step t", "‖∂L/∂h$_t$‖")
            layout.share_limits(row[:2])
            named = f"{view.experiment_title(experiment)}: " if len(experiments) > 1 else ""
            layout.title(row[0], f"{named}before training", letters=28)
            layout.title(row[1], "after training", letters=28)
            for cell in own:
                _at_start(row[2], cell, dashes[cell.provenance["arm"]])
            _finish(row[2], "optimiser step", "‖∂L/∂h$_0$‖")
            layout.title(row[2], "at the initial state", letters=28)
        for ax in grid.flat:
            layout.log_axis(ax.yaxis)
        style.panel_letters(grid.flat)
        _legend(view, drawn, [cell for _, cell in cells])
    return Drawn(
        drawn,
        _numbers(view, cells),
        [
            "Norm of the gradient of a sequence's own loss, mean over the first training batch (at most 32 sequences). "
            "Lines: median over seeds; bands: minimum to maximum; at the initial state one line a seed."
        ],
        "Gradient norms by time step before and after training, and at the initial state, on logarithmic axes.",
    )


def _by_time(ax: Axes, cell: CellRecords, step: str, dash: Any) -> None:
    runs = arrays.finished(cell, "gradient_norm", step)
    if runs:
        t = np.arange(max(map(len, runs.values())))
        arrays.profile(ax, t, runs, colour=style.colour(cell.provenance["model"]), dash=dash)


def _at_start(ax: Axes, cell: CellRecords, dash: Any) -> None:
    colour = style.colour(cell.provenance["model"])
    rows = series.select(cell, "gradient_h0", "analysis")
    for _, part in rows.groupby(["point", "seed"], sort=True):
        part = part.sort_values("step")
        ax.plot(
            part["step"],
            part["value"],
            color=colour,
            linestyle=dash,
            linewidth=0.9,
            marker="o",
            markersize=2.4,
        )


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_yscale("log")
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def _legend(view: View, drawn: Figure, cells: list[CellRecords]) -> None:
    dashes = style.dashes(dict.fromkeys(cell.provenance["arm"] for cell in cells))
    entries = {
        cell.provenance["arm"]: (
            view.label(cell),
            style.colour(cell.provenance["model"]),
            dashes[cell.provenance["arm"]],
        )
        for cell in cells
    }
    layout.shared_legend(drawn, list(entries.values()))


def _numbers(view: View, cells: list[tuple[str, CellRecords]]) -> Numbers:
    rows: list[dict[str, Any]] = []
    for experiment, cell in cells:
        for step, words in STEPS.items():
            runs = arrays.finished(cell, "gradient_norm", step)
            at_start = [v[0] for v in runs.values()]
            fall = [v[-1] / v[0] for v in runs.values() if v[0] > 0]
            rows.append(
                {
                    "experiment": view.experiment_title(experiment),
                    "model": view.label(cell),
                    "when": words,
                    "seeds": len(runs),
                    "start": np.median(at_start) if at_start else None,
                    "low": min(at_start, default=None),
                    "high": max(at_start, default=None),
                    "fall": np.median(fall) if fall else None,
                }
            )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "when": "when",
            "seeds": "seeds",
            "start": "‖∂L/∂h₀‖, median",
            "low": "min",
            "high": "max",
            "fall": "‖∂L/∂h_T‖ / ‖∂L/∂h₀‖",
        },
        rows,
    )
