"""When a network's output peaks, against the interval that it was shown: on the diagonal where it matches."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Cells = list[tuple[str, CellRecords]]


def draw(view: View) -> Drawn:
    """One panel an experiment and arm, all on the same axes. Raises Fault where no run has stored its peaks."""
    cells = arrays.cells_with(view, ["peak_time"])
    numbers = Numbers(_HEADINGS, [_row(view, experiment, cell) for experiment, cell in cells])
    if not any(arrays.shown(view, cell, "peak_time") for _, cell in cells):
        return nothing("every run diverged", numbers)
    found = looks(view, {cell.provenance["arm"]: cell for _, cell in cells}.values())
    with style.journal():
        drawn, axes = layout.panels(len(cells), height_mm=76 if len(cells) < 3 else 60)
        reach = max(_largest(view, cell) for _, cell in cells)
        for ax, (experiment, cell) in zip(axes, cells, strict=True):
            _panel(view, ax, cell, found[cell.provenance["arm"]].colour, reach)
            title = arrays.named(view, experiment, cell, cells)
            layout.title(ax, title, letters={1: 36, 2: 40}.get(len(axes), 28))
        style.panel_letters(axes)
    return Drawn(drawn, numbers, _NOTES, _alt(view, cells))


def _largest(view: View, cell: CellRecords) -> float:
    both = [arrays.shown(view, cell, metric) for metric in ("peak_delay", "peak_time")]
    return max((values.max() for runs in both for values in runs.values()), default=1.0)


def _panel(view: View, ax: Any, cell: CellRecords, colour: str, reach: float) -> None:
    delays, peaks = (arrays.shown(view, cell, metric) for metric in ("peak_delay", "peak_time"))
    ax.axline((0, 0), slope=1, color=style.GREY, linewidth=0.8, linestyle=layout.CHANCE, zorder=1)
    for run, times in peaks.items():
        ax.plot(delays[run], times, "o", color=colour, markersize=2.6, alpha=0.45, markeredgewidth=0)
    if peaks:
        place, middle = _medians(delays, peaks)
        ax.plot(place, middle, color=colour, linewidth=1.2)
    ax.set(xlim=(0, 1.05 * reach), ylim=(0, 1.05 * reach), aspect="equal")
    ax.set_xlabel("delay between the pulses (steps)")
    ax.set_ylabel("peak after the second pulse (steps)")


def _medians(delays: arrays.Runs, peaks: arrays.Runs) -> tuple[np.ndarray, np.ndarray]:
    """The delays, and the median peak time over runs at each."""
    return next(iter(delays.values())), np.median(list(peaks.values()), axis=0)


def _row(view: View, experiment: str, cell: CellRecords) -> dict[str, Any]:
    delays, peaks = (arrays.shown(view, cell, metric) for metric in ("peak_delay", "peak_time"))
    gaps = [np.abs(times - delays[run]) for run, times in peaks.items()]
    slopes = [np.polyfit(delays[run], times, 1)[0] for run, times in peaks.items() if len(times) > 1]
    last = [times[-1] for times in peaks.values()]
    return {
        "experiment": view.experiment_title(experiment),
        "model": view.label(cell),
        "seeds": len(peaks),
        "longest": next((each[-1] for each in delays.values()), None),
        "error": arrays.median([gap.mean() for gap in gaps]),
        "worst": arrays.median([gap.max() for gap in gaps]),
        "slope": arrays.median(slopes),
        "last": arrays.median(last),
    }


_HEADINGS = {
    "experiment": "experiment",
    "model": "model",
    "seeds": "seeds",
    "longest": "longest delay (steps)",
    "error": "mean distance of the peak (steps)",
    "worst": "largest distance (steps)",
    "slope": "slope",
    "last": "peak at the longest delay (steps)",
}
_NOTES = [
    "Dots: one a seed and tested delay; lines: median over seeds; dashed: the peak comes one delay after the second "
    "pulse. The peak is the largest output after the second pulse.",
    "Table: medians over seeds; slope: of the peak's time against the delay, by least squares; 1 where they match.",
]


def _alt(view: View, cells: Cells) -> str:
    parts = ", ".join(f"{view.label(cell)}, {view.experiment_title(name)}" for name, cell in cells)
    return f"Time of the output's peak against the delay between two pulses, with the diagonal: {parts}."
