"""Fisher memory of nnRNN's linear theory (Kerg et al. 2019, Fig. 1c; supplement, Table 6): nothing is trained."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.analysis import fisher
from rnnrepro.analysis.delay_lines import delay_line
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View

_BETA_DASHES = ("-", (0, (3, 1.5)), (0, (1.2, 1.2)))


def draw(view: View) -> Drawn:
    """Option `show`: the curves J(t), or the totals beside the reported ones."""
    return {"curves": _curves, "table": _totals}[view.choice("show", ("curves", "table"))](view)


def _grid(view: View) -> tuple[list[float], list[float], list[float]]:
    return (
        view.option("d", [0.0, 0.2]),
        view.option("beta", [0.0, 0.005]),
        view.option("alpha", [0.95, 1.0, 1.05]),
    )


def _curves(view: View) -> Drawn:
    diagonals, betas, alphas = _grid(view)
    size, steps = view.option("size", 100), view.option("steps", 150)
    found = {
        (d, beta, alpha): fisher.memory_curve(
            delay_line(size, diagonal=d, chain=alpha, below=beta), steps=steps
        )
        for d, beta, alpha in itertools.product(diagonals, betas, alphas)
    }
    with style.journal():
        drawn, axes = layout.panels(len(diagonals), height_mm=66, wide=True)
        for ax, d in zip(axes, diagonals, strict=True):
            _panel(ax, {key[1:]: curve for key, curve in found.items() if key[0] == d}, alphas, betas)
            ax.set_title(f"d = {d:g}")
        for ax in axes:
            ax.set_ylabel("Fisher memory J(t)")
        style.panel_letters(axes)
        layout.shared_legend(
            drawn,
            [
                *(
                    (f"α = {alpha:g}", shade, "-")
                    for alpha, (shade, _) in zip(alphas, layout.ramp(len(alphas)), strict=True)
                ),
                *(
                    (f"β = {beta:g}", style.GREY, dash)
                    for beta, dash in zip(betas, _BETA_DASHES, strict=False)
                    if len(betas) > 1  # one alone tells no curves apart
                ),
            ],
        )
    one = "" if len(betas) > 1 else f", β = {betas[0]:g}"
    notes = [f"N = {size}{one}, pulse into the first unit, noise of variance 1 at every unit and step."]
    return Drawn(
        drawn,
        _curve_numbers(found),
        notes,
        "Fisher memory curves on a logarithmic axis: a larger α remembers longer, and d = 0.2 extends the "
        "memory beyond that.",
    )


def _panel(
    ax: Axes, curves: dict[tuple[float, float], np.ndarray], alphas: list[float], betas: list[float]
) -> None:
    for (alpha, (shade, _)), (beta, dash) in itertools.product(
        zip(alphas, layout.ramp(len(alphas)), strict=True), zip(betas, _BETA_DASHES, strict=False)
    ):
        curve = curves[beta, alpha]
        t = np.flatnonzero(curve > 1e-12)
        ax.plot(t, curve[t], color=shade, linestyle=dash, linewidth=1.2 if beta == betas[0] else 1.0)
    ax.set_yscale("log")
    ax.set_ylim(5e-3, 1.1)
    layout.log_axis(ax.yaxis)
    ax.set_xlim(0, len(curve))
    ax.set_xlabel("steps since the pulse t")


def _curve_numbers(found: dict[tuple[float, float, float], np.ndarray]) -> Numbers:
    rows = [
        {
            "alpha": alpha,
            "beta": beta,
            "d": d,
            **{f"j_{t}": float(j[t]) for t in (1, 10, 50) if t < len(j)},
            "total": float(j.sum()),
        }
        for (d, beta, alpha), j in found.items()
    ]
    return Numbers(
        {
            "alpha": "α",
            "beta": "β",
            "d": "d",
            "j_1": "J(1)",
            "j_10": "J(10)",
            "j_50": "J(50)",
            "total": "J_tot",
        },
        rows,
    )


def _totals(view: View) -> Drawn:
    diagonals, betas, alphas = _grid(view)
    shared = {"chains": alphas, "belows": betas, "diagonals": diagonals, "size": view.option("size", 100)}
    rows: list[dict[str, Any]] = fisher.total_memory_table(**shared)
    formed = fisher.total_memory_table(**shared, method="lyapunov")
    for row, other in zip(rows, formed, strict=True):
        row |= {"formed": other["j_total"], **_reported(view, row)}
    with style.journal():
        drawn = style.figure(8 + 7.5 * len(rows), wide=False)
        _dots(drawn.add_subplot(), rows)
    headings = {
        "alpha": "α",
        "beta": "β",
        "d": "d",
        "reported": "reported",
        "status": "status",
        "j_total": "ours",
        "formed": "covariance formed",
    }
    notes = [
        "“Covariance formed” solves for the noise covariance in double precision (a Lyapunov solver), which is "
        "singular to rounding where d > 0: it shows why printed values scatter. Ours never forms it."
    ]
    return Drawn(
        drawn,
        Numbers(headings, rows, digits=4),
        notes,
        "Total Fisher memory of each matrix, ours beside the reported value.",
    )


def _reported(view: View, row: dict[str, Any]) -> dict[str, Any]:
    wanted = {"alpha": row["alpha"], "beta": row["beta"], "d": row["d"]}
    for printed in view.reported():
        if printed.metric == "j_total" and {k: float(v) for k, v in printed.settings.items()} == wanted:
            return {"reported": printed.value, "status": printed.status}
    return {"reported": None, "status": None}


def _dots(ax: Axes, rows: list[dict[str, Any]]) -> None:
    places = np.arange(len(rows))[::-1]
    ours = [row["j_total"] for row in rows]
    for row, y in zip(rows, places, strict=True):
        ends = [row["j_total"], row["formed"], *([row["reported"]] if row["reported"] is not None else [])]
        ax.plot([min(ends), max(ends)], [y, y], color=style.LIGHT, linewidth=1, zorder=1)
    ax.plot(
        [row["formed"] for row in rows],
        places,
        "|",
        color=style.GREY,
        markersize=7,
        label="covariance formed",
    )
    layout.reported_and_ours(ax, [row["reported"] for row in rows], ours, places)
    ax.set_yticks(places, [f"d = {r['d']:g}, β = {r['beta']:g}, α = {r['alpha']:g}" for r in rows])
    ax.set_xlim(left=0)
    ax.set_xlabel("total Fisher memory")
    ax.figure.legend(loc="outside upper center", ncols=3, handletextpad=0.3)
