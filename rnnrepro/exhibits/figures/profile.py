"""Hidden chains: mean recurrent weight by the difference of order, before and after training (Orhan and Pitkow 2020).

M(0), the mean of the diagonal, is told apart: the start at the identity has it near 1, where all else is near 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.exhibits import chosen, series, style
from rnnrepro.exhibits.chosen import Chosen
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

GATES = {
    "": "",
    "_i": "input gate i",
    "_f": "forget gate f",
    "_o": "output gate o",
    "_g": "candidate g",
}
STEPS = {"first": "before training", "last": "after training"}
LAGS = 50


@dataclass(frozen=True)
class Panel:
    """One arm, of gated units one gate: {step: {run: M(k)}} of the runs that are shown."""

    experiment: str
    cell: CellRecords
    gate: str
    chosen: Chosen
    runs: dict[str, arrays.Runs]


def draw(view: View) -> Drawn:
    """One panel an arm and gate. Raises Fault where no run has stored a profile."""
    cells = arrays.cells_with(view, [f"chain_profile{gate}" for gate in GATES])
    panels = [panel for experiment, cell in cells for panel in _panels(view, experiment, cell)]
    numbers = _numbers(view, panels)
    if not any(panel.runs["first"] for panel in panels):
        return nothing("every run diverged", numbers)
    with style.journal():
        drawn, axes = layout.panels(len(panels), height_mm=60 if len(panels) < 4 else 54)
        for ax, panel in zip(axes, panels, strict=True):
            _draw(view, ax, panel)
            layout.title(ax, _title(view, panel, panels), letters={1: 40, 2: 36}.get(len(panels), 26))
        style.panel_letters(axes)
        layout.shared_legend(drawn, _legend(panels))
    return Drawn(
        drawn,
        numbers,
        _notes(view, panels),
        "Mean recurrent weight against the difference of the units' order, before and after training: a hidden chain "
        "shows as a bump at small positive differences.",
    )


def _panels(view: View, experiment: str, cell: CellRecords) -> list[Panel]:
    only = view.choice("only", ("all", chosen.SUCCESSES))
    runs = Chosen(frozenset(cell.status))
    if only == chosen.SUCCESSES:
        runs = chosen.successful(cell, view.option("success", {}))
    known = set(cell.table["metric"].unique().to_pylist())
    found = []
    for gate in [gate for gate in GATES if f"chain_profile{gate}" in known]:
        name = f"chain_profile{gate}"
        own = {step: arrays.finished(cell, name, step) for step in STEPS}
        own["last"] = {run: values for run, values in own["last"].items() if run in runs.runs}
        found.append(Panel(experiment, cell, gate, runs, own))
    return found


def _title(view: View, panel: Panel, panels: list[Panel]) -> str:
    words = [view.label(panel.cell)] if len({p.cell.key for p in panels}) > 1 or not panel.gate else []
    words += [GATES[panel.gate]] if panel.gate else []
    named = f"{view.experiment_title(panel.experiment)}: " if len({p.experiment for p in panels}) > 1 else ""
    return named + ", ".join(words)


def _draw(view: View, ax: Axes, panel: Panel) -> None:
    colours = {"first": style.GREY, "last": style.colour(panel.cell.provenance["model"])}
    reach, told = 1, []
    for step, runs in panel.runs.items():
        if not runs:
            continue
        middle, low, high = series.bounds(series.stacked(runs.values()), middle="mean", spread="sem")
        zero = len(middle) // 2
        reach = max(reach, min(int(view.option("lags", LAGS)), zero))
        k = np.arange(-zero, zero + 1, dtype=float)
        for part in (slice(0, zero), slice(zero + 1, None)):  # M(0) stands apart
            ax.fill_between(k[part], low[part], high[part], color=colours[step], alpha=0.2, linewidth=0)
            ax.plot(k[part], middle[part], color=colours[step], linewidth=1.1)
        told.append(f"{round(float(middle[zero]), 3) + 0.0:.3f}".replace("-", "−"))
    ax.axhline(0, color=style.LIGHT, linewidth=0.8, zorder=0)
    ax.axvline(0, color=style.LIGHT, linewidth=0.8, zorder=0)
    ax.set_xlim(-reach, reach)
    words = [f"M(0) = {' → '.join(told)}", *([] if panel.runs["last"] else ["no run to show after training"])]
    ax.text(0.03, 0.97, "\n".join(words), transform=ax.transAxes, va="top", fontsize=6.5)
    _limits(ax, reach, panel)
    ax.set_xlabel("difference of order k = i − j")
    ax.set_ylabel("mean weight M(k)")


def _limits(ax: Axes, reach: int, panel: Panel) -> None:
    """Room for all that is drawn within reach, and for the text above it."""
    values = [series.stacked(runs.values()).mean(axis=1) for runs in panel.runs.values() if runs]
    near = np.concatenate(
        [np.delete(v[v.size // 2 - reach : v.size // 2 + reach + 1], reach) for v in values]
    )
    low, high = min(near.min(), 0.0), max(near.max(), 0.0)
    room = high - low or 1.0
    ax.set_ylim(low - 0.1 * room, high + 0.3 * room)


def _legend(panels: list[Panel]) -> list[tuple[str, str, Any]]:
    shades = list(dict.fromkeys(style.colour(panel.cell.provenance["model"]) for panel in panels))
    after = "after training" if len(shades) == 1 else "after training, in the colour of the model"
    return [("before training", style.GREY, "-"), (after, shades[0], "-")]


def _numbers(view: View, panels: list[Panel]) -> Numbers:
    rows = []
    for panel in panels:
        for step, words in STEPS.items():
            runs = panel.runs[step]
            sums = arrays.finished(panel.cell, f"chain_asymmetry{panel.gate}", step)
            values = np.array([float(v[0]) for run, v in sums.items() if run in runs])
            middle = series.stacked(runs.values()).mean(axis=1) if runs else None
            rows.append(
                {
                    "experiment": view.experiment_title(panel.experiment),
                    "model": view.label(panel.cell),
                    "gate": GATES[panel.gate],
                    "when": words,
                    "runs": len(runs),
                    "asymmetry": values.mean() if len(values) else None,
                    "sem": values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else None,
                    "zero": None if middle is None else middle[len(middle) // 2],
                    "one": None if middle is None or len(middle) < 3 else middle[len(middle) // 2 + 1],
                    "peak": None if middle is None or len(middle) < 3 else _peak(middle),
                }
            )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "gate": "gate",
            "when": "when",
            "runs": "runs",
            "asymmetry": "asymmetry A, mean",
            "sem": "s.e.m.",
            "zero": "M(0)",
            "one": "M(1)",
            "peak": "largest M(k), k ≠ 0, at k",
        },
        rows,
    )


def _peak(middle: np.ndarray) -> int:
    """The difference k ≠ 0 of the largest mean weight, among those that at least half of the units have."""
    zero = len(middle) // 2
    near = np.arange(-(zero // 2 or 1), (zero // 2 or 1) + 1)
    near = near[near != 0]
    return int(near[np.argmax(middle[zero + near])])


def _notes(view: View, panels: list[Panel]) -> list[str]:
    said = [
        "Units are ordered by when they answer a pulse at the first step. M(k): mean weight from unit j to unit i over "
        "the pairs with i − j = k; a chain that runs forwards has its weight at k = 1. Lines: mean over runs, of all "
        "settings; bands: ± one standard error of the mean. Before training: all runs. A: mean of M(1) … M(5) less "
        "that of M(−5) … M(−1)."
    ]
    for panel in panels:
        if panel.chosen.words:
            said.append(
                f"{view.experiment_title(panel.experiment)}, {view.label(panel.cell)}: {panel.chosen.words}."
            )
        if not panel.runs["last"]:
            said.append(
                f"{view.experiment_title(panel.experiment)}, {view.label(panel.cell)}: no run to show after training."
            )
    return list(dict.fromkeys(said))
