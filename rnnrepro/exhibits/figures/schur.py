"""What nnRNN learned, in its own Schur form Θ: heat map, angles of the rotations, profile of the sub-diagonals.

Kerg et al. 2019, Figs. 3 and 5. The paper clips the colours at ± 0.1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnrepro.analysis.schur import angle_histogram
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords


def draw(view: View) -> Drawn:
    """One row a cell: Θ of one run, then angles and sub-diagonals of all runs."""
    every = arrays.cells_with(view, ["theta"])
    cells = [(e, c) for e, c in every if arrays.finished(c, "theta")]
    if not cells:
        return nothing("every run diverged", _numbers(view, cells))
    with style.journal():
        drawn = style.figure(58 * len(cells), wide=True)
        grid = drawn.subplots(len(cells), 3, squeeze=False, gridspec_kw={"width_ratios": [1.05, 1, 1]})
        for row, (experiment, cell) in zip(grid, cells, strict=True):
            colour = style.colour(cell.provenance["model"])
            _heat_map(view, drawn, row[0], cell)
            layout.title(row[0], view.experiment_title(experiment), letters=28)
            _angles(row[1], arrays.finished(cell, "theta_angle"), colour, view.option("bins", 8))
            _profile(row[2], arrays.finished(cell, "theta_profile_absolute"), colour)
        style.panel_letters(grid.flat)
    return Drawn(
        drawn,
        _numbers(view, cells),
        _notes(view, cells),
        "Heat maps of the learned Schur form with histograms of its rotation angles and the mean size of "
        "its sub-diagonals.",
    )


def _heat_map(view: View, drawn: Figure, ax: Axes, cell: CellRecords) -> None:
    (_, seed), flat = arrays.one(arrays.finished(cell, "theta"))
    size, clip = math.isqrt(len(flat)), float(view.option("clip", 0.1))
    image = ax.imshow(
        flat.reshape(size, size),
        cmap="RdBu_r",
        vmin=-clip,
        vmax=clip,
        interpolation="nearest",
        extent=(0.5, size + 0.5, size + 0.5, 0.5),
    )
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_xlabel(f"column of Θ (seed {seed})")
    ax.set_ylabel("row of Θ")
    bar = drawn.colorbar(image, ax=ax, shrink=0.85, aspect=18, pad=0.03, ticks=[-clip, 0, clip])
    bar.ax.set_yticklabels([f"≤ −{clip:g}", "0", f"≥ {clip:g}"])
    bar.outline.set_linewidth(0.5)


def _angles(ax: Axes, runs: arrays.Runs, colour: str, bins: int) -> None:
    shares = np.array([angle_histogram(angles, bins)[0] / len(angles) for angles in runs.values()])
    edges = np.linspace(0, math.pi, bins + 1)
    ax.bar(
        edges[:-1],
        shares.mean(axis=0),
        width=np.diff(edges),
        align="edge",
        color=colour,
        alpha=0.45,
        edgecolor="white",
        linewidth=0.8,
    )
    centres = (edges[:-1] + edges[1:]) / 2
    ax.vlines(centres, shares.min(axis=0), shares.max(axis=0), color=style.INK, linewidth=0.7)
    ax.axhline(1 / bins, color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.annotate(
        "uniform",
        (math.pi, 1 / bins),
        xytext=(0, 2),
        textcoords="offset points",
        fontsize=6.5,
        color=style.GREY,
        ha="right",
        va="bottom",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )
    ax.set_xticks([0, math.pi / 2, math.pi], ["0", "π/2", "π"])
    ax.set_xlim(0, math.pi)
    ax.set_xlabel("angle of the rotation |θ| (rad)")
    ax.set_ylabel("share of the blocks")


def _profile(ax: Axes, runs: arrays.Runs, colour: str) -> None:
    lags = np.arange(1, 1 + max(map(len, runs.values())))
    arrays.profile(ax, lags, runs, colour=colour)
    ax.set_xlim(1, lags[-1])
    ax.set_xscale("log")
    layout.log_axis(ax.xaxis)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("sub-diagonal k")
    ax.set_ylabel("mean |Θ(i+k, i)|")


def _numbers(view: View, cells: list[tuple[str, CellRecords]]) -> Numbers:
    rows: list[dict[str, Any]] = []
    for experiment, cell in cells:
        ratio = [v[0] for v in arrays.finished(cell, "theta_triangle_ratio").values()]
        profile = list(arrays.finished(cell, "theta_profile_absolute").values())
        angles = list(arrays.finished(cell, "theta_angle").values())
        radii = list(arrays.finished(cell, "theta_radius").values())
        rows.append(
            {
                "experiment": view.experiment_title(experiment),
                "model": view.label(cell),
                "seeds": len(ratio),
                "ratio": np.mean(ratio),
                "ratio_sd": np.std(ratio, ddof=1) if len(ratio) > 1 else None,
                "first": np.mean([p[0] for p in profile]),
                "angle_sd": np.mean([np.std(a) for a in angles]),
                "gamma": np.mean([np.sqrt(np.mean((r - 1) ** 2)) for r in radii]),
            }
        )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "seeds": "seeds",
            "ratio": "‖T‖/‖Λ‖, mean",
            "ratio_sd": "sd",
            "first": "mean |Θ(i+1, i)|",
            "angle_sd": "sd of |θ| (rad; uniform: 0.907)",
            "gamma": "rms of γ − 1",
        },
        rows,
    )


def _notes(view: View, cells: list[tuple[str, CellRecords]]) -> list[str]:
    said = [
        f"Heat map: one run, clipped at ± {view.option('clip', 0.1):g}. Histogram: mean over seeds, whiskers "
        "from the smallest to the largest. Profile: median and range over seeds."
    ]
    for experiment, cell in cells:
        shown = math.isqrt(len(arrays.one(arrays.finished(cell, "theta"))[1]))
        if shown < cell.provenance.get("hidden", shown):
            said.append(
                f"{view.experiment_title(experiment)}: the leading {shown} of {cell.provenance['hidden']} "
                "rows and columns are shown."
            )
    return said
