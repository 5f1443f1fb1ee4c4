"""What the scan costs against N, T and the size of the stack, from a stored bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from rnnrepro.bench.store import Bench
from rnnrepro.bench.targets import HFTA
from rnnrepro.exhibits import style
from rnnrepro.exhibits.bench_tables import stacked, stacks
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers

Row = Mapping[str, Any]
Look = tuple[str, Any, str]  # colour, dash, marker
FLOOR = "matrix products alone"
LOOKS: dict[str, Look] = {
    "engine": (style.SERIES[0], "-", "o"),
    "plain loop": (style.SERIES[1], (0, (4, 1.4)), "s"),
    "peer": (style.SERIES[2], (0, (1.2, 1.2)), "^"),
    "graph": (style.SERIES[3], (0, (5, 1.2, 1, 1.2)), "D"),
    FLOOR: (style.GREY, layout.CHANCE, ""),
}


def draw(bench: Bench) -> Drawn | None:
    """The figure; None where neither a sweep nor a stack was measured."""
    panels = [panel for panel in (_against_n(bench), _against_t(bench), _against_runs(bench)) if panel]
    if not panels:
        return None
    with style.journal():
        drawn, axes = layout.panels(len(panels), height_mm=66)
        named: dict[str, Look] = {}
        for ax, panel in zip(axes, panels, strict=True):
            named |= panel(ax)
        style.panel_letters(axes)
        _legend(drawn, named)
    return Drawn(
        drawn,
        numbers(bench),
        _notes(bench),
        "Cost of a time step against the number of units and of time steps, and throughput of stacks of runs "
        "against their size, on logarithmic axes, for the plain loop, the engine and its peers.",
    )


def lines(bench: Bench, axis: str) -> dict[str, list[tuple[int, Row]]]:
    """{line: (N or T, row) in order} of a sweep, `hidden` or `time`."""
    found: dict[str, list[tuple[int, Row]]] = {}
    for case, rows in bench.of("sweep").items():
        if case.split("/")[1] == axis:
            for row in rows:
                found.setdefault(_line_of(row), []).append((row[axis], row))
    return {name: sorted(points, key=lambda point: point[0]) for name, points in found.items()}


def _line_of(row: Row) -> str:
    known = {"engine": "engine", "plain": "plain loop", "floor": FLOOR}
    return known.get(row["role"], row["contender"])


def _look(name: str) -> Look:
    return LOOKS.get(name) or LOOKS["peer" if name.startswith("nn.") else "graph"]


def _against_n(bench: Bench) -> Callable[[Axes], dict[str, Look]] | None:
    return _sweep(bench, "hidden", "units N")


def _against_t(bench: Bench) -> Callable[[Axes], dict[str, Look]] | None:
    return _sweep(bench, "time", "time steps T")


def _sweep(bench: Bench, axis: str, words: str) -> Callable[[Axes], dict[str, Look]] | None:
    found = lines(bench, axis)
    if not found:
        return None

    def panel(ax: Axes) -> dict[str, Look]:
        for name, points in found.items():
            x = [value for value, _ in points]
            low, middle, high = (
                [1e6 * row[key] / row["time"] for _, row in points] for key in ("low", "median", "high")
            )
            _line(ax, x, middle, low, high, _look(name))
        _log(ax, words, "µs a time step")
        some = next(iter(found.values()))[0][1]
        fixed = f"T = {some['time']}" if axis == "hidden" else f"N = {some['hidden']}"
        ax.set_title(f"tanh, B = {some['batch']}, {fixed}")
        return {name: _look(name) for name in found}

    return panel


def _against_runs(bench: Bench) -> Callable[[Axes], dict[str, Look]] | None:
    cases = bench.of("stack")
    if not cases:
        return None

    def panel(ax: Axes) -> dict[str, Look]:
        named: dict[str, Look] = {}
        for place, rows in enumerate(cases.values()):
            for role in ("plain", "engine"):
                points = sorted((r for r in stacked(rows) if r["role"] == role), key=lambda r: r["runs"])
                if points:
                    name = {"plain": "plain loop"}.get(role, role)
                    named[name] = _look(name)
                    _stack_line(ax, points, named[name], filled=place == 0)
        _log(ax, "runs in the stack", "throughput, × one run at a time")
        ax.axhline(HFTA, color=style.GREY, linewidth=0.8, linestyle=layout.CHANCE, zorder=1)
        _named_level(ax)
        hidden = [rows[0]["hidden"] for rows in cases.values()]
        marks = [f"N = {n} ({'filled' if i == 0 else 'open'})" for i, n in enumerate(hidden)]
        ax.set_title(", ".join(marks) if len(marks) > 1 else f"N = {hidden[0]}")
        return named

    return panel


def _named_level(ax: Axes) -> None:
    """The name of the dashed line, readable where a band or a line runs through it."""
    ax.annotate(
        f"HFTA {HFTA:g}×",
        (1, HFTA),
        (0, 2),
        textcoords="offset points",
        fontsize=6.5,
        color=style.GREY,
        path_effects=[Stroke(linewidth=2.2, foreground="white"), Normal()],
        zorder=5,
    )


def _stack_line(ax: Axes, points: Sequence[Row], look: Look, *, filled: bool) -> None:
    middle, low, high = (
        [point[key] for point in points] for key in ("over_base", "over_base_low", "over_base_high")
    )
    _line(ax, [point["runs"] for point in points], middle, low, high, look, filled=filled)


def _line(
    ax: Axes,
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    look: Look,
    *,
    filled: bool = True,
) -> None:
    colour, dash, marker = look
    ax.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
    face = colour if filled else "white"
    ax.plot(
        x, middle, color=colour, linestyle=dash, marker=marker or None, markersize=3.2, markerfacecolor=face,
        markeredgewidth=0.8, zorder=3,
    )  # fmt: skip


def _log(ax: Axes, across: str, up: str) -> None:
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    x = np.unique(np.concatenate([line.get_xdata() for line in ax.lines]).astype(int))
    ax.set_xticks(x if len(x) < 7 else x[::2], [str(v) for v in (x if len(x) < 7 else x[::2])])
    ax.set_xticks([], minor=True)
    layout.log_axis(ax.yaxis)
    ax.set_xlabel(across)
    ax.set_ylabel(up)


def _legend(drawn: Any, named: Mapping[str, Look]) -> None:
    handles = [
        Line2D([], [], color=colour, linestyle=dash, marker=marker or None, markersize=3.2, label=name)
        for name, (colour, dash, marker) in named.items()
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=2.6)


def numbers(bench: Bench) -> Numbers:
    """The points of the sweeps, µs a time step; those of the stacks where nothing was swept."""
    rows = []
    for axis, letter in (("hidden", "N"), ("time", "T")):
        found = lines(bench, axis)
        for place in sorted({value for points in found.values() for value, _ in points}):
            by = {name: dict(points).get(place) for name, points in found.items()}
            some = next(row for row in by.values() if row)
            rows.append(
                {"swept": letter, "hidden": some["hidden"], "time": some["time"]}
                | {name: 1e6 * row["median"] / row["time"] for name, row in by.items() if row}
            )
    if not rows:
        return stacks(bench.of("stack"))
    names = dict.fromkeys(name for row in rows for name in row if name not in ("swept", "hidden", "time"))
    return Numbers(
        {"swept": "swept", "hidden": "N", "time": "T"} | {name: f"{name}, µs a time step" for name in names},
        rows,
    )


def _notes(bench: Bench) -> list[str]:
    said = ["Lines: medians; bands: quartiles over rounds in which every contender was timed once."]
    if bench.of("sweep"):
        said.append("One run, forward and backward, on one thread.")
    if bench.of("stack"):
        said.append(
            "Throughput: whole optimiser steps (Adam) of all runs a second, over that of one run with the inputs "
            f"multiplied at each step, as the authors' codes do. HFTA: the largest gain of arXiv 2102.02344, "
            f"{HFTA:g}×, which has no recurrent operator."
        )
    return said
