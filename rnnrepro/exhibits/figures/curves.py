"""A metric against steps or epochs: one panel an experiment (or a grid point), one line a model.

The exhibit's options are listed in `rnnrepro.exhibits.KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnrepro.claims import successes
from rnnrepro.exhibits import series, style
from rnnrepro.exhibits.figures import beside, curve_numbers, layout
from rnnrepro.exhibits.figures.axis_labels import axis_label
from rnnrepro.exhibits.figures.beside import Beside
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.figures.lines import Panel, gather
from rnnrepro.exhibits.view import View


def draw(view: View) -> Drawn:
    """The figure of kind `curves`. Raises Fault where no cell has the metric."""
    found = [panel for panel in gather(view) if panel.lines]
    view.need(found, f"no run has recorded {view.entry.metric} on the {view.entry.split} split")
    published = beside.gather(view, found)
    with style.journal():
        drawn, placed = _placed(found, published)
        for panel, own in zip(found, placed, strict=True):
            _panel(view, own[0], panel)
            _published(view, own, published.get(panel.experiment))
        axes = [ax for own in placed for ax in own]
        wide = {1: 36, 2: 40}.get(len(axes), 40 if len(axes) > len(found) else 28)
        for ax in axes:
            layout.title(ax, ax.get_title(loc="left"), letters=wide)
        if view.option("share", view.option("panels", "experiment") == "point"):
            layout.share_limits(axes)
        style.panel_letters(axes)
        _name_lines(drawn, placed, found, view, published)
    said = [*curve_numbers.notes(view, found), *beside.notes(view, published)]
    table = curve_numbers.numbers(view, found, published)
    return Drawn(drawn, table, said, curve_numbers.alt(view, found))


def _placed(found: Sequence[Panel], published: Mapping[str, Beside]) -> tuple[Figure, list[list[Axes]]]:
    """A figure, and for each panel its axes and those of the published curves, where they have axes of their own."""
    apart = [panel.experiment in published and not published[panel.experiment].over for panel in found]
    high = 62 if len(found) < 3 - any(apart) else 54
    if not any(apart):
        drawn, axes = layout.panels(len(found), height_mm=high)
        return drawn, [[ax] for ax in axes]
    drawn, count = style.figure(high * len(found), wide=True), len(found)
    return drawn, [
        [drawn.add_subplot(count, 2, 2 * i + j) for j in ((1, 2) if own else (1,))]
        for i, own in enumerate(apart)
    ]


def _published(view: View, axes: Sequence[Axes], found: Beside | None) -> None:
    """The published curves of a panel, over our curves or on their own axes."""
    if found is not None and found.over:
        beside.over(view, axes[0], found.curves)
    elif found is not None:
        beside.alone(view, axes[1], found)
        axes[1].set_ylabel(axis_label(view.entry.metric, view.entry.split))
        axes[1].set_title(found.named, loc="left")


def _panel(view: View, ax: Axes, panel: Panel) -> None:
    entry = view.entry
    ax.set_title(panel.title, loc="left")
    for line in panel.lines:
        band = series.band(line.runs, middle=_middle(view), spread=_spread(view))
        ax.fill_between(band.x, band.low, band.high, color=line.colour, alpha=0.16, linewidth=0, zorder=2)
        ax.plot(band.x, band.middle, color=line.colour, linestyle=line.dash, zorder=3)
    _across(view, ax, panel)
    ax.set_ylabel(axis_label(entry.metric, entry.split))
    ax.set_ylim(*_limits(view, panel))
    for line in panel.lines:
        for run in line.runs:
            if run.diverged:
                layout.lost_run(ax, run.x, run.y, line.colour)
    if entry.log:
        ax.set_yscale("log")
        layout.log_axis(ax.yaxis)
    if (level := _chance(view, panel)) is not None:
        layout.chance_line(ax, level)


def _across(view: View, ax: Axes, panel: Panel) -> None:
    """The horizontal axis; a logarithmic one begins with the first step that was recorded after the start."""
    places = np.concatenate([run.x for line in panel.lines for run in line.runs])
    ax.set_xlabel({"step": "optimiser step"}.get(view.entry.x, view.entry.x))
    if not view.option("log_x", False):
        ax.set_xlim(0, places.max(initial=0) or 1)
        return
    positive = places[places > 0]
    view.need(
        len(positive), "nothing was recorded after the start, so a logarithmic axis has nothing to show"
    )
    ax.set_xscale("log")
    ax.set_xlim(positive.min(), max(positive.max(), 1.01 * positive.min()))
    layout.log_axis(ax.xaxis)


def _chance(view: View, panel: Panel) -> float | None:
    """The metric's value of guessing in a panel, where it is to be drawn."""
    return successes.chance(panel.lines[0].records, view.entry.metric) if view.entry.chance else None


def _middle(view: View) -> str:
    return view.choice("middle", series.MIDDLES)


def _spread(view: View) -> str:
    return view.choice("band", tuple(series.BANDS))


def _limits(view: View, panel: Panel) -> tuple[float, float]:
    """Room for the lines; the wildest of the first steps and of the bands may leave the axes."""
    given = view.option("ylim", None)
    if given:
        return float(given[0]), float(given[1])
    bands = [series.band(line.runs, middle=_middle(view), spread=_spread(view)) for line in panel.lines]
    level = _chance(view, panel)
    guess = [] if level is None else [level]
    if view.option("log_x", False):  # the early steps have as much room as the late ones
        early, wide, shown = 0, 0, guess
    else:
        early, wide, shown = 20, 5, []
    late = np.concatenate([b.middle[_skipped(b, early) :] for b in bands])
    edges = np.concatenate([edge[_skipped(b, wide) :] for b in bands for edge in (b.low, b.high)])
    late, edges = late[np.isfinite(late)], edges[np.isfinite(edges)]
    if view.entry.log:
        low, high = _log_limits(late, edges)
        return low, max([high, *(1.3 * level for level in shown)])
    values = [late.min(), np.percentile(late, 99.5), np.percentile(edges, 95), *guess]
    # Spikes and early steps may leave the axes, so that what the lines come to can be seen.
    settled = max(*(np.nanmedian(b.middle[len(b.middle) // 2 :]) for b in bands), *guess, -np.inf)
    low, high = min(values), min(max(values), 3 * settled if settled > 0 else np.inf)
    room = 0.06 * (high - low or abs(high) or 1.0)
    low = 0.0 if 0 <= low < 0.35 * high else low - room
    return low, min(high + room, 1.0) if view.entry.metric == "accuracy" else high + room


def _skipped(band: series.Band, part: int) -> int:
    """How many of the first places are a `part`-th of all; none for 0."""
    return len(band.x) // part if part else 0


def _log_limits(late: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Room on a logarithmic axis, a decade at least, so that noise does not look like a trend."""
    positive = np.concatenate([late[late > 0], edges[edges > 0]])
    if not len(positive):
        return 1e-3, 1.0
    low, high = np.percentile(positive, 0.5) / 1.3, np.percentile(positive, 99.5) * 1.3
    widen = max(1.0, math.sqrt(10 * low / high))
    return float(low / widen), float(high * widen)


def _name_lines(
    drawn: Figure,
    placed: Sequence[Sequence[Axes]],
    found: Sequence[Panel],
    view: View,
    published: Mapping[str, Beside],
) -> None:
    if sum(len(pair) for pair in placed) > 2 or any(each.over for each in published.values()):
        _legend(drawn, found, view, published)
        return
    named = {}
    for (ax, *own), panel in zip(placed, found, strict=True):
        named[ax] = _labels(view, ax, panel)
        named |= {other: beside.labels(published[panel.experiment].curves) for other in own}
    layout.direct_labels(drawn, named)


def _legend(drawn: Figure, found: Sequence[Panel], view: View, published: Mapping[str, Beside]) -> None:
    """One for all panels: where there are more than two, or where published curves lie over ours."""
    entries = {line.label: (line.label, line.colour, line.dash) for panel in found for line in panel.lines}
    guess = any(_chance(view, panel) is not None for panel in found)
    every = [*entries.values(), *beside.entries(published, entries)]
    every += [("guessing", style.GREY, layout.CHANCE)] if guess else []
    layout.shared_legend(drawn, every)


def _labels(view: View, ax: Axes, panel: Panel) -> list[layout.Label]:
    labels = []
    for line in panel.lines:
        band = series.band(line.runs, middle=_middle(view), spread=_spread(view))
        known = np.isfinite(band.middle)
        if known.any():
            end = band.x[known][-1], band.middle[known][-1]
            labels.append(layout.Label(line.label, *end, line.colour))
    if (level := _chance(view, panel)) is not None:
        labels.append(layout.Label(f"guessing, {level:.3g}", ax.get_xlim()[1], level, style.GREY))
    return labels
