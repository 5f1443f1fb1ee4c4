"""How long one changed input stays in the state: r(k) after k steps, long-term and short-term state apart.

r(k) = ⟨‖h(t₀+k; x+δ) − h(t₀+k; x)‖⟩ / ⟨‖h(t₀; x+δ) − h(t₀; x)‖⟩ (Helfrich and Ye 2020; the quantity is ours).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

PARTS = {"long_": ("long-term", "-"), "short_": ("short-term", (0, (1.2, 1.2))), "": ("whole state", "-")}
STEPS = {"first": "before training", "last": "after training"}


def draw(view: View) -> Drawn:
    """One row an experiment: r(k) before training and after it."""
    cells = arrays.cells_with(view, [f"{part}forgetting" for part in PARTS])
    experiments = list(dict.fromkeys(e for e, _ in cells))
    with style.journal():
        found: dict[Axes, list[layout.Label]] = {}
        drawn, axes = layout.panels(2 * len(experiments), height_mm=62)
        for i, experiment in enumerate(experiments):
            own = [cell for e, cell in cells if e == experiment]
            for ax, step in zip(axes[2 * i : 2 * i + 2], STEPS, strict=True):
                labels = [label for cell in own for label in _panel(view, ax, cell, step)]
                _finish(ax)
                named = f"{view.experiment_title(experiment)}: " if len(experiments) > 1 else ""
                layout.title(ax, f"{named}{STEPS[step]}", letters=36)
                found[ax] = labels
            layout.share_limits(axes[2 * i : 2 * i + 2])
        for ax in axes:
            layout.log_axis(ax.yaxis)
        layout.direct_labels(drawn, found)
        style.panel_letters(axes)
    return Drawn(
        drawn,
        _numbers(view, cells),
        [
            "Lines: median over seeds; bands: minimum to maximum over seeds. One input at a tenth of the sequence is "
            "changed; r = 1 means that the state still differs as much as right after the change."
        ],
        "Effect of one changed input on the hidden state against the steps since, on a logarithmic axis.",
    )


def parts_of(cell: CellRecords) -> list[str]:
    """The two states where there are two, else the whole."""
    known = set(cell.table["metric"].unique().to_pylist())
    found = [part for part in PARTS if f"{part}forgetting" in known]
    return [part for part in found if part] or found


def _panel(view: View, ax: Axes, cell: CellRecords, step: str) -> list[layout.Label]:
    labels = []
    for part in parts_of(cell):
        runs = arrays.finished(cell, f"{part}forgetting", step)
        if not runs:
            continue
        word, dash = PARTS[part]
        colour = style.colour(cell.provenance["model"])
        lags = np.arange(max(map(len, runs.values())))
        middle = arrays.profile(ax, lags, runs, colour=colour, dash=dash)
        known = np.flatnonzero(np.isfinite(middle))
        if len(known):
            text = view.label(cell) + (f", {word}" if part else "")
            labels.append(layout.Label(text, lags[known[-1]], middle[known[-1]], colour))
    return labels


def _finish(ax: Axes) -> None:
    ax.axhline(1, color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, 1e-6), min(high, 1e4))
    ax.margins(x=0)
    ax.set_xlim(left=0)
    ax.set_xlabel("steps since the change k")
    ax.set_ylabel("relative effect r(k)")


def _numbers(view: View, cells: list[tuple[str, CellRecords]]) -> Numbers:
    rows: list[dict[str, Any]] = []
    for experiment, cell in cells:
        for part in parts_of(cell):
            for step, words in STEPS.items():
                runs = arrays.finished(cell, f"{part}forgetting", step)
                rows.append(
                    {
                        "experiment": view.experiment_title(experiment),
                        "model": view.label(cell),
                        "state": PARTS[part][0],
                        "when": words,
                        "seeds": len(runs),
                        **{f"r_{k}": _median(runs, k) for k in (10, 50)},
                        "r_end": _median(runs, -1),
                    }
                )
    return Numbers(
        {
            "experiment": "experiment",
            "model": "model",
            "state": "state",
            "when": "when",
            "seeds": "seeds",
            "r_10": "r(10), median",
            "r_50": "r(50), median",
            "r_end": "r at the end, median",
        },
        rows,
    )


def _median(runs: arrays.Runs, lag: int) -> float | None:
    return arrays.median(v[lag] for v in runs.values() if len(v) > lag and np.isfinite(v[lag]))
