"""Singular values of what training changed in W: of W − W(0). Few that are not small: a change of low rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnrepro.analysis.feedback import learned_spectrum
from rnnrepro.exhibits import series, style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Runs = dict[tuple[str, int], np.ndarray]
_SPREADS = ("quartiles", *(band for band in series.BANDS if band != "quartiles"))


def draw(view: View) -> Drawn:
    """One panel an experiment, one line an arm. Raises Fault where no run has stored its W."""
    cells = arrays.cells_with(view, ["recurrent_weight"])
    found = {cell.key: spectra(view, cell) for _, cell in cells}
    numbers = Numbers(_HEADINGS, [_row(view, name, cell, found[cell.key]) for name, cell in cells])
    if not any(found.values()):
        return nothing("every run diverged", numbers)
    experiments = list(dict.fromkeys(experiment for experiment, _ in cells))
    with style.journal():
        drawn, axes = layout.panels(len(experiments), height_mm=62)
        for ax, experiment in zip(axes, experiments, strict=True):
            _panel(view, ax, [(cell, found[cell.key]) for name, cell in cells if name == experiment])
            layout.title(ax, view.experiment_title(experiment), letters=36 if len(axes) < 3 else 26)
        style.panel_letters(axes)
        layout.shared_legend(drawn, arrays.legend_of(view, cells), columns=2 if len(axes) == 1 else 6)
    return Drawn(drawn, numbers, _notes(view), _alt(view, cells))


def spectra(view: View, cell: CellRecords) -> Runs:
    """The singular values of W − W(0), largest first, of each run that came to its end."""
    shapes = arrays.shown(view, cell, "recurrent_shape")
    before, after = (arrays.shown(view, cell, "recurrent_weight", step) for step in ("first", "last"))
    return {
        run: learned_spectrum(*(W.reshape(shapes[run].astype(int)) for W in (after[run], before[run])))
        for run in after
    }


def _panel(view: View, ax: Any, cells: list[tuple[CellRecords, Runs]]) -> None:
    found = looks(view, [cell for cell, _ in cells])
    spread = view.choice("band", _SPREADS)
    longest = 1
    for cell, runs in cells:
        look = found[cell.provenance["arm"]]
        if not runs:
            continue
        middle, low, high = series.bounds(series.stacked(runs.values()), spread=spread)
        place = np.arange(1, len(middle) + 1)
        longest = max(longest, len(place))
        ax.fill_between(place, low, high, color=look.colour, alpha=0.16, linewidth=0)
        ax.plot(place, middle, color=look.colour, linestyle=look.dash, marker="o", markersize=2)
    ax.set_xlim(0.5, longest + 0.5)
    ax.set_yscale("log")
    layout.log_axis(ax.yaxis)
    ax.set_xlabel("place, largest first")
    ax.set_ylabel("singular value of W − W(0)")


def _row(view: View, experiment: str, cell: CellRecords, runs: Runs) -> dict[str, Any]:
    before = arrays.shown(view, cell, "recurrent_weight", "first")
    squares = {run: values**2 for run, values in runs.items()}
    moved = {run: each for run, each in squares.items() if each.sum() > 0}
    return {
        "experiment": view.experiment_title(experiment),
        "model": view.label(cell),
        "seeds": len(runs),
        "largest": arrays.median([values[0] for values in runs.values()]),
        "second": arrays.median([values[1] for values in runs.values() if len(values) > 1]),
        "rank": arrays.median([each.sum() ** 2 / (each**2).sum() for each in moved.values()]),
        "most": arrays.median([_holding(each, 0.9) for each in moved.values()]),
        "size": arrays.median(
            [np.sqrt(each.sum()) / np.linalg.norm(before[run]) for run, each in moved.items()]
        ),
    }


def _holding(squares: np.ndarray, share: float) -> int:
    """How many of the largest hold that share of the sum."""
    return int(np.argmax(squares.cumsum() >= share * squares.sum())) + 1


_HEADINGS = {
    "experiment": "experiment",
    "model": "model",
    "seeds": "seeds",
    "largest": "σ₁",
    "second": "σ₂",
    "rank": "(Σσ²)² / Σσ⁴",
    "most": "values that hold 90 % of Σσ²",
    "size": "‖W − W(0)‖ / ‖W(0)‖",
}


def _notes(view: View) -> list[str]:
    band = series.BANDS[view.choice("band", _SPREADS)]
    return [
        f"Lines: median over seeds; bands: {band} over seeds. Table: medians over seeds.",
        "(Σσ²)² / Σσ⁴ counts the singular values that are not small: 1 for a change of rank one.",
    ]


def _alt(view: View, cells: list[tuple[str, CellRecords]]) -> str:
    arms = ", ".join(dict.fromkeys(view.label(cell) for _, cell in cells))
    return f"Singular values of the change of the recurrent matrix, largest first, on a logarithmic axis: {arms}."
