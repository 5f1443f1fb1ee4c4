"""The authors' own published curves, dashed in the models' colours: over ours where the axes agree, or beside them.

They agree where the experiment that they are of has the task, the training and the models of the paper's scale, and a
curve counts what the exhibit's axis counts. Everywhere else a panel of their own keeps the two from being read as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro import published
from rnnrepro.errors import Fault, nearest
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.lines import Panel
from rnnrepro.exhibits.view import View

DASH = (0, (4, 2))
RINGS = {"marker": "o", "markersize": 2.6, "markerfacecolor": "white", "markeredgewidth": 0.7}
_MARKERS = ("o", "s", "^", "D")
_UNITS = {"step": "optimiser step", "epoch": "epoch"}


@dataclass(frozen=True)
class Curve:
    """One published curve: `x`, `value` and `std` (nan where it is not known), each (n,), and what is said of it."""

    arm: str
    label: str
    colour: str
    marker: str
    x: np.ndarray
    x_kind: str
    value: np.ndarray
    std: np.ndarray
    seeds: int
    status: str
    source: str


@dataclass(frozen=True)
class Beside:
    """The published curves that go with one of our panels; `over` it, or else in a panel of their own."""

    title: str
    curves: Sequence[Curve]
    over: bool

    @property
    def named(self) -> str:
        """The title of a panel of its own."""
        statuses = " and ".join(dict.fromkeys(curve.status for curve in self.curves))
        return f"published: {self.title} ({statuses})"


def gather(view: View, found: Iterable[Panel]) -> dict[str, Beside]:
    """{experiment: its published curves} of the panels, by the option `published`; {} without it.

    Raises Fault where there are none, and where a panel holds less or more than an experiment.
    """
    wanted = view.option("published", None)
    if not wanted:
        return {}
    if view.option("panels", "experiment") != "experiment":
        raise Fault(f"{view.where}: option published needs panels: experiment")
    every = published.curves(published.of_paper(view.project, view.paper_key))
    result = {}
    for panel in found:
        source = _source(wanted, panel.experiment)
        if source is not None:
            result[panel.experiment] = _beside(view, panel, source, every)
    return result


def _source(wanted: Any, experiment: str) -> str | None:
    """Whose curves stand beside an experiment's: its own, another's, or none."""
    if isinstance(wanted, Mapping):
        return wanted.get(experiment)
    return experiment if wanted is True else str(wanted)


def _beside(
    view: View, panel: Panel, experiment: str, every: Mapping[published.Curve, Sequence[published.Point]]
) -> Beside:
    entry = view.entry
    own = {
        arm: points
        for (where, arm, split, metric), points in every.items()
        if (where, split, metric) == (experiment, entry.split, entry.metric)
        and (not entry.models or arm in entry.models)
    }
    if not own:
        known = {where for where, _, split, metric in every if (split, metric) == (entry.split, entry.metric)}
        raise Fault(
            f"{view.where}: no published curve of {entry.metric} on {entry.split} is of {experiment}"
            f"{nearest(experiment, known)}"
        )
    at_paper = view.project.experiment(view.paper_key, experiment, "paper")
    order = dict.fromkeys([*entry.models, *(at_paper.models if at_paper else ()), *own])
    curves = _curves(view, panel, experiment, {arm: own[arm] for arm in order if arm in own})
    agree = panel.experiment == experiment and _as_in_the_paper(view, experiment, own)
    agree = agree and all(curve.x_kind == entry.x for curve in curves)
    return Beside(at_paper.title if at_paper else experiment, curves, agree)


def _as_in_the_paper(view: View, experiment: str, arms: Iterable[str]) -> bool:
    """Whether task, training and the arms that run here are those of the paper's scale, seeds apart."""
    here, there = (view.project.experiment(view.paper_key, experiment, s) for s in (view.scale, "paper"))
    if here is None or there is None:
        return False
    both = [arm for arm in arms if arm in here.models and arm in there.models]
    return (here.task, here.training) == (there.task, there.training) and all(
        here.models[arm] == there.models[arm] for arm in both
    )


def _label(view: View, experiment: str, arm: str) -> str:
    """An arm's name as the experiment has it at the paper's scale, or else as any other of the paper has it."""
    names = [experiment, *view.paper.experiments]
    settings = [e for name in names if (e := view.project.experiment(view.paper_key, name, "paper"))]
    return next((e.models[arm].label for e in settings if arm in e.models and e.models[arm].label), arm)


def _curves(
    view: View, panel: Panel, experiment: str, own: Mapping[str, Sequence[published.Point]]
) -> list[Curve]:
    """The curves of arms, in the colours of ours; those of one colour have marks of their own."""
    ours = {line.records.provenance["arm"]: line.colour for line in panel.lines}
    found: list[Curve] = []
    for arm, points in own.items():
        shade = ours.get(arm) or style.colour(arm.partition(".")[0])
        mark = _MARKERS[sum(curve.colour == shade for curve in found) % len(_MARKERS)]
        x, value = (np.array([getattr(point, word) for point in points]) for word in ("x", "value"))
        std = np.array([np.nan if point.std is None else point.std for point in points])
        said = points[-1]
        label = _label(view, experiment, arm)
        found.append(
            Curve(arm, label, shade, mark, x, said.x_kind, value, std, said.seeds, said.status, said.source)
        )
    return found


def plot(ax: Axes, curves: Iterable[Curve]) -> None:
    """The curves: dashes and rings, for they are known at these places alone; bands of one standard deviation."""
    for curve in curves:
        low, high = curve.value - curve.std, curve.value + curve.std
        ax.fill_between(curve.x, low, high, color=curve.colour, alpha=0.1, linewidth=0, zorder=2)
        ax.plot(
            curve.x,
            curve.value,
            color=curve.colour,
            linestyle=DASH,
            linewidth=1.0,
            zorder=3.5,
            **{**RINGS, "marker": curve.marker},
        )


def over(view: View, ax: Axes, curves: Sequence[Curve]) -> None:
    """The curves in a panel of ours, whose limits widen for them unless the exhibit gives its own."""
    plot(ax, curves)
    ax.set_xlim(right=max(ax.get_xlim()[1], *(curve.x[-1] for curve in curves)))
    if view.option("ylim", None):
        return
    low, high = ax.get_ylim()
    late = np.concatenate([curve.value[len(curve.value) // 4 :] for curve in curves])
    positive = late.min() > 0 <= low
    ax.set_ylim(min(low, (0.9 if positive else 1.0) * late.min()), max(high, 1.05 * late.max()))


def alone(view: View, ax: Axes, beside: Beside) -> None:
    """A panel of published curves, on axes of its own."""
    plot(ax, beside.curves)
    ax.set_xlabel(" or ".join(dict.fromkeys(_UNITS[curve.x_kind] for curve in beside.curves)))
    if view.option("log_x", False):
        ax.set_xscale("log")
        layout.log_axis(ax.xaxis)
    else:
        ax.set_xlim(left=0)
    if view.entry.log:
        ax.set_yscale("log")
        layout.log_axis(ax.yaxis)


def labels(curves: Iterable[Curve]) -> list[layout.Label]:
    """Names at the right ends of curves on axes of their own."""
    return [layout.Label(c.label, c.x[-1], c.value[-1], c.colour) for c in curves]


def entries(found: Mapping[str, Beside], ours: Iterable[str]) -> list[tuple[Any, ...]]:
    """What a shared legend says of them: the models that ours are not among, and what dashes and rings mean."""
    known = set(ours)
    every = {curve.label: curve for beside in found.values() for curve in beside.curves}
    own = [
        (f"{label}, published", c.colour, DASH, {**RINGS, "marker": c.marker})
        for label, c in every.items()
        if label not in known
    ]
    return [*own, ("published", style.GREY, DASH, RINGS)] if every else []


def columns(beside: Beside | None, arm: str) -> dict[str, Any]:
    """The end of an arm's published curve, for a row of numbers."""
    curve = next((c for c in beside.curves if c.arm == arm), None) if beside else None
    if curve is None:
        return dict.fromkeys(HEADINGS)
    return {
        "published": curve.value[-1],
        "published_sd": None if np.isnan(curve.std[-1]) else curve.std[-1],
        "published_status": curve.status,
    }


def rows(beside: Beside | None, title: str, ours: Iterable[str]) -> list[dict[str, Any]]:
    """A row of numbers for each published curve of an arm that is not among ours."""
    known = set(ours)
    return [
        {"panel": title, "arm": c.arm, "model": c.label, "reported": None, **columns(beside, c.arm)}
        for c in (beside.curves if beside else ())
        if c.arm not in known
    ]


HEADINGS = {
    "published": "end of the published curve",
    "published_sd": "its sd",
    "published_status": "its status",
}


def notes(view: View, found: Mapping[str, Beside]) -> list[str]:
    """Whose the dashed curves are, where they end and were read, and whether ours can be compared with them."""
    curves = [curve for beside in found.values() for curve in beside.curves]
    if not curves:
        return []
    counts = sorted({curve.seeds for curve in curves})
    seeds = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seeds"
    over = "of one seed" if counts == [1] else f"mean over {seeds}"
    ends = " or ".join(dict.fromkeys(f"{c.x_kind} {c.x[-1]:,.0f}".replace(",", "\u202f") for c in curves))
    sources = _sources(list(dict.fromkeys(curve.source for curve in curves)))
    said = [
        f"Dashed, with rings: the authors' published curves, {over}, bands ± one standard deviation where it is known; "
        f"they end at {ends} (source: {sources})."
    ]
    if all(beside.over for beside in found.values()):
        return said
    why = (
        "The published curves are of another experiment or do not count what our axis counts, so they have panels of "
        "their own."
        if view.scale == "paper"
        else "At this scale task, size or budget are not the paper's: the published curves have panels and axes of "
        "their own, and only the order of the models can be compared."
    )
    return [*said, why]


def _sources(every: Sequence[str]) -> str:
    """Where the curves were read; of many files the folder that they share."""
    folders = {source.rpartition("/")[0] for source in every}
    return (
        f"{folders.pop()}, {len(every)} files" if len(every) > 2 and len(folders) == 1 else "; ".join(every)
    )
