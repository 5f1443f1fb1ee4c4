"""The derivative of modReLU by |z| (Maduranga, Helfrich and Ye 2019): from the formulas, nothing is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnrepro.analysis.modrelu import derivatives
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View

_KINDS = ("|∂f/∂z|", "|∂f/∂z̄|")
_SHADES = ("#2166AC", "#7BB2D9", "#4D4D4D", "#E58368", "#A50F23")
"""Blue for biases below 0, red for those above: the sign decides whether the derivative is bounded."""


def draw(view: View) -> Drawn:
    """A row for ∂f/∂z and one for ∂f/∂z̄, a column for each ε, a line for each bias b."""
    biases = view.option("biases", [-0.1, -0.01, 0.0, 0.01, 0.1])
    epsilons = view.option("epsilons", [0.0, 1e-5])
    modulus = np.geomspace(1e-4, view.option("largest", 1.0), 601)
    shades = [_shade(i, len(biases)) for i in range(len(biases))]
    with style.journal():
        drawn = style.figure(104, wide=True)
        grid = drawn.subplots(2, len(epsilons), squeeze=False, sharex=True, sharey="row")
        for column, epsilon in enumerate(epsilons):
            for bias, shade in zip(biases, shades, strict=True):
                for row, values in enumerate(derivatives(modulus, bias, epsilon)):
                    shown = np.where(values > 0, values, np.nan)
                    # Of b and −b the conjugate derivatives coincide: the dashed line lies on the other.
                    grid[row, column].plot(
                        modulus, shown, color=shade, linestyle=_dash(bias), zorder=3 if bias < 0 else 2
                    )
            grid[0, column].set_title(
                f"ε = {layout.power_of_ten(epsilon)}" if epsilon else "ε = 0, exact modReLU"
            )
            grid[1, column].set_xlabel("modulus |z|")
        for row, kind in enumerate(_KINDS):
            grid[row, 0].set_ylabel(kind)
        for ax in grid.flat:
            ax.set(xscale="log", yscale="log", xlim=(modulus[0], modulus[-1]))
        for row in (0, 1):
            layout.share_limits(grid[row])
            grid[row, 0].set_ylim(bottom=max(grid[row, 0].get_ylim()[0], 1e-4))
        for ax in grid.flat:
            layout.log_axis(ax.xaxis)
            layout.log_axis(ax.yaxis)
        style.panel_letters(grid.flat)
        entries = [
            (f"b = {bias:g}".replace("-", "−"), s, _dash(bias))
            for bias, s in zip(biases, shades, strict=True)
        ]
        layout.shared_legend(drawn, entries)
    notes = [
        "f(z) = z (r + b)/r where r + b > 0, r = √(|z|² + ε), and 0 elsewhere; where it is 0 there is no line. With "
        "b > 0 the derivative of the exact modReLU has no bound near z = 0; ε caps it at 1 + b/√ε."
    ]
    return Drawn(
        drawn,
        _numbers(biases, epsilons),
        notes,
        "Derivatives of modReLU against the modulus of z on logarithmic axes: with a positive bias they grow without "
        "bound towards 0, or up to a cap where the modulus is smoothed.",
    )


def _dash(bias: float) -> Any:
    return (0, (4, 1.6)) if bias < 0 else "-"


def _shade(place: int, count: int) -> str:
    return _SHADES[round(place * (len(_SHADES) - 1) / max(count - 1, 1))]


def _numbers(biases: list[float], epsilons: list[float]) -> Numbers:
    places = (1e-3, 1e-2, 1e-1)
    rows = []
    for epsilon in epsilons:
        for bias in biases:
            row: dict[str, Any] = {"epsilon": epsilon, "bias": bias}
            row |= {
                f"at_{i}": float(derivatives(np.array([place]), bias, epsilon)[0][0])
                for i, place in enumerate((0.0, *places))
            }
            rows.append(row)
    headings = {"epsilon": "ε", "bias": "b", "at_0": "|∂f/∂z| at z = 0"}
    return Numbers({**headings, **{f"at_{i + 1}": f"at |z| = {p:g}" for i, p in enumerate(places)}}, rows)
