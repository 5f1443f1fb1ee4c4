"""A project: the user's settings and what is known of each paper, read, merged by scale and checked.

An experiment is written once with the paper's own protocol; a scale changes budgets and sizes by a partial
mapping merged over it. Everything that is wrong is said at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnrepro import compared, names, safe_yaml, tables
from rnnrepro.checks import check_grid, check_network, check_phases, check_training, dangling
from rnnrepro.config import SCALES, Arm, Experiment, Paper, UserSettings
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.errors import Fault, nearest
from rnnrepro.sense import check_layers, made_of, mistyped
from rnnrepro.typed import Reader

_WRITING = ("extends", "scales", "defaults", "only", "without")


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping. Raises Fault where it is none, with the place of a syntax error."""
    value = safe_yaml.read(path)
    if not isinstance(value, dict):
        raise Fault(f"{path}: expected a mapping at the top level")
    return value


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid deeply over `base`; a mapping whose `kind` changes is replaced whole."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        if both and value.get("kind", old.get("kind")) == old.get("kind"):
            result[key] = merged(old, value)
        else:
            result[key] = deepcopy(value)
    return result


@dataclass(frozen=True)
class Project:
    """The user's settings, the papers by key, and the folder that they were read from."""

    user: UserSettings
    papers: dict[str, Paper]
    folder: Path

    @cached_property
    def _resolved(self) -> dict[tuple[str, str, str], Experiment | None]:
        return {}

    def experiment(self, paper: str, name: str, scale: str) -> Experiment | None:
        """The experiment as it is run at `scale`, or None where it has no such scale. Raises Fault."""
        key = (paper, name, scale)
        if key not in self._resolved:
            reader = Reader(f"{self.folder}/papers/{paper}.yaml")
            with made_of(f"{reader.source}: experiments.{name} at scale {scale}"):
                self._resolved[key] = self._resolve(reader, paper, name, scale)
            reader.finish()
        return self._resolved[key]

    def _resolve(self, reader: Reader, paper: str, name: str, scale: str) -> Experiment | None:
        experiments = self.paper(paper).experiments
        if name not in experiments:
            raise Fault(f"unknown experiment {paper}/{name}{nearest(name, experiments)}")
        for one in experiments:
            check_layers(experiments[one], f"{reader.source}: experiments.{one}")
        raw = _extended(experiments, name)
        if scale not in (raw.get("scales") or {}):
            return None
        where = f"experiments.{name} at scale {scale}"
        beside = self.user.compare.get(f"{paper}/{name}", {})
        reader.faults += compared.taken(f"{paper}/{name}", beside, raw)
        plain = scaled(raw, raw["scales"][scale] or {}, beside, reader, where)
        for arm in plain["models"]:
            own = arm not in beside
            reader.said[f"{where}.models.{arm}"] = "" if own else compared.place(f"{paper}/{name}", arm)
        _drop_unknown(reader, plain["models"], where)
        experiment = reader.read(Experiment, plain, where)
        if experiment is not None:
            _check_experiment(reader, experiment, where)
        return experiment

    def paper(self, key: str) -> Paper:
        """The paper `key`. Raises Fault with the nearest known key."""
        if key not in self.papers:
            raise Fault(f"unknown paper {key!r}{nearest(key, self.papers)}")
        return self.papers[key]

    @property
    def chosen(self) -> list[str]:
        """The keys of the papers that the user asked for."""
        return list(dict.fromkeys(self.user.papers or self.papers))

    def check(self) -> None:
        """Resolve every experiment at every scale and every reference to one; raises one Fault with every fault."""
        faults: list[str] = []
        for key, paper in self.papers.items():
            for name in paper.experiments:
                for scale in SCALES:
                    try:
                        self.experiment(key, name, scale)
                    except Fault as fault:
                        faults += [line for line in str(fault).splitlines() if line not in faults]
            faults += dangling(key, paper)
        known = [f"{key}/{name}" for key, paper in self.papers.items() for name in paper.experiments]
        faults += compared.unknown(self.user.compare, known)
        if faults:
            raise Fault("\n".join(faults))


def _extended(experiments: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    raw = experiments[name]
    parent = raw.get("extends")
    if parent is None:
        return dict(raw)
    if parent not in experiments or parent in seen:
        raise Fault(
            f"experiment {name} extends {parent!r}, which is {'itself' if parent in seen else 'unknown'}"
        )
    inherited = {k: v for k, v in _extended(experiments, parent, (*seen, name)).items() if k != "scales"}
    return merged(inherited, {k: v for k, v in raw.items() if k != "extends"})


def scaled(
    raw: Mapping[str, Any], block: Mapping[str, Any], beside: Mapping[str, Any], reader: Reader, where: str
) -> dict[str, Any]:
    """The experiment `raw` with the scale's `block` merged over it and each arm's defaults filled in.

    `beside` are the user's own models, with the same defaults.
    """
    plain = merged(
        {k: v for k, v in raw.items() if k not in _WRITING},
        {k: v for k, v in block.items() if k not in _WRITING and k != "models"},
    )
    layers = [raw.get("defaults") or {}, block.get("defaults") or {}]
    changes = block.get("models") or {}
    arms = {}
    for name in [
        *(raw.get("models") or {}),
        *(n for n in changes if n not in raw.get("models", {})),
        *beside,
    ]:
        arm = merged(layers[0], (raw.get("models") or {}).get(name) or {})
        arm = merged(merged(arm, layers[1]), changes.get(name) or {})
        arms[name] = merged(arm, beside.get(name) or {})
    for word in ("only", "without"):
        for name in block.get(word) or []:
            if name not in arms:
                reader.fault(f"{where}.{word}", f"unknown arm {name!r}{nearest(name, arms)}")
    only, without = block.get("only") or list(arms), block.get("without") or []
    plain["models"] = {n: a for n, a in arms.items() if (n in only and n not in without) or n in beside}
    return plain


def arguments_of(
    kind: str, name: str, given: Mapping[str, Any], reader: Reader, where: str
) -> dict[str, Any]:
    """The row's arguments with `given` laid over the defaults; unknown names and rows become faults."""
    try:
        row = tables.row(kind, name)
    except Fault as fault:
        reader.fault(where, str(fault))
        return {}
    for word, value in given.items():
        if word not in row.arguments:
            reader.fault(
                f"{where}.{word}", f"{kind} {name!r} has no such argument{nearest(str(word), row.arguments)}"
            )
        elif fault := mistyped(row.arguments[word], value):
            reader.fault(f"{where}.{word}", fault)
    return {**row.arguments, **given}


def model_row(name: str, arm: Arm) -> str:
    """The row of the model table that an arm stands for."""
    return arm.model or name.split(".")[0]


def _drop_unknown(reader: Reader, models: dict[str, Any], where: str) -> None:
    """Note each arm of no known model, and drop it: all else that it lacks would hide that."""
    for name, arm in list(models.items()):
        model = arm.get("model")
        try:
            fault = names.of_arm(name)
            if not fault and isinstance(model, (str, type(None))):
                tables.row("model", model or name.split(".")[0])
        except Fault as unknown:
            fault = str(unknown)
        if fault:
            reader.fault(f"{where}.models.{name}", fault)
            del models[name]


def _check_experiment(reader: Reader, experiment: Experiment, where: str) -> None:
    tasks = {f"{where}.task": experiment.task}
    tasks |= {f"{where}.phases[{i}].task": phase.task for i, phase in enumerate(experiment.phases)}
    for place, task in tasks.items():
        rest = {name: value for name, value in task.items() if name != "kind"}
        arguments_of("task", str(task.get("kind")), rest, reader, place)
    check_phases(reader, experiment, where)
    for name, arm in experiment.models.items():
        place = f"{where}.models.{name}"
        row = tables.row("model", model_row(name, arm))
        for part in tables.PARTS:
            given = dict(getattr(arm, part))
            kind = str(given.pop("kind", getattr(row, part)))
            arguments_of(part, kind, given, reader, f"{place}.{part}")
        _check_optimiser(reader, arm, place)
        check_network(reader, row, arm, place)
        check_training(reader, experiment, arm, place)
        check_grid(reader, row, arm, place)


def of_group(main: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A group's optimiser settings: its own laid over those of `main`, of which another kind keeps only the rate."""
    if own.get("kind", main.get("kind")) != main.get("kind"):
        main = {k: v for k, v in main.items() if k == "rate"}
    return merged(main, own)


def _check_optimiser(reader: Reader, arm: Arm, place: str) -> None:
    for group, settings in {"main": arm.optimiser, **arm.groups}.items():
        rest = of_group(arm.optimiser, settings)
        kind, rate = str(rest.pop("kind", None)), rest.pop("rate", None)
        rest.pop("ratio", None)
        if not isinstance(rate, (int, float)) or isinstance(rate, bool):
            reader.fault(f"{place}.{group}.rate", f"expected a number, found {rate!r}")
        arguments_of("optimiser", kind, rest, reader, f"{place}.{group}")


def load(
    config: str | Path = "config", overrides: Mapping[str, Any] | None = None, by: str = "--set"
) -> Project:
    """Read `config`/config.yaml, lay `overrides` over it and read every paper's file.

    Raises Fault naming every unknown key, wrong type and unknown name found; `by` is the option that the overrides
    came with, for the messages.
    """
    folder = Path(config)
    given = read_yaml(folder / "config.yaml") if (folder / "config.yaml").exists() else {}
    reader = Reader(f"{folder}/config.yaml")
    changes = overrides or {}
    reader.said = {key: f"{by} {key}" for key in changes if key not in given or given[key] != changes[key]}
    user = reader.read(UserSettings, {**given, **changes})
    papers = {}
    for path in sorted((folder / "papers").glob("*.yaml")):
        paper_reader = Reader(str(path))
        papers[path.stem] = paper = paper_reader.read(Paper, read_yaml(path))
        for fault in names.of_paper(path.stem, paper) if paper else ():
            paper_reader.fault("", fault)
        reader.faults += paper_reader.faults
    if user is not None:
        for key in user.papers:
            if key not in papers:
                reader.fault("papers", f"unknown paper {key!r}{nearest(key, papers)}")
    if user is not None:
        known = [name for name, entry in DATASETS.items() if entry.supplied_by_user]
        for name in user.corpora:
            if name not in known:
                reader.fault("corpora", f"unknown data set {name!r}{nearest(name, known)}")
    if not papers:
        reader.fault(
            "", f"no paper in {folder / 'papers'}: run from the project's folder, or name it with --config"
        )
    reader.finish()
    _load_plugins(user)
    return Project(user=user, papers=papers, folder=folder)


def _load_plugins(user: UserSettings) -> None:
    if user.plugins:
        from rnnrepro.models import plugins  # a plugin may import torch: only users of plugins pay for it

        for path in user.plugins:
            plugins.load(Path(path))


def mirror_of(user: UserSettings) -> Path | None:
    """The mirror folder: the environment variable RNNREPRO_MIRROR before the setting."""
    place = os.environ.get("RNNREPRO_MIRROR") or user.mirror
    return Path(place) if place else None
