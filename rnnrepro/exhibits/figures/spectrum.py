"""Eigenvalues of the recurrent matrix before and after training, in the complex plane.

Where the network has a long-term and a short-term state (Helfrich and Ye 2020), each has its own spectrum: the
first on the unit circle, the second inside it or, once normalised, with its largest eigenvalue on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

PARTS = {"": ("whole matrix", "o"), "long_": ("long-term state", "o"), "short_": ("short-term state", "D")}


def draw(view: View) -> Drawn:
    """One row a cell: the complex plane before and after training, and the moduli of all runs."""
    cells = arrays.cells_with(view, [f"{part}eigenvalue_real" for part in PARTS])
    with style.journal():
        drawn = style.figure(60 * len(cells) + 6, wide=True)
        grid = drawn.subplots(len(cells), 3, squeeze=False)
        several = len({experiment for experiment, _ in cells}) > 1
        for row, (experiment, cell) in zip(grid, cells, strict=True):
            _plane(row[0], cell, "first")
            _plane(row[1], cell, "last")
            _moduli(row[2], cell)
            name = view.experiment_title(experiment) if several else view.label(cell)
            layout.title(row[0], f"{name}: before training", letters=34)
            layout.title(row[1], "after training", letters=28)
            layout.title(row[2], "moduli, all seeds", letters=28)
        style.panel_letters(grid.flat)
        drawn.legend(handles=_handles(cells), loc="outside lower center", ncols=4)
    return Drawn(
        drawn,
        _numbers(view, cells),
        _notes(cells),
        "Eigenvalues in the complex plane with the unit circle, before and after training, and their moduli.",
    )


def parts_of(cell: CellRecords) -> list[str]:
    """The spectra shown: those of the two states where there are two, else that of the whole matrix."""
    known = set(cell.table["metric"].unique().to_pylist())
    found = [part for part in PARTS if f"{part}eigenvalue_real" in known]
    return [part for part in found if part] or found


def _eigenvalues(cell: CellRecords, part: str, step: str) -> dict[tuple[str, int], np.ndarray]:
    real = arrays.finished(cell, f"{part}eigenvalue_real", step)
    imaginary = arrays.finished(cell, f"{part}eigenvalue_imaginary", step)
    return {run: real[run] + 1j * imaginary[run] for run in real}


def _plane(ax: Axes, cell: CellRecords, step: str) -> None:
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=style.GREY, linewidth=0.8, linestyle=(0, (4, 3))))
    widest = 1.0
    for part in parts_of(cell):
        shown = arrays.one(_eigenvalues(cell, part, step))
        if shown is None:
            continue
        values, (_, marker) = shown[1], PARTS[part]
        widest = max(widest, float(np.abs(values).max()))
        ax.plot(
            values.real,
            values.imag,
            marker,
            color=_colour(cell, part),
            markersize=3 if marker == "o" else 3.2,
            alpha=0.7,
            markeredgewidth=0,
            linestyle="none",
        )
    ax.set_aspect("equal")
    ax.set(xlim=(-1.12 * widest, 1.12 * widest), ylim=(-1.12 * widest, 1.12 * widest))
    ax.set_xlabel("real part of λ")
    ax.set_ylabel("imaginary part of λ")


def _moduli(ax: Axes, cell: CellRecords) -> None:
    for part in parts_of(cell):
        for step, dash in (("first", (0, (1.2, 1.2))), ("last", "-")):
            runs = _eigenvalues(cell, part, step)
            if runs:
                values = np.sort(np.concatenate([np.abs(v) for v in runs.values()]))
                ax.plot(
                    values,
                    np.arange(1, len(values) + 1) / len(values),
                    color=_colour(cell, part),
                    linestyle=dash,
                    drawstyle="steps-post",
                )
    ax.axvline(1, color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    ax.set(ylim=(0, 1.02), xlabel="modulus |λ|", ylabel="share of eigenvalues ≤ |λ|")
    ax.set_xlim(left=0)


def _colour(cell: CellRecords, part: str) -> str:
    return "#4D4D4D" if part == "long_" else style.colour(cell.provenance["model"])


def _handles(cells: Sequence[tuple[str, CellRecords]]) -> list[Line2D]:
    handles = {}
    for _, cell in cells:
        for part in parts_of(cell):
            text, marker = PARTS[part]
            handles[text] = Line2D(
                [], [], color=_colour(cell, part), marker=marker, markersize=3.5, linewidth=1.2, label=text
            )
    return [
        *handles.values(),
        Line2D([], [], color=style.INK, linestyle=(0, (1.2, 1.2)), label="before training (moduli)"),
        Line2D([], [], color=style.INK, label="after"),
    ]


def _numbers(view: View, cells: Sequence[tuple[str, CellRecords]]) -> Numbers:
    rows: list[dict[str, Any]] = []
    for experiment, cell in cells:
        for part in parts_of(cell):
            before, after = (_eigenvalues(cell, part, step) for step in ("first", "last"))
            departure = arrays.finished(cell, f"{part}henrici_relative")
            radius = [np.abs(v).max() for v in after.values()]
            rows.append(
                {
                    "experiment": view.experiment_title(experiment),
                    "model": view.label(cell),
                    "part": PARTS[part][0],
                    "seeds": len(after),
                    "before": _mean([np.abs(v).max() for v in before.values()]),
                    "after": _mean(radius),
                    "low": min(radius, default=None),
                    "high": max(radius, default=None),
                    "median": _mean([np.median(np.abs(v)) for v in after.values()]),
                    "henrici": _mean([v[0] for v in departure.values()]),
                }
            )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "part": "spectrum of",
            "seeds": "seeds",
            "before": "radius before",
            "after": "radius after, mean",
            "low": "min",
            "high": "max",
            "median": "median |λ| after",
            "henrici": "departure from normality",
        },
        rows,
    )


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _notes(cells: Sequence[tuple[str, CellRecords]]) -> list[str]:
    shown = {arrays.one(_eigenvalues(cell, parts_of(cell)[0], "first"))[0][1] for _, cell in cells}
    return [
        f"Complex planes: seed {', '.join(map(str, sorted(shown)))}; dashed: the unit circle. Moduli: cumulative "
        "share over the eigenvalues of all seeds.",
        "Departure from normality: Henrici's √(‖W‖² − Σ|λ|²) / ‖W‖, 0 for a normal matrix.",
    ]
