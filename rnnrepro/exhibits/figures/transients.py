"""Transient growth of nnRNN's linear theory (Kerg et al. 2019, Fig. 1b): nothing is trained."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.analysis.delay_lines import delay_line
from rnnrepro.analysis.transients import Transients, transients
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View

Found = Mapping[tuple[float, float, float], Transients]
SHOWN = (25, 50, 75, 99)


def draw(view: View) -> Drawn:
    """Spread of a unit over random starts (upper row) and norm of the state (lower row), one column a β and d."""
    found = _measure(view)
    columns = list(dict.fromkeys((d, beta) for d, beta, _ in found))
    with style.journal():
        drawn = style.figure(96, wide=True)
        axes = drawn.subplots(2, len(columns), sharex=True, sharey=True, squeeze=False)
        for (upper, lower), (d, beta) in zip(axes.T, columns, strict=True):
            curves = {alpha: found[key] for key in found if key[:2] == (d, beta) for alpha in key[2:]}
            upper_labels = _panel(upper, {a: (c.unit_mean, c.unit_sd) for a, c in curves.items()})
            lower_labels = _panel(lower, {a: (c.norm_mean, c.norm_sd) for a, c in curves.items()})
            upper.set_title(f"β = {beta:g}" + (f", d = {d:g}" if len({d for d, _ in columns}) > 1 else ""))
            lower.set_xlabel("time t (steps)")
        axes[0, 0].set_ylabel("σ of a unit over starts")
        axes[1, 0].set_ylabel("norm of the state ‖h$_t$‖")
        axes[0, 0].set_xlim(0, 1.04 * view.option("size", 100))
        axes[0, 0].set_ylim(2.3e-5, 2.3e2)
        for ax in axes.flat:
            layout.log_axis(ax.yaxis)
        layout.direct_labels(drawn, {axes[0, -1]: upper_labels, axes[1, -1]: lower_labels})
        style.panel_letters(axes.flat)
    return Drawn(
        drawn,
        _numbers(found),
        _notes(view),
        "Transient growth and decay of linear networks for three strengths of the chain, without and with "
        "weak connections below it, on a logarithmic axis.",
    )


def _measure(view: View) -> Found:
    size = view.option("size", 100)
    grid = itertools.product(
        view.option("d", [0.0]), view.option("beta", [0.0, 0.005]), view.option("alpha", [0.95, 1.0, 1.05])
    )
    return {
        (d, beta, alpha): transients(
            delay_line(size, diagonal=d, chain=alpha, below=beta),
            steps=view.option("steps", 150),
            starts=view.option("starts", 1000),
            seed=view.option("seed", 4),
        )
        for d, beta, alpha in grid
    }


def _panel(ax: Axes, curves: Mapping[float, tuple[np.ndarray, np.ndarray]]) -> list[layout.Label]:
    labels = []
    for (alpha, (mean, sd)), (shade, dash) in zip(curves.items(), layout.ramp(len(curves)), strict=True):
        shown = mean > 0
        t, mean, sd = np.arange(len(mean))[shown], mean[shown], sd[shown]
        ax.fill_between(t, mean**2 / (mean + sd), mean + sd, color=shade, alpha=0.18, linewidth=0)
        ax.plot(t, mean, color=shade, linestyle=dash)
        at = len(t) - 4
        labels.append(layout.Label(f"α = {alpha:g}", t[at], mean[at], shade))
    ax.set_yscale("log")
    return labels


def _numbers(found: Found) -> Numbers:
    rows = [
        {
            "alpha": alpha,
            "beta": beta,
            "d": d,
            **{f"norm_{t}": float(c.norm_mean[t]) for t in SHOWN if t < len(c.norm_mean)},
            "peak": float(c.norm_mean.max()),
            "peak_at": int(c.norm_mean.argmax()),
        }
        for (d, beta, alpha), c in found.items()
    ]
    headings = {
        "alpha": "α",
        "beta": "β",
        "d": "d",
        **{f"norm_{t}": f"mean ‖hₜ‖, t = {t}" for t in SHOWN},
        "peak": "largest",
        "peak_at": "at t",
    }
    return Numbers(headings, rows)


def _notes(view: View) -> list[str]:
    size, starts = view.option("size", 100), view.option("starts", 1000)
    said = [
        f"Lines: mean over the {size} units (upper row), over {starts} random initial states on the unit sphere "
        "(lower row). Bands: the mean times and divided by 1 + sd / mean, so that the upper edge is one standard "
        "deviation above it."
    ]
    if 0.0 in view.option("d", [0.0]):
        said.append(
            f"With d = 0 the matrix is nilpotent: the state is exactly zero from t = {size} on, where the "
            "lines end."
        )
    return said
