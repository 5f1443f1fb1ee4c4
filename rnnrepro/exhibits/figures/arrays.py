"""What several figures of stored arrays share: which runs, and a band over seeds along the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.exhibits import chosen, series
from rnnrepro.exhibits.figures.looks import looks
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Runs = Mapping[tuple[str, int], np.ndarray]


def cells_with(view: View, metrics: Sequence[str]) -> list[tuple[str, CellRecords]]:
    """(experiment, cell) of the exhibit whose runs stored one of `metrics`. Raises Fault where none has."""
    found = []
    for experiment in view.entry.experiments:
        for cell in view.records_of(experiment):
            known = set(cell.table["metric"].unique().to_pylist())
            if known & set(metrics):
                found.append((experiment, cell))
    view.need(found, f"no run has stored {' or '.join(metrics)}; is it among the experiment's `analyses`?")
    return found


def finished(cell: CellRecords, metric: str, step: str = "last") -> dict[tuple[str, int], np.ndarray]:
    """The array of every run that came to its end (at the `first` step: of every run)."""
    found = series.arrays(cell, metric, step=step)
    return {
        run: values for run, values in found.items() if step == "first" or cell.status.get(run) == "finished"
    }


def shown(
    view: View, cell: CellRecords, metric: str, step: str = "last"
) -> dict[tuple[str, int], np.ndarray]:
    """As `finished`, of the grid points that the option `points` names, or of the best by the exhibit's statistic."""
    points, entry = view.option("points", None), view.entry
    if points == chosen.BEST:
        points = chosen.best(cell, entry.metric, entry.split, entry.statistic).points
    found = finished(cell, metric, step)
    return found if points is None else {run: values for run, values in found.items() if run[0] in points}


def named(view: View, experiment: str, cell: CellRecords, cells: Sequence[tuple[str, CellRecords]]) -> str:
    """The title of a panel that holds one cell of `cells`: what tells it from the others."""
    arms = {each.provenance["arm"] for _, each in cells}
    if len({name for name, _ in cells}) == 1:
        return view.label(cell)
    title = view.experiment_title(experiment)
    return title if len(arms) == 1 else f"{view.label(cell)}: {title}"


def legend_of(view: View, cells: Sequence[tuple[str, CellRecords]]) -> list[tuple[str, str, Any]]:
    """(label, colour, line style) of each arm, for a legend below all panels."""
    by_arm = {cell.provenance["arm"]: cell for _, cell in cells}
    found = looks(view, by_arm.values())
    return [(view.label(cell), *found[arm]) for arm, cell in by_arm.items()]


def one(runs: Runs) -> tuple[tuple[str, int], np.ndarray] | None:
    """The run that is shown where only one can be: the first seed."""
    return next(iter(sorted(runs.items(), key=lambda item: (item[0][1], item[0][0]))), None)


def median(values: Iterable[float]) -> float | None:
    """The median; None of nothing."""
    known = list(values)
    return float(np.median(known)) if known else None


def profile(
    ax: Axes, x: np.ndarray, runs: Runs, *, colour: str, dash: Any = "-", width: float = 1.2
) -> np.ndarray:
    """Median line and min–max band over runs along the index; the median is returned."""
    middle, low, high = series.bounds(series.stacked(runs.values()))
    ax.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
    ax.plot(x, middle, color=colour, linestyle=dash, linewidth=width)
    return middle
