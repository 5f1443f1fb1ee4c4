"""Where velocities take a cursor: the path that a network's two outputs draw, beside the path asked for."""

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

Path = tuple[np.ndarray, np.ndarray]


def draw(view: View) -> Drawn:
    """One panel an experiment and arm. Raises Fault where no run has stored outputs, or has not two of them."""
    cells = arrays.cells_with(view, ["output"])
    found = [(experiment, cell, paths(view, cell)) for experiment, cell in cells]
    numbers = Numbers(_HEADINGS, [_row(view, *each) for each in found])
    if not any(runs for _, _, runs in found):
        return nothing("every run diverged", numbers)
    shades = looks(view, {cell.provenance["arm"]: cell for _, cell in cells}.values())
    with style.journal():
        drawn, axes = layout.panels(len(found), height_mm=76 if len(found) < 3 else 62)
        for ax, (experiment, cell, runs) in zip(axes, found, strict=True):
            _panel(ax, runs, shades[cell.provenance["arm"]].colour)
            title = arrays.named(view, experiment, cell, cells)
            layout.title(ax, title, letters={1: 36, 2: 40}.get(len(axes), 28))
        _share(axes)
        style.panel_letters(axes)
        drawn.legend(handles=_handles(), loc="outside lower center", ncols=3)
    return Drawn(drawn, numbers, _notes(found), _alt(view, cells))


def paths(view: View, cell: CellRecords) -> dict[tuple[str, int], Path]:
    """The paths drawn and asked for, (trials, T + 1, 2) each, in sides of the latter's square, of each run at its end.

    A trial starts at the origin. Raises Fault where there are not two outputs.
    """
    found = {}
    shapes = arrays.shown(view, cell, "output_shape")
    drawn, asked = (arrays.shown(view, cell, metric) for metric in ("output", "target"))
    for run, values in drawn.items():
        shape = shapes[run].astype(int)
        view.need(shape[-1] == 2, f"a path needs two outputs, and {cell.key} has {shape[-1]}")
        ours, wanted = (_walked(each.reshape(shape)) for each in (values, asked[run]))
        side = np.ptp(wanted, axis=(0, 1)).max() or 1.0
        found[run] = ours / side, wanted / side
    return found


def _walked(velocity: np.ndarray) -> np.ndarray:
    return np.pad(velocity.cumsum(axis=1), ((0, 0), (1, 0), (0, 0)))


def _panel(ax: Any, runs: dict[tuple[str, int], Path], colour: str) -> None:
    first = arrays.one(runs)
    for run, (ours, _) in runs.items():
        if first is not None and run == first[0]:
            continue
        ax.plot(*ours.transpose(2, 1, 0), color=colour, linewidth=0.6, alpha=0.35)
    if first is None:
        ax.text(0.5, 0.5, "every run diverged", transform=ax.transAxes, ha="center", color=style.GREY)
    else:
        ours, wanted = first[1]
        ax.plot(*wanted.transpose(2, 1, 0), color=style.INK, linestyle=layout.CHANCE, linewidth=1.0, zorder=4)
        ax.plot(*ours.transpose(2, 1, 0), color=colour, linewidth=1.5, zorder=3)
        ax.plot(*ours[:, -1].T, "o", color=colour, markersize=3.6, zorder=5)
    ax.set_aspect("equal")
    ax.set_xlabel("x (sides)")
    ax.set_ylabel("y (sides)")


def _share(axes: list[Any]) -> None:
    """The same place in all panels; a path that runs far away does not make the square small."""
    low = max(min(min(ax.get_xlim()[0], ax.get_ylim()[0]) for ax in axes), -1.0)
    high = min(max(max(ax.get_xlim()[1], ax.get_ylim()[1]) for ax in axes), 2.0)
    for ax in axes:
        ax.set(xlim=(low, high), ylim=(low, high))


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=style.INK, linestyle=layout.CHANCE, linewidth=1.0, label="asked for"),
        Line2D(
            [], [], color=style.GREY, linewidth=1.5, marker="o", markersize=3.6, label="drawn, dot at its end"
        ),
        Line2D([], [], color=style.GREY, linewidth=0.6, alpha=0.5, label="other seeds"),
    ]


def errors(runs: dict[tuple[str, int], Path]) -> tuple[list[float], list[float]]:
    """Of each run, root mean square distance from the path asked for over time and trials, and that at the end."""
    along = [np.sqrt(((a - b)[:, 1:] ** 2).sum(-1).mean()) for a, b in runs.values()]
    ends = [np.sqrt(((a - b)[:, -1] ** 2).sum(-1).mean()) for a, b in runs.values()]
    return along, ends


def _row(view: View, experiment: str, cell: CellRecords, runs: dict[tuple[str, int], Path]) -> dict[str, Any]:
    along, ends = errors(runs)
    return {
        "experiment": view.experiment_title(experiment),
        "model": view.label(cell),
        "seeds": len(runs),
        "error": float(np.median(along)) if along else None,
        "low": min(along, default=None),
        "high": max(along, default=None),
        "end": float(np.median(ends)) if ends else None,
    }


_HEADINGS = {
    "experiment": "experiment",
    "model": "model",
    "seeds": "seeds",
    "error": "distance from the path, rms, median (sides)",
    "low": "min",
    "high": "max",
    "end": "distance at the end, rms, median (sides)",
}


def _notes(found: list[tuple[str, CellRecords, dict[tuple[str, int], Path]]]) -> list[str]:
    first = [arrays.one(runs) for _, _, runs in found if runs]
    seeds = ", ".join(map(str, sorted({run[1] for run, _ in first})))
    return [
        f"Outputs are velocities, added up from the origin. Bold: seed {seeds}; thin: the other seeds; dashed: the "
        "path asked for, whose extent is the unit. A path may leave the panel."
    ]


def _alt(view: View, cells: list[tuple[str, CellRecords]]) -> str:
    parts = ", ".join(f"{view.label(cell)}, {view.experiment_title(name)}" for name, cell in cells)
    return f"Paths of a cursor beside the path asked for: {parts}."
