"""How much modReLU stretches a change at each step of real sequences, and what that does to the gradient.

Maduranga, Helfrich and Ye 2019: a large positive bias and a state that starts at 0 let the gain explode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Cells = list[tuple[str, CellRecords]]
_METRICS = {"modrelu_gain": "largest |∂f/∂z| + |∂f/∂z̄|", "gradient_norm": "‖∂L/∂h$_t$‖"}


def draw(view: View) -> Drawn:
    """One row an experiment: the gain by t, and the gradient by t, both before training."""
    cells = arrays.cells_with(view, ["modrelu_gain"])
    experiments = list(dict.fromkeys(e for e, _ in cells))
    with style.journal():
        drawn, axes = layout.panels(2 * len(experiments), height_mm=64)
        for i, experiment in enumerate(experiments):
            own = [cell for e, cell in cells if e == experiment]
            for ax, metric in zip(axes[2 * i : 2 * i + 2], _METRICS, strict=True):
                _panel(ax, own, metric)
                named = f"{view.experiment_title(experiment)}: " if len(experiments) > 1 else ""
                what = {"modrelu_gain": "gain of one step", "gradient_norm": "gradient of the loss"}[metric]
                layout.title(ax, f"{named}{what}", letters=36)
        for ax in axes:
            layout.log_axis(ax.yaxis)
        style.panel_letters(axes)
        layout.shared_legend(drawn, _legend(view, cells))
    return Drawn(
        drawn,
        _numbers(view, cells),
        [
            "Before training, on the first training batch (at most 32 sequences). Gain: the largest factor by which a "
            "unit stretches a small change of its input, over units, mean over sequences; 1 is neither growth nor "
            "decay. Lines: median over seeds; bands: minimum to maximum."
        ],
        "The largest gain of a unit at each time step, and the norm of the loss gradient at each state, on logarithmic "
        "axes: with the poor initialisation both are far above those of the paper's.",
    )


def _dashes(cells: Cells) -> dict[str, Any]:
    return style.dashes(dict.fromkeys(cell.provenance["arm"] for _, cell in cells))


def _panel(ax: Axes, cells: list[CellRecords], metric: str) -> None:
    dashes = style.dashes(cell.provenance["arm"] for cell in cells)
    for cell in cells:
        runs = finite(arrays.finished(cell, metric, "first"))
        if runs:
            start = 1 if metric == "modrelu_gain" else 0
            t = np.arange(start, start + max(map(len, runs.values())))
            shade = style.colour(cell.provenance["model"])
            arrays.profile(ax, t, runs, colour=shade, dash=dashes[cell.provenance["arm"]])
    if metric == "modrelu_gain":
        ax.axhline(1, color=style.GREY, linewidth=0.8, linestyle=layout.CHANCE, zorder=1)
    ax.set_yscale("log")
    ax.set_xlabel("time step t")
    ax.set_ylabel(_METRICS[metric])


def finite(runs: arrays.Runs) -> arrays.Runs:
    """Values without a logarithm are left out of the lines."""
    return {run: np.where(np.isfinite(v) & (v > 0), v, np.nan) for run, v in runs.items()}


def _legend(view: View, cells: Cells) -> list[tuple[str, str, Any]]:
    dashes = _dashes(cells)
    entries = {
        cell.provenance["arm"]: (
            view.label(cell),
            style.colour(cell.provenance["model"]),
            dashes[cell.provenance["arm"]],
        )
        for _, cell in cells
    }
    return list(entries.values())


def _numbers(view: View, cells: Cells) -> Numbers:
    rows = []
    for experiment, cell in cells:
        gains = list(arrays.finished(cell, "modrelu_gain", "first").values())
        norms = list(arrays.finished(cell, "gradient_norm", "first").values())
        rows.append(
            {
                "experiment": view.experiment_title(experiment),
                "model": view.label(cell),
                "seeds": len(gains),
                "gain": float(np.median([np.median(v) for v in gains])),
                "largest": float(np.median([v.max() for v in gains])),
                "gradient": float(np.median([v[0] for v in norms])) if norms else None,
                "growth": float(np.median([v[0] / v[-1] for v in norms if v[-1] > 0])) if norms else None,
            }
        )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "seeds": "seeds",
            "gain": "gain, median over t",
            "largest": "gain, largest",
            "gradient": "‖∂L/∂h₀‖",
            "growth": "‖∂L/∂h₀‖ / ‖∂L/∂h_T‖",
        },
        rows,
    )
