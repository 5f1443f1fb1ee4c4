"""What a heat map shows: a statistic over two keys of a grid, of our runs and as it was reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro.claims import successes
from rnnrepro.errors import Fault, nearest
from rnnrepro.exhibits import series
from rnnrepro.exhibits.table_rows import Summary, summary
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords
from rnnrepro.reported import Reported

ARM = "arm"
_GREEK = {"mu": "μ", "epsilon": "ε", "beta": "β", "alpha": "α", "gamma": "γ", "tau": "τ", "eta": "η"}
Place = tuple[Any, Any]
"""The value of the key of the rows and of that of the columns: numbers, or the labels of arms."""


@dataclass(frozen=True)
class Square:
    """One place of a heat map. `failed` counts runs on the bad side of the threshold, None without one."""

    mean: float | None
    runs: int = 0
    diverged: int = 0
    failed: int | None = None
    sd: float | None = None
    status: str = ""


@dataclass(frozen=True)
class Panel:
    """One heat map; `of` is the experiment and the arm ("" where the arms are its rows or columns)."""

    of: tuple[str, str]
    title: str
    squares: Mapping[Place, Square]
    reported: bool = False

    def ticks(self, axis: int) -> list[Any]:
        """The values along an axis, numbers in their order and labels as they come."""
        values = list(dict.fromkeys(place[axis] for place in self.squares))
        return values if any(isinstance(value, str) for value in values) else sorted(values)

    @property
    def means(self) -> list[float]:
        """What is known of the squares."""
        return [square.mean for square in self.squares.values() if square.mean is not None]


def keys(view: View) -> tuple[str, str]:
    """The keys of rows and columns. Raises Fault where the exhibit does not name two."""
    rows, columns = (view.option(word, None) for word in ("rows", "columns"))
    if not (isinstance(rows, str) and isinstance(columns, str)) or rows == columns:
        raise Fault(
            f"{view.where}: options rows and columns must name two keys of the grid, or one and {ARM}"
        )
    return rows, columns


def spoken(key: str) -> str:
    """A key for an axis: `drive.mu` -> `μ`, `rate` -> `learning rate`, `arm` -> `model`."""
    short = _short(key)
    return {ARM: "model", "rate": "learning rate"}.get(key) or _GREEK.get(short, short)


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def gather(view: View) -> list[Panel]:
    """Our panels, each followed by the reported one of the same experiment and arm; then what is reported alone."""
    ours = {panel.of: panel for panel in _ours(view)}
    printed = {panel.of: panel for panel in _reported(view, ours)}
    order = [*ours, *(of for of in printed if of not in ours)]
    return [panel for of in order for panel in (ours.get(of), printed.get(of)) if panel is not None]


def _ours(view: View) -> Iterable[Panel]:
    together = ARM in keys(view)
    for experiment in view.entry.experiments:
        cells = view.records_of(experiment)
        for group in [cells] if together else [[cell] for cell in cells]:
            squares: dict[Place, Square] = {}
            for cell in group:
                squares |= _squares(view, cell)
            arm = "" if together else group[0].provenance["arm"]
            if squares:
                yield Panel((experiment, arm), _title(view, experiment, arm), squares)


def _title(view: View, experiment: str, arm: str) -> str:
    named = view.experiment_title(experiment)
    arms = len({cell.provenance["arm"] for e in view.entry.experiments for cell in view.records_of(e)})
    return f"{label(view, experiment, arm)}, {named}" if arm and arms > 1 else named


def label(view: View, experiment: str, arm: str) -> str:
    """An arm's name for readers, whether it is run at this scale or not."""
    settings = view.project.experiment(view.paper_key, experiment, view.scale)
    known = settings.models.get(arm) if settings else None
    return (known.label if known else None) or arm


def _squares(view: View, cell: CellRecords) -> dict[Place, Square]:
    rows, columns = keys(view)
    entry, level = view.entry, view.option("threshold", None)
    good = (
        successes.of_cell(cell, entry.metric, entry.split, entry.statistic, level)
        if level is not None
        else None
    )
    values = view.statistic(cell)
    found: dict[Place, Square] = {}
    for point in series.points(cell):
        settings = dict(pair.split("=", 1) for pair in point.split(",") if pair)
        if not _chosen(view, cell, settings):
            continue
        place = tuple(_value(view, cell, settings, key) for key in (rows, columns))
        if place in found:
            raise Fault(
                f"{view.where}: {cell.key} has more than one run a seed at {rows} {place[0]}, {columns} {place[1]}; "
                f"choose with the option at: {{{_others(settings, rows, columns)}: a value}}"
            )
        own = [value for value in values if value.point == point]
        failed = None if good is None else sum(not good[value.point, value.seed] for value in own)
        found[place] = _square(summary(own), failed)
    return found


def _square(found: Summary, failed: int | None) -> Square:
    return Square(found.mean, found.n, found.diverged, failed, found.sd)


def _others(settings: Mapping[str, str], *shown: str) -> str:
    return next(key for key in settings if key not in shown)


def _chosen(view: View, cell: CellRecords, settings: Mapping[str, str]) -> bool:
    """Whether a grid point is at the values that the option `at` gives for keys that are not shown."""
    wanted = view.option("at", {})
    return all(float(_at(view, cell, settings, key)) == float(value) for key, value in wanted.items())


def _value(view: View, cell: CellRecords, settings: Mapping[str, str], key: str) -> Any:
    return view.label(cell) if key == ARM else float(_at(view, cell, settings, key))


def _at(view: View, cell: CellRecords, settings: Mapping[str, str], key: str) -> str:
    if key not in settings:
        raise Fault(f"{view.where}: the grid of {cell.key} has no {key!r}{nearest(key, settings)}")
    return settings[key]


def _reported(view: View, ours: Iterable[tuple[str, str]]) -> Iterable[Panel]:
    """The reported grids, with their experiment's title where ours does not stand beside.

    A row says in its `part` where it stands, by the last word of each key: `mu=0.6`.
    """
    rows, columns = keys(view)
    together = ARM in (rows, columns)
    groups: dict[tuple[str, str], dict[Place, Square]] = {}
    for row in view.reported():
        if row.metric != view.entry.metric or row.settings.get("split", view.entry.split) != view.entry.split:
            continue
        experiment, _, arm = row.cell.partition("/")
        place = tuple(_printed(view, row, key) for key in (rows, columns))
        squares = groups.setdefault((experiment, "" if together else arm), {})
        squares[place] = Square(row.value, sd=row.spread, status=row.status)
    for of, squares in groups.items():
        statuses = _listed([square.status for square in squares.values()])
        named = "" if of in ours else f": {paper_title(view, of[0])}"
        yield Panel(of, f"reported{named} ({statuses})", squares, reported=True)


def paper_title(view: View, experiment: str) -> str:
    """What an experiment is called at the paper's own scale."""
    settings = view.project.experiment(view.paper_key, experiment, "paper")
    return settings.title if settings else view.experiment_title(experiment)


def _printed(view: View, row: Reported, key: str) -> Any:
    experiment, _, arm = row.cell.partition("/")
    if key == ARM:
        return label(view, experiment, arm)
    value = row.settings.get(key, row.settings.get(_short(key)))
    if value is None:
        raise Fault(
            f"{view.where}: the reported value {row.value:g} of {row.cell} has no {_short(key)} in its part"
        )
    return float(value)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(words))
