"""What training comes to against a setting of the experiments, one line a model: the loss by the length of a task, say.

The option `setting` names it by its place among a run's settings (`task.length`, `model.hidden`,
`model.matrix.gain`). Runs of several experiments, arms of one label and points of a grid make one line together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnrepro.claims import statistics, successes
from rnnrepro.claims.statistics import RunValue
from rnnrepro.errors import nearest
from rnnrepro.exhibits import chosen, series, style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.axis_labels import axis_label, in_a_line
from rnnrepro.exhibits.figures.drawn import Drawn, nothing
from rnnrepro.exhibits.figures.looks import Look, looks
from rnnrepro.exhibits.figures.traces import half_squared_errors, trials
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

_SPREADS = ("quartiles", *(band for band in series.BANDS if band != "quartiles"))


@dataclass
class Place:
    """The runs of one line at one value of the setting, of the best grid point where several have that value."""

    x: float
    cell: CellRecords
    runs: list[RunValue]
    point: str
    among: int

    def values(self) -> np.ndarray:
        """What is finite."""
        found = np.array([run.value for run in self.runs], dtype=float)
        return found[np.isfinite(found)]


@dataclass
class Line:
    """One model: its places by x."""

    label: str
    look: Look
    places: list[Place] = field(default_factory=list)


def draw(view: View) -> Drawn:
    """The figure of kind `by_setting`. Raises Fault for a setting that a run has not, or that is no number."""
    lines = gather(view)
    view.need(lines, f"no run has recorded {view.entry.metric} on the {view.entry.split} split")
    before = untrained(view)
    numbers = _numbers(view, lines, before)
    if not any(len(place.values()) for line in lines for place in line.places):
        return nothing("every run diverged", numbers)
    with style.journal():
        drawn, (ax,) = layout.panels(1, height_mm=68)
        for line in lines:
            _line(view, ax, line)
        _rest(view, ax, lines, before)
        entries = [(line.label, *line.look) for line in lines]
        layout.shared_legend(drawn, entries + _others(view, lines, before), columns=3)
    return Drawn(drawn, numbers, _notes(view, lines), _alt(view, lines))


def gather(view: View) -> list[Line]:
    """One line a label, its places in the order of the setting."""
    cells = [cell for name in view.entry.experiments for cell in view.records_of(name)]
    shades = looks(view, {cell.provenance["arm"]: cell for cell in cells}.values())
    found: dict[str, Line] = {}
    groups: dict[str, dict[float, list[Place]]] = {}
    for cell in cells:
        label = view.label(cell)
        found.setdefault(label, Line(label, shades[cell.provenance["arm"]]))
        by_point: dict[str, list[RunValue]] = {}
        for run in view.statistic(cell):
            by_point.setdefault(run.point, []).append(run)
        for point, runs in by_point.items():
            place = Place(setting_of(view, cell, point), cell, runs, point, 1)
            groups.setdefault(label, {}).setdefault(place.x, []).append(place)
    for label, by_x in groups.items():
        found[label].places = [_best(view, by_x[x]) for x in sorted(by_x)]
    return list(found.values())


def setting_of(view: View, cell: CellRecords, point: str) -> float:
    """The number that the option `setting` names, of the runs at a grid point of a cell."""
    path = str(view.option("setting", "task.length"))
    own = [run for each in view.cells if each.whole == cell.key for run in each.runs if run.point == point]
    view.need(own, f"{cell.key} has no run at {point or 'its one point'} by its present settings")
    found: Any = own[0].settings
    for word in path.split("."):
        known = found if isinstance(found, dict) else {}
        hint = nearest(word, known)
        view.need(word in known, f"option setting: the runs of {cell.key} have no {path!r}{hint}")
        found = known[word]
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    view.need(number, f"option setting: {path} of {cell.key} is {found!r}, and not a number")
    return float(found)


def _best(view: View, places: list[Place]) -> Place:
    """The place with the best mean over seeds of those at one value of the setting."""
    if len(places) == 1:
        return places[0]
    better = statistics.direction(view.entry.metric, view.entry.statistic)
    where = f"{places[0].cell.key} has {len(places)} settings at {places[0].x:g}"
    view.need(better, f"{where}, and neither low nor high is better")
    sign = 1 if better == "lower" else -1
    chosen_one = min(places, key=lambda place: sign * np.mean([run.value for run in place.runs]))
    return replace(chosen_one, among=len(places))


def untrained(view: View) -> dict[float, float]:
    """{x: half the squared error before training, median over all runs}, with the option `untrained`."""
    if not view.option("untrained", False):
        return {}
    found: dict[float, list[float]] = {}
    for _, cell in arrays.cells_with(view, ["output"]):
        for run, pair in trials(view, cell, "first").items():
            found.setdefault(setting_of(view, cell, run[0]), []).extend(half_squared_errors({run: pair}))
    return {x: float(np.median(found[x])) for x in sorted(found)}


def _bounds(view: View, place: Place) -> tuple[float, float, float]:
    if not len(values := place.values()):
        return np.nan, np.nan, np.nan
    how = {"middle": view.choice("middle", series.MIDDLES), "spread": view.choice("band", _SPREADS)}
    return tuple(float(each[0]) for each in series.bounds(values[None], **how))


def _line(view: View, ax: Any, line: Line) -> None:
    x = [place.x for place in line.places]
    middle, low, high = np.array([_bounds(view, place) for place in line.places]).T
    ax.fill_between(x, low, high, color=line.look.colour, alpha=0.16, linewidth=0, zorder=2)
    ax.errorbar(x, middle, (middle - low, high - middle), fmt="none", ecolor=line.look.colour, elinewidth=0.8)
    ax.plot(x, middle, "o", color=line.look.colour, linestyle=line.look.dash, markersize=3.4, zorder=3)
    ring = {"markerfacecolor": "none", "color": line.look.colour, "markersize": 6.5, "linestyle": "none"}
    known = [(place.x, row.value) for place in line.places if (row := _reported(view, place)) is not None]
    if known:
        ax.plot(*zip(*known, strict=True), marker="o", zorder=4, **ring)


def _rest(view: View, ax: Any, lines: list[Line], before: dict[float, float]) -> None:
    if before:
        ax.plot(*zip(*before.items(), strict=True), "s:", color=style.GREY, markersize=3, linewidth=0.9)
    for level in _levels(view, lines):
        layout.chance_line(ax, level)
    if view.option("log_x", False):
        ax.set_xscale("log")
        layout.log_axis(ax.xaxis)
    if view.entry.log:
        ax.set_yscale("log")
        layout.log_axis(ax.yaxis)
    ax.set_xlabel(_named(view))
    ax.set_ylabel(axis_label(view.entry.metric, view.entry.split))


def _levels(view: View, lines: list[Line]) -> list[float]:
    found = (successes.chance(p.cell, view.entry.metric) for line in lines for p in line.places)
    return sorted({level for level in found if level is not None}) if view.entry.chance else []


def _others(view: View, lines: list[Line], before: dict[float, float]) -> list[tuple[str, str, Any]]:
    said = [("before training", style.GREY, ":")] if before else []
    return said + ([("guessing", style.GREY, layout.CHANCE)] if _levels(view, lines) else [])


def _named(view: View) -> str:
    path = str(view.option("setting", "task.length"))
    return str(view.option("setting_title", path.rpartition(".")[2].replace("_", " ")))


def _reported(view: View, place: Place) -> Any:
    made = place.cell.provenance
    for row in view.reported():
        if row.cell == f"{made['experiment']}/{made['arm']}" and row.metric == view.entry.metric:
            at = row.settings.get("setting")
            if at is None or float(at) == place.x:
                return row
    return None


def _numbers(view: View, lines: list[Line], before: dict[float, float]) -> Numbers:
    rows = []
    for line in lines:
        for place in line.places:
            row, values = _reported(view, place), place.values()
            rows.append(
                {
                    "model": line.label,
                    "setting": place.x,
                    "chosen": chosen.spoken(place.point) if place.among > 1 else "",
                    "seeds": len(place.runs),
                    "diverged": sum(run.diverged for run in place.runs),
                    "median": np.median(values) if len(values) else None,
                    "low": np.quantile(values, 0.25) if len(values) else None,
                    "high": np.quantile(values, 0.75) if len(values) else None,
                    "mean": values.mean() if len(values) else None,
                    "before": before.get(place.x),
                    "reported": row.value if row else None,
                    "status": row.status if row else None,
                    "chance": successes.chance(place.cell, view.entry.metric),
                    "arm": place.cell.provenance["arm"],
                    "experiment": place.cell.provenance["experiment"],
                }
            )
    shown = {key: text for key, text in _HEADINGS.items() if any(row[key] not in (None, "") for row in rows)}
    what = in_a_line(view.entry.metric, view.entry.split)
    told = f"Numbers: {what}, {statistics.in_words(view.entry.statistic)} of a run; diverged runs are counted alone."
    return Numbers({**shown, "setting": _named(view)}, rows, notes=[told], plain=("arm", "experiment"))


_HEADINGS = {
    "model": "model",
    "setting": "",
    "chosen": "best setting",
    "seeds": "seeds",
    "diverged": "diverged",
    "median": "median",
    "low": "lower quartile",
    "high": "upper quartile",
    "mean": "mean",
    "before": "before training, median",
    "reported": "reported",
    "status": "status",
    "chance": "guessing",
}


def _notes(view: View, lines: list[Line]) -> list[str]:
    places = [place for line in lines for place in line.places]
    counts = sorted({len(place.runs) for place in places})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    middle, band = view.choice("middle", series.MIDDLES), series.BANDS[view.choice("band", _SPREADS)]
    said = [f"Dots: {middle} over {seeds} seeds; bars and bands: {band} over seeds."]
    if any(_reported(view, place) for place in places):
        said.append("Rings: as reported.")
    lost = sum(run.diverged for place in places for run in place.runs)
    if lost:
        said.append(
            f"{lost} of {sum(len(place.runs) for place in places)} runs diverged and are not in the dots and bars."
        )
    if any(place.among > 1 for place in places):
        said.append("Of several settings at one place the best is shown, by the mean over seeds.")
    return said


def _alt(view: View, lines: list[Line]) -> str:
    what = in_a_line(view.entry.metric, view.entry.split)
    return f"Line plot of {what} against {_named(view)}: {', '.join(line.label for line in lines)}."
