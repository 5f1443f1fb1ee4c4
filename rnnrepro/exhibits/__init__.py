"""Tables and figures from records. This module needs neither pandas nor matplotlib, so that planning stays instant.

An exhibit's `kind` names a notebook template (workflow/notebooks/<kind>.ipynb) and the function that draws it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnnrepro import plan
from rnnrepro.errors import Fault, nearest

if TYPE_CHECKING:
    from rnnrepro.config import Exhibit
    from rnnrepro.project import Project


@dataclass(frozen=True)
class Kind:
    """`path` is `module:function` of view; `options` what the exhibit's `options` may say, with its meaning."""

    path: str
    figure: bool = True
    options: Mapping[str, str] = field(default_factory=dict)


_LINES = {
    "middle": "median or mean: the line",
    "band": "range, quartiles, sd or sem: the band over seeds",
    "panels": "experiment, point or arm: what a panel holds; of an arm a line is an experiment, light to dark",
    "points": "grid points shown, or best: the one with the lowest mean of the statistic; default all",
    "ylim": "[low, high] of the vertical axis",
    "titles": "{experiment: short title of its panel}",
    "log_x": "logarithmic horizontal axis",
    "share": "one vertical range for all panels; of grid points they have it",
    "colours": "model, or rule: what has a colour of its own; arms of one differ by line style",
}
_SUCCESS = "{metric, split, statistic, threshold}: when a run counts; threshold: half_chance or a number"
_SEQUENTIAL = {
    "size": "N",
    "normal": "gain λ of identity and orthogonal",
    "chain": "gain α of the chain, and of the feed-forward weights of the chain with feedback",
    "feedback": "gain β of the chain with feedback",
    "seed": "of random directions and data",
}
_THEORY = {
    "size": "N",
    "alpha": "strengths of the chain",
    "beta": "entries below the chain",
    "d": "diagonals",
    "steps": "time steps",
}
_TITLES = {"titles": _LINES["titles"]}
_LEARNED = {
    "band": "quartiles, range, sd or sem: the band over seeds",
    "colours": _LINES["colours"],
}
_STORED = {**_TITLES, "colours": _LINES["colours"], "points": _LINES["points"]}

KINDS: dict[str, Kind] = {
    "table": Kind(
        "rnnrepro.exhibits.tables:of_view",
        figure=False,
        options={
            "points": "all, a row each, or best: the one with the best mean of the statistic",
            "only": "successes: the successful runs of all grid points together",
            "success": _SUCCESS,
        },
    ),
    "curves": Kind(
        "rnnrepro.exhibits.figures.curves:draw",
        options={
            **_LINES,
            "published": "true, an experiment, or {experiment: experiment}: whose published curves stand beside ours",
        },
    ),
    "heatmap": Kind(
        "rnnrepro.exhibits.figures.heatmap:draw",
        options={
            **_TITLES,
            "rows": "key of the grid, or arm, down the panels: drive.mu",
            "columns": "key of the grid, or arm, along them: drive.epsilon",
            "at": "{key: value} of keys of the grid that are not shown",
            "threshold": "half_chance or a number: beyond it a run fails, and squares say how many do",
        },
    ),
    "gradient_image": Kind(
        "rnnrepro.exhibits.figures.gradient_image:draw",
        options={
            **_TITLES,
            "colours": _LINES["colours"],
            "steps": "steps at which the norms are drawn as lines, too; default first, middle and last",
            "clip": "largest norm of the colour scale",
            "floor": "smallest norm of a logarithmic one",
        },
    ),
    "residual": Kind("rnnrepro.exhibits.figures.residual:draw", options=_LINES),
    "gradients": Kind("rnnrepro.exhibits.figures.gradients:draw", options=_TITLES),
    "forgetting": Kind("rnnrepro.exhibits.figures.forgetting:draw", options=_TITLES),
    "spectrum": Kind("rnnrepro.exhibits.figures.spectrum:draw", options=_TITLES),
    "schur": Kind(
        "rnnrepro.exhibits.figures.schur:draw",
        options={
            **_TITLES,
            "clip": "largest entry of the colour scale",
            "bins": "bars of the histogram of angles",
        },
    ),
    "transients": Kind(
        "rnnrepro.exhibits.figures.transients:draw",
        options={**_THEORY, "starts": "random initial states", "seed": "of the initial states"},
    ),
    "fisher": Kind(
        "rnnrepro.exhibits.figures.fisher:draw",
        options={**_THEORY, "show": "curves, or table: totals beside the reported ones"},
    ),
    "memory": Kind(
        "rnnrepro.exhibits.figures.memory:draw",
        options={
            **_SEQUENTIAL,
            "steps": "time steps",
            "show": "curves, signal, both, or table: totals beside closed forms and reported values",
        },
    ),
    "decoding": Kind(
        "rnnrepro.exhibits.figures.decoding:draw",
        options={
            **_SEQUENTIAL,
            "seeds": "number of repetitions",
            "steps": "inputs of a sequence",
            "noise": "standard deviation of the noise of each unit and step",
            "train": "sequences that the decoder is fitted to",
            "test": "sequences that it is judged on",
        },
    ),
    "profile": Kind(
        "rnnrepro.exhibits.figures.profile:draw",
        options={
            **_TITLES,
            "only": "successes: of the runs at the end of training these alone",
            "success": _SUCCESS,
            "lags": "largest order difference shown",
        },
    ),
    "successes": Kind(
        "rnnrepro.exhibits.figures.successes:draw",
        options={**_TITLES, "threshold": "half_chance or a number"},
    ),
    "parameters": Kind("rnnrepro.exhibits.figures.parameters:draw", options=_TITLES),
    "descent": Kind("rnnrepro.exhibits.figures.descent:draw", options=_TITLES),
    "modrelu_derivative": Kind(
        "rnnrepro.exhibits.figures.modrelu_derivative:draw",
        options={"biases": "values of b", "epsilons": "values of ε", "largest": "largest |z|"},
    ),
    "modrelu_gain": Kind("rnnrepro.exhibits.figures.modrelu_gain:draw", options=_TITLES),
    "by_setting": Kind(
        "rnnrepro.exhibits.figures.by_setting:draw",
        options={
            **_LEARNED,
            "middle": _LINES["middle"],
            "setting": "place among a run's settings of what stands below: task.length, model.matrix.gain …",
            "setting_title": "what it is called",
            "log_x": _LINES["log_x"],
            "untrained": "draw half the squared error before training, of runs with the analysis `outputs`",
        },
    ),
    "traces": Kind(
        "rnnrepro.exhibits.figures.traces:draw",
        options={**_STORED, "trial": "which trial of the test, from 0"},
    ),
    "paths": Kind("rnnrepro.exhibits.figures.paths:draw", options=_STORED),
    "peaks": Kind("rnnrepro.exhibits.figures.peaks:draw", options=_STORED),
    "singular_values": Kind(
        "rnnrepro.exhibits.figures.singular_values:draw", options={**_STORED, **_LEARNED}
    ),
    "relation": Kind(
        "rnnrepro.exhibits.figures.relation:draw",
        options={**_TITLES, "colours": _LINES["colours"], "against": "the metric on the horizontal axis"},
    ),
}


def kind_of(name: str) -> Kind:
    """The row of KINDS. Raises Fault with the nearest known kind."""
    if name not in KINDS:
        raise Fault(f"unknown kind of exhibit {name!r}{nearest(name, KINDS)}")
    return KINDS[name]


def unmade(project: Project, scale: str, paper: str, name: str) -> str:
    """Why an exhibit is not made although it is drawn at the scale; "" where it is.

    A figure all of whose experiments lack licensed data has nothing to show. A table still has the reported values.
    """
    entry = project.paper(paper).exhibits[name]
    there = [e for n in entry.experiments if (e := project.experiment(paper, n, scale)) is not None]
    reasons = [plan.lacking(project, experiment) for experiment in there]
    return reasons[0] if reasons and all(reasons) and kind_of(entry.kind).figure else ""


def made(project: Project, scale: str, paper: str) -> dict[str, Exhibit]:
    """The exhibits of a paper that are made at a scale, by name."""
    drawn = {n: e for n, e in project.paper(paper).exhibits.items() if scale in e.scales}
    return {n: e for n, e in drawn.items() if not unmade(project, scale, paper, n)}


def outputs(kind: str) -> tuple[str, ...]:
    """The endings of the files that an exhibit of this kind writes."""
    written = ("ipynb", "html", "csv", "md", "tex")
    return (*written, "png", "pdf") if kind_of(kind).figure else written


def draw(view: Any) -> Any:
    """The exhibit's figure or table. Raises Fault for an option that its kind has not."""
    kind = kind_of(view.entry.kind)
    for word in view.entry.options:
        if word not in kind.options:
            raise Fault(
                f"{view.where}: kind {view.entry.kind} has no option {word!r}{nearest(word, kind.options)}"
            )
    module, function = kind.path.split(":")
    return getattr(importlib.import_module(module), function)(view)
