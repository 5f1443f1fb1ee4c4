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

from rnnrepro import fingerprint, run_settings, tables
from rnnrepro.checks import check_count
from rnnrepro.config import Experiment
from rnnrepro.cost import Estimate, estimate
from rnnrepro.datasets import provenance as data
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.errors import Fault
from rnnrepro.project import Project, mirror_of
from rnnrepro.run_settings import Point
from rnnrepro.sense import made_of
from rnnrepro.tasks.shapes import Shape
from rnnrepro.tasks.sizes import shape
from rnnrepro.typed import Reader


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
    chosen = project.chosen if papers is None else dict.fromkeys(papers)
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
    found = (
        data.lacking(kind, task, project.user.corpora, places)
        for kind, task in run_settings.tasks(experiment)
    )
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
    common = run_settings.resolved(experiment, arm_name, arm, reader, project.user.corpora)
    reader.finish()
    seeds = project.user.seeds or arm.seeds or experiment.seeds
    found = shape(common["task"], common["training"]["batch"])
    common["training"]["steps"] = run_settings.steps(common["training"], found, reader)
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


def _runs(common: Mapping[str, Any], seeds: Iterable[int], point: Point) -> list[Run]:
    """The runs at a point of the grid, whose settings are one but for the seed."""
    settings = run_settings.at_point(common, point)
    label = ",".join(f"{key}={value:g}" for key, value in point)
    return [Run(seed=seed, point=label, settings={**settings, "seed": seed}) for seed in seeds]
