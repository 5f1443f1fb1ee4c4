"""From settings to work: the cells and runs of a scale, what identifies them, and what they cost.

No torch, no pandas: a plan of thousands of runs is made in well under a second.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnrepro import fingerprint, tables
from rnnrepro.checks import check_count
from rnnrepro.config import Arm, Experiment, Phase
from rnnrepro.cost import Estimate, estimate
from rnnrepro.datasets import provenance as data
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.errors import Fault
from rnnrepro.project import Project, mirror_of, model_row, of_group
from rnnrepro.sense import made_of
from rnnrepro.tasks.shapes import Shape
from rnnrepro.tasks.sizes import shape
from rnnrepro.typed import Reader

Point = tuple[tuple[str, float], ...]
"""A point of a grid: (key, value) pairs in the order of the grid's keys."""


def digest(value: Any) -> str:
    """16 hexadecimal digits that identify a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Run:
    """One training: its seed, its grid point ("" without a grid) and all settings that bear on its numbers."""

    seed: int
    point: str
    settings: dict[str, Any]

    @cached_property
    def digest(self) -> str:
        """Identifies the run by its settings alone: equal runs of two papers are one."""
        return digest(self.settings)

    @cached_property
    def stack_digest(self) -> str:
        """Equal for runs that can be trained together: all but the seed, the rates and what is per run agree."""
        rest = {k: v for k, v in self.settings.items() if k != "seed"}
        model = rest["model"] = dict(rest["model"])
        for part in tables.PARTS:
            apart = tables.row(part, model[f"{part}_kind"]).per_run
            model[part] = {k: v for k, v in model[part].items() if k not in apart}
        rest["optimiser"] = {
            g: {k: v for k, v in s.items() if k != "rate"} for g, s in rest["optimiser"].items()
        }
        return digest(rest)


@dataclass(frozen=True)
class Cell:
    """All runs of one arm of an experiment at a scale, or of one slice of its grid: one job, one results file.

    `part` names the slice by its values, `gain=1.02`; "" where the arm is one cell. `stack`: most runs that the user
    lets train together, None for all that fit.
    """

    scale: str
    paper: str
    experiment: str
    arm: str
    settings: Experiment
    runs: tuple[Run, ...]
    shape: Shape
    part: str = ""
    stack: int | None = None

    @property
    def name(self) -> str:
        """`arm`, or `arm.part`."""
        return f"{self.arm}.{self.part}" if self.part else self.arm

    @property
    def key(self) -> str:
        """`paper/experiment/name`."""
        return f"{self.paper}/{self.experiment}/{self.name}"

    @property
    def whole(self) -> str:
        """`paper/experiment/arm`: the key of all cells of the arm together."""
        return f"{self.paper}/{self.experiment}/{self.arm}"

    @property
    def model(self) -> str:
        """The arm's name without its slice."""
        return self.arm.partition(".")[0]

    @property
    def slice(self) -> str:
        """What follows the model in the arm's name, or "" (`part` is another thing)."""
        return self.arm.partition(".")[2]

    @property
    def path(self) -> str:
        """The results file, below the results folder of the scale."""
        return f"runs/{self.key}.parquet"

    @property
    def cost_path(self) -> str:
        """The cost table, below the results folder of the scale."""
        return f"costs/{self.key}.parquet"

    @property
    def data_sets(self) -> list[str]:
        """The downloaded data sets that training needs."""
        return [name for name in self.runs[0].settings["data"] if DATASETS[name].files]

    @cached_property
    def digest(self) -> str:
        """Changes whenever any run's settings do."""
        return digest([run.digest for run in self.runs])

    @property
    def content(self) -> str:
        """Identifies what is in its results file: the runs, the code and the words about them."""
        return digest([self.digest, self.fingerprint, repr(self.settings)])

    @cached_property
    def modules(self) -> dict[str, str]:
        """{module: hash} of the code that it is trained with."""
        return fingerprint.training_modules(self.runs[0].settings)

    @property
    def fingerprint(self) -> str:
        """One hash of `modules`."""
        return fingerprint.combined(self.modules)

    @cached_property
    def estimate(self) -> Estimate:
        """Steps, arithmetic, time and disk of the whole cell."""
        with made_of(f"{self.key} at scale {self.scale}"):
            return estimate([run.settings for run in self.runs], self.shape, self.stack)


def cells(project: Project, scale: str, papers: list[str] | None = None) -> list[Cell]:
    """Every cell of the given papers (default: those the user chose) at `scale`."""
    chosen = project.chosen if papers is None else papers
    return [
        cell
        for paper in chosen
        for name in project.paper(paper).experiments
        for cell in experiment_cells(project, scale, paper, name)
    ]


def experiment_cells(project: Project, scale: str, paper: str, name: str) -> list[Cell]:
    """The cells of one experiment, in the order of its arms; none where it has no such scale or lacks its data."""
    experiment = project.experiment(paper, name, scale)
    if experiment is None or lacking(project, experiment):
        return []
    found = []
    for arm in experiment.models:
        with made_of(f"{paper}/{name}/{arm} at scale {scale}"):
            found += _cells_of_arm(project, scale, paper, name, experiment, arm)
    return found


def lacking(project: Project, experiment: Experiment) -> str:
    """Why an experiment cannot be run here: data that only the user can supply. "" where nothing lacks."""
    places = [Path(project.user.data), *filter(None, [mirror_of(project.user)])]
    found = (data.lacking(kind, task, project.user.corpora, places) for kind, task in _tasks(experiment))
    return next(filter(None, found), "")


def exhibit_cells(project: Project, scale: str, paper: str, exhibit: str) -> list[Cell]:
    """The cells that an exhibit reads. Raises Fault for an unknown exhibit."""
    exhibits = project.paper(paper).exhibits
    if exhibit not in exhibits:
        raise Fault(f"unknown exhibit {paper}/{exhibit}; known: {', '.join(exhibits)}")
    entry = exhibits[exhibit]
    found = [cell for name in entry.experiments for cell in experiment_cells(project, scale, paper, name)]
    return [cell for cell in found if not entry.models or cell.arm in entry.models]


def _cells_of_arm(
    project: Project, scale: str, paper: str, name: str, experiment: Experiment, arm_name: str
) -> list[Cell]:
    arm = experiment.models[arm_name]
    reader = Reader(f"{paper}/{name}/{arm_name} at scale {scale}")
    common = resolved(experiment, arm_name, arm, reader, project.user.corpora)
    reader.finish()
    seeds = project.user.seeds or arm.seeds or experiment.seeds
    found = shape(common["task"], common["training"]["batch"])
    common["training"]["steps"] = _steps(common["training"], found, reader)
    check_count(reader, seeds, arm)
    reader.finish()
    chosen = range(experiment.first_seed, experiment.first_seed + seeds)
    stack = None if project.user.stack == "auto" else project.user.stack
    parts: dict[str, list[Run]] = {}
    for point in itertools.product(*([(k, v) for v in values] for k, values in arm.grid.items())):
        parts.setdefault(_part(point, arm.slices), []).extend(_runs(common, chosen, point))
    return [
        Cell(scale, paper, name, arm_name, experiment, tuple(runs), found, part, stack)
        for part, runs in parts.items()
    ]


def _part(point: Point, slices: list[str]) -> str:
    """`gain=1.02`: the values of a point that tell its cell from others; parts of the model need no mention."""
    return ",".join(
        f"{key.partition('.')[2] if key.partition('.')[0] in tables.PARTS else key}={value:g}"
        for key, value in point
        if key in slices
    )


def _steps(training: dict[str, Any], found: Shape, reader: Reader) -> int:
    epochs, steps = training.pop("epochs"), training["steps"]
    if (epochs is None) == (steps is None):
        reader.fault("training", "give `steps` or `epochs`, one of the two")
        return 1
    if training["milestones"] and found.steps_per_epoch is None:
        reader.fault("training.milestones", "this task draws fresh data and has no epochs; leave them out")
    if epochs is None:
        return steps
    if found.steps_per_epoch is None:
        reader.fault("training.epochs", "this task draws fresh data and has no epochs; give `steps`")
        return 1
    return found.steps(epochs)


def resolved(
    experiment: Experiment, name: str, arm: Arm, reader: Reader, corpora: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that bears on the numbers of an arm's runs, with every default written out, but the seed."""
    (kind, task), *_ = every = _tasks(experiment)
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


def _phase(phase: Phase) -> dict[str, Any]:
    """What bears on the numbers of a later phase, with every default."""
    kind, rule = phase.task["kind"], phase.rule
    return {
        "task": {**tables.row("task", kind).arguments, **phase.task},
        "rule": {**tables.row("rule", rule["kind"]).arguments, **rule} if rule else {},
        **{name: getattr(phase, name) for name in ("steps", "evaluate_every", "record_every", "splits")},
    }


def _tasks(experiment: Experiment) -> list[tuple[str, dict[str, Any]]]:
    """The kind and the settings of every task, that of the experiment's own training first."""
    tasks = (experiment.task, *(phase.task for phase in experiment.phases))
    return [(task["kind"], {name: value for name, value in task.items() if name != "kind"}) for task in tasks]


def _optimiser(arm: Arm, group: str) -> dict[str, Any]:
    own = arm.groups.get(group, {}) if group != "main" else {}
    settings = of_group(arm.optimiser, own)
    ratio = settings.pop("ratio", None)
    if group != "main" and "rate" not in own and ratio is None:
        ratio = 1.0  # it follows the main rate, also along a grid
    if ratio is not None:
        settings["rate"] = arm.optimiser["rate"] * ratio
    return {**tables.row("optimiser", settings["kind"]).arguments, **settings, "ratio": ratio}


def _runs(common: Mapping[str, Any], seeds: Iterable[int], point: Point) -> list[Run]:
    """The runs at a point of the grid, whose settings are one but for the seed."""
    settings = json.loads(json.dumps(common))
    for key, value in point:
        word, _, name = key.partition(".")
        if word == "rate":
            _set_rate(settings["optimiser"], name, value)
        else:
            settings["model"][word][name] = value
    for group in settings["optimiser"].values():
        group.pop("ratio")
    label = ",".join(f"{key}={value:g}" for key, value in point)
    return [Run(seed=seed, point=label, settings={**settings, "seed": seed}) for seed in seeds]


def _set_rate(groups: dict[str, dict[str, Any]], group: str, value: float) -> None:
    groups[group or "main"]["rate"] = value
    if not group:
        for other in groups.values():
            if other["ratio"] is not None:
                other["rate"] = value * other["ratio"]
