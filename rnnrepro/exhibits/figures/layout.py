"""Panels, labels beside lines, and the level of guessing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from rnnrepro.exhibits import style

CHANCE = (0, (4, 3))


@dataclass(frozen=True)
class Label:
    """What stands beside the right end of a line; x and y are that end in data coordinates."""

    text: str
    x: float
    y: float
    colour: str


def panels(count: int, *, height_mm: float = 60.0, wide: bool | None = None) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels: one fills a column, more share a page's width."""
    wide = count > 1 if wide is None else wide
    columns = count if count <= 3 else math.ceil(count / math.ceil(count / 3))
    rows = math.ceil(count / columns)
    drawn = style.figure(height_mm * rows, wide=wide)
    axes = [drawn.add_subplot(rows, columns, i + 1) for i in range(count)]
    return drawn, axes


def chance_line(ax: Axes, level: float) -> None:
    """The level of guessing: dashed and grey."""
    ax.axhline(level, color=style.GREY, linewidth=0.8, linestyle=CHANCE, zorder=1)


def title(ax: Axes, text: str, *, letters: int) -> None:
    """A panel's title, broken into lines of at most `letters`."""
    ax.set_title("\n".join(textwrap.wrap(text, letters)))


def share_limits(axes: Sequence[Axes]) -> None:
    """Give all panels the same vertical range: at most sixteen decades where it is logarithmic."""
    low, high = (extreme(ax.get_ylim()[i] for ax in axes) for i, extreme in enumerate((min, max)))
    for ax in axes:
        ax.set_ylim(max(low, high * 1e-16) if ax.get_yscale() == "log" else low, high)


def log_axis(axis: Axis) -> None:
    """A logarithmic axis with plain numbers: powers of ten, and 2 and 5 between them where there are few."""
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.2 else (1.0,), numticks=9))
    axis.set_minor_locator(LogLocator(subs=np.arange(2, 10), numticks=20))
    axis.set_minor_formatter(NullFormatter())
    plain = low > 9e-4 and high < 1.1e4
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if plain else power_of_ten(value)))


def power_of_ten(value: float) -> str:
    """`$2{\\times}10^{-7}$`, without the 1 of a whole power."""
    digit, _, exponent = f"{value:.0e}".partition("e")
    return ("$" if digit == "1" else f"${digit}{{\\times}}") + f"10^{{{int(exponent)}}}$"


def direct_labels(drawn: Figure, named: Mapping[Axes, Sequence[Label]], *, size: float = 7.0) -> None:
    """Name each line at its right end, spread so that no two names touch; a thin line leads to each."""
    drawn.draw_without_rendering()  # only now is it known how high the panels are
    for ax, labels in named.items():
        if labels:
            _beside(drawn, ax, labels, size)


def _beside(drawn: Figure, ax: Axes, labels: Sequence[Label], size: float) -> None:
    heights = [_fraction(ax, label.y) for label in labels]
    step = 1.3 * size / (ax.bbox.height * 72 / drawn.dpi)
    for label, height, place in zip(labels, heights, spread(heights, step), strict=True):
        ax.plot(
            [_across(ax, label.x), 1.035],
            [height, place],
            transform=ax.transAxes,
            color=label.colour,
            linewidth=0.5,
            alpha=0.7,
            clip_on=False,
            zorder=3,
        )
        ax.text(
            1.045,
            place,
            label.text,
            transform=ax.transAxes,
            color=style.readable(label.colour),
            fontsize=size,
            va="center",
            ha="left",
        )


def _fraction(ax: Axes, y: float) -> float:
    display = ax.transData.transform((ax.get_xlim()[0], y))
    height = float(ax.transAxes.inverted().transform(display)[1])
    return min(max(height, 0.0), 1.0) if np.isfinite(height) else 0.0


def _across(ax: Axes, x: float) -> float:
    display = ax.transData.transform((x, ax.get_ylim()[0]))
    return float(np.clip(ax.transAxes.inverted().transform(display)[0], 0.0, 1.0))


def spread(heights: Sequence[float], step: float) -> list[float]:
    """`heights` moved as little as needed to lie at least `step` apart, in their own order."""
    order = np.argsort(heights, kind="stable")
    groups: list[list[float]] = []  # [sum of wished first places, number of members, first place]
    for i in order:
        groups.append([float(heights[i]), 1, float(heights[i])])
        while len(groups) > 1 and groups[-2][2] + groups[-2][1] * step > groups[-1][2]:
            upper = groups.pop()
            lower = groups[-1]
            lower[0] += upper[0] - lower[1] * step * upper[1]
            lower[1] += upper[1]
            lower[2] = lower[0] / lower[1]
    placed = [group[2] + k * step for group in groups for k in range(int(group[1]))]
    result = [0.0] * len(heights)
    for i, place in zip(order, placed, strict=True):
        result[i] = place
    return result


def shared_legend(drawn: Any, entries: Sequence[tuple[Any, ...]], *, columns: int = 6) -> None:
    """Rows of (text, colour, dash) below all panels, as many in each as fit, `columns` at most; a fourth word: a
    line's marks."""
    handles = [
        Line2D([], [], color=colour, linestyle=dash, linewidth=1.4, label=text, **(marks[0] if marks else {}))
        for text, colour, dash, *marks in entries
    ]
    drawn.legend(
        handles=handles,
        loc="outside lower center",
        ncols=_fitting(drawn, [entry[0] for entry in entries], columns),
        handlelength=2.2,
        columnspacing=1.6,
    )


def _fitting(drawn: Any, texts: Sequence[str], most: int, size: float = 7.0) -> int:
    """How many columns of a legend fit across a figure, by the usual width of its letters."""
    room = drawn.bbox.width * 72 / drawn.get_dpi()
    for count in range(min(len(texts), most), 1, -1):
        high = math.ceil(len(texts) / count)
        widest = [max(map(len, texts[i : i + high])) for i in range(0, len(texts), high)]
        if sum(0.6 * letters + 4.6 for letters in widest) * size < room:
            return count
    return 1


def shared_dots(drawn: Figure, entries: Sequence[tuple[str, str]]) -> None:
    """One row of (text, colour) of scattered dots below all panels."""
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=3.5, linestyle="none", label=text)
        for text, colour in entries
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.3)


def ramp(count: int) -> list[tuple[str, Any]]:
    """Light to dark with a growing quantity, each with a line style: none of the colours that stand for models."""
    shades = (
        ("#8FB8DE", "#3B7CB8", "#0B2F5B")
        if count <= 3
        else ("#A9C9E8", "#6FA5D3", "#3B7CB8", "#1D5591", "#0B2F5B", "#04152B")
    )
    dashes = ((0, (1.2, 1.2)), (0, (4, 1.6)), "-") if count <= 3 else ("-",) * 6
    return [(shades[i % len(shades)], dashes[i % len(dashes)]) for i in range(count)]


def lost_run(ax: Axes, x: np.ndarray, y: np.ndarray, colour: str) -> None:
    """A run that diverged: a thin line of its own that ends with a cross, at the panel's edge if it left it."""
    ax.plot(x, y, color=colour, linewidth=0.6, zorder=3)
    halo = [Stroke(linewidth=3.2, foreground="white"), Normal()]
    ax.plot(
        x[-1:],
        np.clip(y[-1:], *ax.get_ylim()),
        marker="x",
        markersize=5,
        markeredgewidth=1.4,
        color=style.readable(colour),
        linestyle="none",
        zorder=6,
        clip_on=False,
        path_effects=halo,
    )


def reported_and_ours(
    ax: Axes, reported: Sequence[float | None], ours: Sequence[float], places: Sequence[float]
) -> None:
    """A ring for each `reported` value that there is, and a dot for each of `ours`, at the heights `places`."""
    known = [(value, y) for value, y in zip(reported, places, strict=True) if value is not None]
    if known:
        ring = {"markerfacecolor": "none", "color": style.SERIES[1], "markersize": 6}
        ax.plot(*zip(*known, strict=True), "o", label="reported", **ring)
    ax.plot(ours, places, "o", color=style.SERIES[0], markersize=3.2, label="ours")
