"""What is checked of an arm's network, training and grid, and of names, beyond the types of the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnrepro import tables, widths
from rnnrepro.config import VALIDATION, Arm, Experiment, Paper, Phase, Training
from rnnrepro.errors import Fault, nearest
from rnnrepro.sense import mistyped
from rnnrepro.tasks.sizes import shape
from rnnrepro.typed import Reader

MOST_RUNS = 100_000
"""Of one arm: a number of seeds that a slip of the finger made would fill the memory."""


def check_network(reader: Reader, row: tables.Model, arm: Arm, place: str) -> None:
    """Faults of the parts that every model has in one form, by themselves and together."""
    before = len(reader.faults)
    model: dict[str, Any] = {"hidden": arm.hidden}
    for part, defaults in tables.PLAIN_PARTS.items():
        given = getattr(arm, part)
        for word, value in given.items():
            if word not in defaults:
                reader.fault(f"{place}.{part}.{word}", f"no such argument{nearest(str(word), defaults)}")
            elif fault := mistyped(defaults[word], value):
                reader.fault(f"{place}.{part}.{word}", fault)
        model[part] = {**defaults, **row.defaults.get(part, {}), **given}
    _check_rule(reader, model["rule"], place)
    model["update_kind"] = arm.update.get("kind", row.update)
    if len(reader.faults) > before or model["update_kind"] not in tables.UPDATES:
        return
    try:
        widths.check(model)
    except Fault as fault:
        reader.fault(place, str(fault))


def _check_rule(reader: Reader, rule: Mapping[str, Any], place: str) -> None:
    for name, known in (("kind", tables.NETWORK_RULES), ("trains", tables.TRAINED)):
        if rule[name] not in known:
            reader.fault(f"{place}.rule.{name}", f"unknown: {rule[name]!r}{nearest(str(rule[name]), known)}")
    if not isinstance(rule["fed_back"], bool):
        reader.fault(f"{place}.rule.fed_back", f"expected true or false, found {rule['fed_back']!r}")


def check_training(reader: Reader, experiment: Experiment, arm: Arm, place: str) -> None:
    """Faults of how an arm is trained: its own settings, and what its schedule and averaging need."""
    place = f"{place}.training"
    training = reader.read(Training, {**vars(experiment.training), **arm.training}, place)
    if training is None:
        return
    reads = tables.SCHEDULES[training.schedule].arguments
    for name, default in _arguments_of_schedules().items():
        given = getattr(training, name) != default
        if given and name not in reads:
            reader.fault(f"{place}.{name}", f"the schedule {training.schedule!r} does not read it")
    if "milestones" in reads and not training.milestones:
        reader.fault(
            f"{place}.milestones", f"the schedule {training.schedule!r} needs epochs at which to fall"
        )
    if training.averaging != "none" and not set(VALIDATION) & set(training.splits):
        reader.fault(f"{place}.averaging", "it follows the validation loss; add `validation` to `splits`")
    if experiment.phases and (training.averaging != "none" or training.stop_below is not None):
        reader.fault(place, "before later phases every run makes all its steps: no averaging, no stop_below")
    if training.stop_below is not None and not training.splits:
        reader.fault(f"{place}.stop_below", "it is the loss of an evaluated split; name one in `splits`")


def check_phases(reader: Reader, experiment: Experiment, place: str) -> None:
    """Faults of what follows an experiment's own training: its task's sizes, and its rule."""
    for i, phase in enumerate(experiment.phases):
        where = f"{place}.phases[{i}]"
        _check_later_rule(reader, phase, where)
        _check_sizes(reader, experiment, phase, where)


def _check_later_rule(reader: Reader, phase: Phase, where: str) -> None:
    given = dict(phase.rule)
    kind = given.pop("kind", None)
    known = [name for name in tables.RULES if name not in tables.NETWORK_RULES]
    if not phase.rule:
        return
    if kind not in known:
        words = "the network's own rule goes on where `rule` is left out"
        reader.fault(f"{where}.rule.kind", f"unknown: {kind!r}{nearest(str(kind), known)}; {words}")
        return
    for word in given:
        if word not in (arguments := tables.RULES[kind].arguments):
            reader.fault(f"{where}.rule.{word}", f"no such argument{nearest(word, arguments)}")


def _check_sizes(reader: Reader, experiment: Experiment, phase: Phase, where: str) -> None:
    try:
        before, after = (
            shape({"kind": "", **task}, experiment.training.batch) for task in (experiment.task, phase.task)
        )
    except (Fault, TypeError, KeyError):
        return  # the tasks have faults of their own, which are said
    if (before.inputs, before.outputs) != (after.inputs, after.outputs):
        reader.fault(
            f"{where}.task",
            f"it has {after.inputs} inputs and {after.outputs} outputs, the networks are made for {before.inputs} and "
            f"{before.outputs}",
        )


def _arguments_of_schedules() -> Mapping[str, Any]:
    return {name: value for row in tables.SCHEDULES.values() for name, value in row.arguments.items()}


def check_grid(reader: Reader, row: tables.Model, arm: Arm, place: str) -> None:
    """Faults of an arm's grid: unknown keys, values that are not numbers or read alike, slices outside the grid."""
    known = ["rate", *(f"rate.{group}" for group in arm.groups)]
    for part in tables.PARTS:
        kind = str(getattr(arm, part).get("kind", getattr(row, part)))
        known += [f"{part}.{name}" for name in getattr(tables.KINDS[part].get(kind), "per_run", ())]
    for key, values in arm.grid.items():
        where = f"{place}.grid.{key}"
        numbers = isinstance(values, list) and values and all(type(v) in (int, float) for v in values)
        if key not in known:
            reader.fault(where, f"not a setting that runs of a stack may differ in{nearest(key, known)}")
        elif not numbers:
            reader.fault(where, f"expected a list of numbers, found {values!r}")
        elif len({f"{value:g}" for value in values}) < len(values):
            reader.fault(where, "two values read alike to six digits; runs are told apart by them")
    for key in arm.slices:
        if key not in arm.grid:
            reader.fault(f"{place}.slices", f"{key!r} is not a key of the grid{nearest(key, arm.grid)}")


def check_count(reader: Reader, seeds: int, arm: Arm) -> None:
    """A fault where an arm has more runs than a plan can hold."""
    count = seeds * math.prod(len(values) for values in arm.grid.values())
    if count > MOST_RUNS:
        reader.fault("seeds and grid", f"expected at most {MOST_RUNS:,} runs of an arm, found {count:,}")


def dangling(key: str, paper: Paper) -> list[str]:
    """What entries of a paper name that it has not: experiments, and claims and exhibits of deviations."""
    named = [(f"exhibits.{name}", "experiment", entry.experiments) for name, entry in paper.exhibits.items()]
    named += [
        (f"claims.{name}", "experiment", [e for e in (entry.experiment, entry.since) if e])
        for name, entry in paper.claims.items()
    ]
    for number, deviation in enumerate(paper.deviations, 1):
        named += [(f"deviations, {number}", "claim", deviation.bears_on)]
        named += [(f"deviations, {number}", "exhibit", deviation.shown_in)]
    known = {"experiment": paper.experiments, "claim": paper.claims, "exhibit": paper.exhibits}
    return [
        f"{key}: {where}: unknown {kind} {name!r}{nearest(name, known[kind])}"
        for where, kind, names in named
        for name in names
        if name not in known[kind]
    ]
