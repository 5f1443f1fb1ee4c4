"""What a table of results says, row by row, before it is put into words: reported values beside our runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rnnrepro.claims import statistics
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import Exhibit, Experiment, statistic
from rnnrepro.errors import Fault
from rnnrepro.exhibits import chosen
from rnnrepro.exhibits.chosen import Chosen
from rnnrepro.reported import Reported, absence

if TYPE_CHECKING:
    from rnnrepro.records import CellRecords


@dataclass(frozen=True)
class Summary:
    """Numbers of several runs; mean, sd (sample), median, least and greatest are over those with a finite number.

    They are None where there is no such run, sd also where there is one only. `endless` counts the runs that did
    not diverge and still have none, such as those that never reach a level.
    """

    n: int
    diverged: int
    endless: int
    mean: float | None
    sd: float | None
    median: float | None
    least: float | None
    greatest: float | None


def summary(values: Iterable[RunValue]) -> Summary:
    """The numbers of one arm's runs at one grid point."""
    values = list(values)
    finite = np.array([v.value for v in values if math.isfinite(v.value)])
    lost = sum(v.diverged for v in values)
    endless = len(values) - len(finite) - lost
    if not len(finite):
        return Summary(len(values), lost, endless, None, None, None, None, None)
    sd = float(finite.std(ddof=1)) if len(finite) > 1 else None
    return Summary(
        len(values),
        lost,
        endless,
        float(finite.mean()),
        sd,
        float(np.median(finite)),
        float(finite.min()),
        float(finite.max()),
    )


@dataclass(frozen=True)
class Group:
    """The columns of one experiment, read on one split.

    `experiment` is None, with a reason, where it is not run at this scale. `second` is the statistic shown beside
    the exhibit's: where a paper chooses the epoch on test data, the best and the last epoch stand side by side.
    """

    name: str
    split: str
    title: str
    experiment: Experiment | None
    reason: str = ""
    second: str | None = None


@dataclass(frozen=True)
class Block:
    """What one row has in one group: the reported numbers, and ours or the reason why there are none.

    `second` is of the group's second statistic; `chosen` says in words which of our runs these are, where not all
    of a grid point are.
    """

    reported: Sequence[Reported] = ()
    reason: str = ""
    ours: Summary | None = None
    second: Summary | None = None
    provenance: Mapping = field(default_factory=dict)
    chosen: str = ""

    @property
    def difference(self) -> float | None:
        """Our mean less the reported value, where there is one of each."""
        if len(self.reported) != 1 or self.ours is None or self.ours.mean is None:
            return None
        return self.ours.mean - self.reported[0].value


@dataclass(frozen=True)
class Line:
    """One model (arm) at one grid point, with a block for each group that has it."""

    arm: str
    point: str
    label: str
    hidden: Sequence[int]
    extra: str
    note: str
    blocks: Mapping[tuple[str, str], Block]

    @property
    def parameters(self) -> list[int]:
        """The numbers of parameters, one where all experiments agree."""
        return list(dict.fromkeys(b.provenance["parameters"] for b in self.blocks.values() if b.provenance))


@dataclass(frozen=True)
class Sources:
    """All that a table is made of; see `tables.build`."""

    exhibit: Exhibit
    scale: str
    experiments: Mapping[str, Experiment | None]
    records: Mapping[str, CellRecords]
    reported: Sequence[Reported]
    own: Mapping[str, Experiment]
    lacking: Mapping[str, str] = field(default_factory=dict)

    @property
    def one_line(self) -> bool:
        """Whether an arm has one row, of its best setting or of its successful runs, whatever its grid."""
        return self.exhibit.options.get("points") == chosen.BEST or "only" in self.exhibit.options

    def known(self, name: str) -> list[Experiment]:
        """The experiment at this scale and at the paper's, as far as they are."""
        return [e for e in (self.experiments.get(name), self.own.get(name)) if e is not None]


def groups(s: Sources) -> list[Group]:
    """A group for each experiment, and for each split of it that reported values are given for."""
    names = dict.fromkeys([*s.experiments, *(r.cell.partition("/")[0] for r in s.reported)])
    found = []
    for name in filter(None, names):
        experiment = s.experiments.get(name)
        splits = dict.fromkeys(r.settings.get("split", s.exhibit.split) for r in s.reported if _of(r, name))
        title = s.known(name)[0].title if s.known(name) else name
        reason = "" if experiment else s.exhibit.missing.get(s.scale, f"not at scale {s.scale}")
        for split in splits or [s.exhibit.split]:
            named = f"{title}, {split}" if len(splits) > 1 else title
            found.append(Group(name, split, named, experiment, reason, _second(s.exhibit, experiment)))
    return found


def _second(exhibit: Exhibit, experiment: Experiment | None) -> str | None:
    if experiment is None or experiment.select != "best_test":
        return None
    return "last" if exhibit.statistic == "best" else "best"


def _of(row: Reported, experiment: str) -> bool:
    return row.cell.partition("/")[0] == experiment


def lines(s: Sources, shown: Sequence[Group]) -> list[Line]:
    """The rows, in the exhibit's order of models; with a grid, a row for each point or one for the chosen runs."""
    found = []
    for arm in _arms(s, shown):
        if s.one_line:
            found.append(_line(s, shown, arm, "", []))
            continue
        points = dict.fromkeys(
            run["point"]
            for g in shown
            if (r := s.records.get(f"{g.name}/{arm}"))
            for run in r.provenance["runs"]
        )
        found += [_line(s, shown, arm, point, list(points)) for point in points or [""]]
    return found


def _arms(s: Sources, shown: Sequence[Group]) -> list[str]:
    """Arms run, arms of the paper's own scale, arms with a reported value, and absent models."""
    names = dict.fromkeys(g.name for g in shown)
    arms: dict[str, None] = {}
    for name in names:
        for experiment in s.known(name):
            arms |= dict.fromkeys(experiment.models)
    arms |= dict.fromkeys(r.cell.partition("/")[2] for r in s.reported if r.cell)
    for name in names:
        for experiment in s.known(name):
            # a reason given for a model is told in the rows of its sizes, where there are any
            arms |= dict.fromkeys(
                a for a in experiment.absent if not any(k.partition(".")[0] == a for k in arms)
            )
    wanted = [arm for arm in s.exhibit.models if arm in arms]
    return wanted if s.exhibit.models else [a for a in arms if _belongs(s, names, a)]


def _belongs(s: Sources, names: Iterable[str], arm: str) -> bool:
    """Arms of the paper's own scale alone are shown only where a value of them is reported."""
    return any(r.cell.partition("/")[2] == arm for r in s.reported) or any(
        e and (arm in e.models or absence(e, arm)) for e in map(s.experiments.get, names)
    )


def _line(s: Sources, shown: Sequence[Group], arm: str, point: str, points: Sequence[str]) -> Line:
    blocks = {(g.name, g.split): b for g in shown if (b := _block(s, g, arm, point)) is not None}
    named = [e.models[arm] for g in shown for e in s.known(g.name) if arm in e.models]
    label = next((a.label for a in named if a.label), None) or _readable(arm, s)
    run = [g.experiment.models[arm] for g in shown if g.experiment and arm in g.experiment.models] or named[
        :1
    ]
    return Line(
        arm=arm,
        point=point,
        label=f"{label} ({chosen.spoken(point, points)})" if point else label,
        hidden=list(dict.fromkeys(a.hidden for a in run)) or _size(arm),
        extra=next((a.extra for a in run if a.extra), ""),
        note=next((a.note for a in run if a.note), ""),
        blocks=blocks,
    )


def _size(arm: str) -> list[int]:
    """The hidden size that a slice's name tells: `urnn_fc.n116` -> [116]."""
    part = arm.partition(".")[2]
    return [int(part[1:])] if part[:1] == "n" and part[1:].isdigit() else []


def _readable(arm: str, s: Sources) -> str:
    """`urnn_fc.n116` -> `FC-uRNN, N = 116`, by the labels of the experiments."""
    model, _, part = arm.partition(".")
    known = [e for e in (*s.experiments.values(), *s.own.values()) if e is not None]
    model = next((e.labels[model] for e in known if model in e.labels), model)
    if _size(arm):
        return f"{model}, N = {_size(arm)[0]}"
    return f"{model} ({part})" if part else model


def _block(s: Sources, group: Group, arm: str, point: str) -> Block | None:
    printed = [] if group.experiment and group.experiment.stand_in else list(_printed(s, group, arm))
    record = s.records.get(f"{group.name}/{arm}")
    if group.experiment is None:
        return Block(printed, reason=group.reason) if printed or _own(s, group, arm) else None
    if arm not in group.experiment.models:
        why = absence(group.experiment, arm) or s.exhibit.missing.get(s.scale) or f"not at scale {s.scale}"
        return Block(printed, reason=why) if printed or absence(group.experiment, arm) else None
    if record is None:
        return Block(printed, reason=s.lacking.get(group.name, "no results yet"))
    shown = _chosen(s.exhibit, record, group.split, point)
    if not shown.runs and not shown.words:
        return None
    values = _values(record, s.exhibit, group.split, s.exhibit.statistic, shown)
    second = summary(_values(record, s.exhibit, group.split, group.second, shown)) if group.second else None
    return Block(
        printed, ours=summary(values), second=second, provenance=record.provenance, chosen=shown.words
    )


def _chosen(exhibit: Exhibit, record: CellRecords, split: str, point: str) -> Chosen:
    """The runs of `point`, of the best point, or the successful ones. Raises Fault for other options."""
    only, points = exhibit.options.get("only"), exhibit.options.get("points", "all")
    if only not in (None, chosen.SUCCESSES) or points not in ("all", chosen.BEST):
        raise Fault(f"{record.key}: a table's options are points: all or best, and only: successes")
    if only:
        return chosen.successful(record, exhibit.options.get("success", {}))
    if points == chosen.BEST:
        return chosen.best(record, exhibit.metric, split, exhibit.statistic)
    return chosen.of_point(record, point)


def _own(s: Sources, group: Group, arm: str) -> bool:
    return any(arm in e.models or absence(e, arm) for e in s.known(group.name))


def _printed(s: Sources, group: Group, arm: str) -> Iterator[Reported]:
    """The reported values of a cell at the exhibit's split and step; the paper's own before those of others."""
    name, step = statistic(s.exhibit.statistic)
    rows = [
        r
        for r in s.reported
        if r.cell == f"{group.name}/{arm}"
        and r.metric == ("steps" if name == "first_step_below" else s.exhibit.metric)
        and r.settings.get("split", s.exhibit.split) == group.split
        and (name != "at_step" or float(r.settings.get("step", step)) == step)
    ]
    yield from sorted(rows, key=lambda r: bool(r.quoted_from))


def _values(record: CellRecords, exhibit: Exhibit, split: str, spec: str, shown: Chosen) -> list[RunValue]:
    return shown.of(statistics.of_cell(record, exhibit.metric, split, spec))
