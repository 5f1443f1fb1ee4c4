"""Singular values of SBO-RNN's Jacobians along a sequence against the bounds that theory gives (analysis `descent`).

J_t = I − η M Mᵀ is the Jacobian of one gradient step; without momentum the products of the last k of them say how far
the gradient of the last state fades on its way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Cells = list[tuple[str, CellRecords]]
STEPS = {"first": "before training", "last": "after training"}
PARTS = {"": "one step, J$_t$", "chain_": "the last k steps"}


def draw(view: View) -> Drawn:
    """One row a cell: singular values of steps, and of products where there are any, before and after training."""
    cells = arrays.cells_with(view, ["descent_smallest"])
    with style.journal():
        drawn = style.figure(58 * len(cells) + 8, wide=True)
        grid = drawn.subplots(len(cells), 2, squeeze=False)
        several = len({experiment for experiment, _ in cells}) > 1
        for row, (experiment, cell) in zip(grid, cells, strict=True):
            named = (
                f"{view.experiment_title(experiment)}, {view.label(cell)}" if several else view.label(cell)
            )
            for ax, part in zip(row, PARTS, strict=True):
                _panel(ax, cell, part)
                layout.title(ax, f"{named}: {PARTS[part]}", letters=46)
        style.panel_letters(grid.flat)
        drawn.legend(handles=_handles(), loc="outside lower center", ncols=4)
    return Drawn(drawn, _numbers(view, cells), _notes(), _alt(view, cells))


def _panel(ax: Axes, cell: CellRecords, part: str) -> None:
    shades = _shades()
    for step, shade in shades.items():
        ends = [arrays.finished(cell, f"descent_{part}{end}", step) for end in ("smallest", "largest")]
        if not all(ends):
            continue
        t = np.arange(1, 1 + max(map(len, ends[0].values())))
        for runs in ends:
            arrays.profile(ax, t, runs, colour=shade)
        low = np.median([bounds[0] for bounds in arrays.finished(cell, "descent_bounds", step).values()])
        ax.plot(
            t, low**t if part else np.full(len(t), low), color=shade, linestyle=layout.CHANCE, linewidth=0.9
        )
    if not ax.lines:
        ax.text(0.5, 0.5, "with momentum: no product", transform=ax.transAxes, ha="center", color=style.GREY)
    ax.axhline(1, color=style.GREY, linewidth=0.8, zorder=1)
    ax.set_xlabel("k" if part else "time step t")
    ax.set_ylabel("singular values")


def _shades() -> dict[str, str]:
    return dict(zip(STEPS, (style.SERIES[5], style.SERIES[0]), strict=True))


def _handles() -> list[Line2D]:
    lines = [Line2D([], [], color=shade, label=STEPS[step]) for step, shade in _shades().items()]
    dashed = Line2D([], [], color=style.INK, linestyle=layout.CHANCE, linewidth=0.9, label="lower bound")
    return [*lines, dashed, Line2D([], [], color=style.GREY, linewidth=0.8, label="1, the upper bound")]


def _numbers(view: View, cells: Cells) -> Numbers:
    rows: list[dict[str, Any]] = []
    for experiment, cell in cells:
        for step, words in STEPS.items():
            found = {
                name: list(arrays.finished(cell, f"descent_{name}", step).values())
                for name in ("smallest", "largest", "bounds", "norm", "chain_smallest", "momentum")
            }
            if found["smallest"]:
                rows.append(
                    {
                        "experiment": view.experiment_title(experiment),
                        "model": view.label(cell),
                        "step": words,
                        "seeds": len(found["smallest"]),
                        "norm": arrays.median(v[0] for v in found["norm"]),
                        "bound": arrays.median(v[0] for v in found["bounds"]),
                        "smallest": min(v.min() for v in found["smallest"]),
                        "largest": max(v.max() for v in found["largest"]),
                        "whole": arrays.median(v[-1] for v in found["chain_smallest"]),
                        "momentum": arrays.median(v[0] for v in found["momentum"]),
                    }
                )
    headings = {
        "experiment": "experiment",
        "model": "model",
        "step": "when",
        "seeds": "seeds",
        "norm": "‖W‖, median",
        "bound": "lower bound, median",
        "smallest": "smallest singular value of a step",
        "largest": "largest",
        "whole": "smallest of all steps together, median",
        "momentum": "μ, median",
    }
    return Numbers(headings, rows, digits=4)


def _notes() -> list[str]:
    return [
        "Smallest and largest singular value over two training sequences; lines: median over seeds, bands: minimum to "
        "maximum. Lower bound: 1 − η (α + ‖W‖)², to the power k for the last k steps, median over seeds.",
        "J is the Jacobian of the gradient step alone. With momentum h depends on the steps before as well, so that "
        "products of J are not its gradient and none is given.",
    ]


def _alt(view: View, cells: Cells) -> str:
    models = ", ".join(view.label(cell) for _, cell in cells)
    return f"Singular values of the Jacobians of {models} by time step, with their bounds, before and after training."
