"""A statistic over two keys of a grid, with its numbers in the squares, and the reported grid beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rnnrepro.claims import statistics
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import grid, layout
from rnnrepro.exhibits.figures.axis_labels import axis_label, in_a_line
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.grid import Panel, Square
from rnnrepro.exhibits.numbers import Numbers, shown
from rnnrepro.exhibits.view import View


def draw(view: View) -> Drawn:
    """One panel a model and experiment, each beside the reported one. Raises Fault where no grid can be read."""
    found = grid.gather(view)
    view.need([panel for panel in found if not panel.reported], f"no run has recorded {view.entry.metric}")
    if not any(panel.means for panel in found):
        return nothing("every run diverged", _numbers(view, found))
    with style.journal():
        drawn, axes = _figure(found)
        for group in _groups(view, found):
            scale = _scale(view, group)
            for panel in group:
                _panel(view, axes[found.index(panel)], panel, scale)
            _bar(view, drawn, [axes[found.index(panel)] for panel in group], scale)
        style.panel_letters(axes)
    return Drawn(drawn, _numbers(view, found), _notes(view, found), _alt(view, found))


def _figure(found: Sequence[Panel]) -> tuple[Figure, list[Axes]]:
    """Ours and the reported ones in two columns; at most three columns of ours alone."""
    columns = 2 if any(panel.reported for panel in found) else min(len(found), 3)
    rows = -(-len(found) // columns)
    high = max(len(panel.ticks(0)) for panel in found)
    drawn = style.figure(rows * (22 + 8.5 * high), wide=columns > 1)
    return drawn, [drawn.add_subplot(rows, columns, i + 1) for i in range(len(found))]


def _groups(view: View, found: Sequence[Panel]) -> list[list[Panel]]:
    """Panels of one colour scale: ours, and at the paper's own scale the reported ones, too."""
    ours = [panel for panel in found if not panel.reported]
    printed = [panel for panel in found if panel.reported]
    groups = [[*ours, *printed]] if view.scale == "paper" else [ours, printed]
    return [group for group in groups if any(panel.means for panel in group)]


def _scale(view: View, group: Sequence[Panel]) -> mpl.cm.ScalarMappable:
    """Light is better, where the metric has a better side."""
    means = [mean for panel in group for mean in panel.means]
    low, high = min(means), max(means)
    room = {"vmin": low, "vmax": high if high > low else low + (abs(low) or 1.0)}
    worse_is_dark = statistics.direction(view.entry.metric, view.entry.statistic) != "lower"
    norm = LogNorm(**room) if view.entry.log and low > 0 else Normalize(**room)
    return mpl.cm.ScalarMappable(norm, "cividis" if worse_is_dark else "cividis_r")


def _panel(view: View, ax: Axes, panel: Panel, scale: mpl.cm.ScalarMappable) -> None:
    rows, columns = panel.ticks(0), panel.ticks(1)
    for (row, column), square in panel.squares.items():
        _square(ax, columns.index(column), rows.index(row), square, scale)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    down = any(isinstance(value, str) for value in rows)  # names are read from the top, numbers grow upwards
    ax.set_ylim(*((len(rows) - 0.5, -0.5) if down else (-0.5, len(rows) - 0.5)))
    ax.set_xticks(range(len(columns)), [_tick(value) for value in columns])
    ax.set_yticks(range(len(rows)), [_tick(value) for value in rows])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for key, name in zip(grid.keys(view), (ax.set_ylabel, ax.set_xlabel), strict=True):
        word = grid.spoken(key)
        name(word, **({"rotation": 0, "va": "center"} if name == ax.set_ylabel and len(word) == 1 else {}))
    layout.title(ax, panel.title, letters=40)


def _tick(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _square(ax: Axes, x: int, y: int, square: Square, scale: mpl.cm.ScalarMappable) -> None:
    known = square.mean is not None
    face = scale.to_rgba(square.mean) if known else style.LIGHT
    empty = {} if known else {"hatch": "////", "linewidth": 0}
    ax.add_patch(
        Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=face, edgecolor="white", zorder=1, **empty)
    )
    ink = style.ink_on(face)
    lines = [shown(square.mean) if known else "–", *_marks(square)]
    background = None if known else {"boxstyle": "square,pad=0.15", "facecolor": style.LIGHT, "linewidth": 0}
    ax.text(
        x, y, "\n".join(lines), ha="center", va="center", fontsize=6.5, color=ink, zorder=2, bbox=background
    )


def _marks(square: Square) -> list[str]:
    """`× 1/5` of five runs one diverged; `✗ 3/5` three are on the bad side of the threshold, the diverged ones too."""
    marks = [f"× {square.diverged}/{square.runs}"] if square.diverged else []
    if square.failed and square.failed > square.diverged:
        marks = [f"✗ {square.failed}/{square.runs}"]
    return marks


def _bar(view: View, drawn: Figure, axes: list[Axes], scale: mpl.cm.ScalarMappable) -> None:
    bar = drawn.colorbar(scale, ax=axes, aspect=22, pad=0.02, fraction=0.06)
    bar.outline.set_linewidth(0.5)
    bar.set_label(axis_label(view.entry.metric, view.entry.split))
    if isinstance(scale.norm, LogNorm):
        layout.log_axis(bar.ax.yaxis)


def _numbers(view: View, found: Sequence[Panel]) -> Numbers:
    """One row a square of ours, with the reported value of the same place; then what is reported alone."""
    printed = {panel.of: dict(panel.squares) for panel in found if panel.reported}
    rows = []
    for panel in (p for p in found if not p.reported):
        beside = printed.get(panel.of, {})
        rows += [
            _row(view, panel.of, place, square, beside.pop(place, None))
            for place, square in panel.squares.items()
        ]
    rows += [
        _row(view, of, place, None, square) for of, own in printed.items() for place, square in own.items()
    ]
    names = [grid.spoken(key) for key in grid.keys(view)]
    headings = {
        "experiment": "experiment",
        **({"model": "model"} if grid.ARM not in grid.keys(view) else {}),
        "row": names[0],
        "column": names[1],
        "runs": "runs",
        "diverged": "diverged",
        "failed": "failed",
        "mean": "mean",
        "sd": "sd",
        "reported": "reported",
        "spread": "its spread",
        "status": "status",
    }
    lacking = {k for k in ("failed", "reported", "spread", "status") if all(row[k] is None for row in rows)}
    what = in_a_line(view.entry.metric, view.entry.split)
    what = f"{what}, {statistics.in_words(view.entry.statistic)} of a run"
    told = f"Numbers: {what}; diverged runs are counted but not in the mean."
    return Numbers({k: v for k, v in headings.items() if k not in lacking}, rows, notes=[told])


def _row(
    view: View, of: tuple[str, str], place: grid.Place, ours: Square | None, printed: Square | None
) -> dict:
    experiment, arm = of
    return {
        "experiment": view.experiment_title(experiment),
        "model": grid.label(view, experiment, arm),
        "row": place[0],
        "column": place[1],
        "runs": ours.runs if ours else None,
        "diverged": ours.diverged if ours else None,
        "failed": ours.failed if ours else None,
        "mean": ours.mean if ours else None,
        "sd": ours.sd if ours else None,
        "reported": printed.mean if printed else None,
        "spread": printed.sd if printed else None,
        "status": printed.status if printed else None,
    }


def _notes(view: View, found: Sequence[Panel]) -> list[str]:
    better = statistics.direction(view.entry.metric, view.entry.statistic)
    said = [
        f"Squares: mean over {_runs(found)} runs; {'lighter is better' if better else 'darker is lower'}."
    ]
    squares = [square for panel in found for square in panel.squares.values()]
    if any(square.diverged for square in squares):
        said.append("× how many of the runs diverged; hatched: all of them.")
    if (level := view.option("threshold", None)) is not None:
        what = f"{statistics.in_words(view.entry.statistic)} of {view.entry.metric.replace('_', ' ')}"
        level = level if isinstance(level, str) else f"{level:g}"
        said.append(f"✗ how many of the runs fail, by the {what} (threshold {level.replace('_', ' ')}).")
    if any(panel.reported for panel in found) and view.scale != "paper":
        said.append(
            "At this scale task, size and budget are not the paper's: the reported grid has its own colours, and only "
            "where in it runs do well can be compared."
        )
    return said


def _runs(found: Sequence[Panel]) -> str:
    counts = sorted({s.runs for panel in found if not panel.reported for s in panel.squares.values()})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _alt(view: View, found: Sequence[Panel]) -> str:
    rows, columns = (grid.spoken(key) for key in grid.keys(view))
    what = in_a_line(view.entry.metric, view.entry.split)
    return f"Heat maps of {what} over {rows} and {columns}: {'; '.join(panel.title for panel in found)}."
