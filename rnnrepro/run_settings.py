"""From an arm of an experiment to the settings of its runs: every default written out, each point of a grid put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rnnrepro import tables
from rnnrepro.config import Arm, Experiment, Phase
from rnnrepro.datasets import provenance as data
from rnnrepro.project import model_row, of_group
from rnnrepro.tasks.shapes import Shape
from rnnrepro.typed import Reader

Point = tuple[tuple[str, float], ...]
"""A point of a grid: (key, value) pairs in the order of the grid's keys."""


def resolved(
    experiment: Experiment, name: str, arm: Arm, reader: Reader, corpora: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that bears on the numbers of an arm's runs, with every default written out, but the seed."""
    (kind, task), *_ = every = tasks(experiment)
    row = tables.row("model", model_row(name, arm))
    model: dict[str, Any] = {"hidden": arm.hidden}
    for part, (chosen, arguments) in tables.parts(row, vars(arm)).items():
        model |= {f"{part}_kind": chosen, part: arguments}
    for part, defaults in tables.PLAIN_PARTS.items():
        model[part] = {**defaults, **row.defaults.get(part, {}), **getattr(arm, part)}
    training = {**vars(experiment.training), **arm.training}
    if "steps" in arm.training:
        training["epochs"] = None
    return {
        "task": {"kind": kind, **tables.row("task", kind).arguments, **task},
        "data": {name: data.digest(name, corpora) for one in every for name in data.required(*one)},
        "model": model,
        "optimiser": {group: _optimiser(arm, group) for group in ("main", *arm.groups)},
        "training": training,
        "analyses": {name: tables.ANALYSES[name].at for name in experiment.analyses},
        **({"phases": [_phase(phase) for phase in experiment.phases]} if experiment.phases else {}),
    }


def tasks(experiment: Experiment) -> list[tuple[str, dict[str, Any]]]:
    """The kind and the settings of every task, that of the experiment's own training first."""
    every = (experiment.task, *(phase.task for phase in experiment.phases))
    return [(task["kind"], {name: value for name, value in task.items() if name != "kind"}) for task in every]


def _phase(phase: Phase) -> dict[str, Any]:
    """What bears on the numbers of a later phase, with every default."""
    kind, rule = phase.task["kind"], phase.rule
    return {
        "task": {**tables.row("task", kind).arguments, **phase.task},
        "rule": {**tables.row("rule", rule["kind"]).arguments, **rule} if rule else {},
        **{name: getattr(phase, name) for name in ("steps", "evaluate_every", "record_every", "splits")},
    }


def _optimiser(arm: Arm, group: str) -> dict[str, Any]:
    own = arm.groups.get(group, {}) if group != "main" else {}
    settings = of_group(arm.optimiser, own)
    ratio = settings.pop("ratio", None)
    if group != "main" and "rate" not in own and ratio is None:
        ratio = 1.0  # it follows the main rate, also along a grid
    if ratio is not None:
        settings["rate"] = arm.optimiser["rate"] * ratio
    return {**tables.row("optimiser", settings["kind"]).arguments, **settings, "ratio": ratio}


def steps(training: dict[str, Any], found: Shape, reader: Reader) -> int:
    """Optimiser steps, from `steps` or `epochs`, which is taken out; `reader` hears of a fault."""
    epochs, given = training.pop("epochs"), training["steps"]
    if (epochs is None) == (given is None):
        reader.fault("training", "give `steps` or `epochs`, one of the two")
        return 1
    if training["milestones"] and found.steps_per_epoch is None:
        reader.fault("training.milestones", "this task draws fresh data and has no epochs; leave them out")
    if epochs is None:
        return given
    if found.steps_per_epoch is None:
        reader.fault("training.epochs", "this task draws fresh data and has no epochs; give `steps`")
        return 1
    return found.steps(epochs)


def at_point(common: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """The settings at a point of the grid, a copy of their own; all but the seed."""
    settings = json.loads(json.dumps(common))
    for key, value in point:
        word, _, name = key.partition(".")
        if word == "rate":
            _set_rate(settings["optimiser"], name, value)
        else:
            settings["model"][word][name] = value
    for group in settings["optimiser"].values():
        group.pop("ratio")
    return settings


def _set_rate(groups: dict[str, dict[str, Any]], group: str, value: float) -> None:
    groups[group or "main"]["rate"] = value
    if not group:
        for other in groups.values():
            if other["ratio"] is not None:
                other["rate"] = value * other["ratio"]
