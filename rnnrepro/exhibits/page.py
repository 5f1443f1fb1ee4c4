"""One page a paper: what it says, what we find, how it was run, where we differ, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rnnrepro import arms, plan
from rnnrepro.claims.table import counted
from rnnrepro.claims.verdicts import Verdict
from rnnrepro.config import Deviation, Exhibit, Experiment, Paper
from rnnrepro.exhibits import costs, html, kind_of, provenance, unmade
from rnnrepro.exhibits.html import Link
from rnnrepro.plan import Cell
from rnnrepro.project import Project
from rnnrepro.records import CellRecords

MANY = 5
"""More values of a grid's key are told by their range."""


@dataclass(frozen=True)
class Shown:
    """An exhibit on the page: the fragments of its notebook, or the reason why it is not there."""

    name: str
    entry: Exhibit
    figure: bool
    parts: Mapping[str, Markup]
    reason: str = ""

    @property
    def number(self) -> str:
        """The paper's own number, where the title does not say it already."""
        return "" if (self.entry.number or "") in self.entry.title else self.entry.number


@dataclass(frozen=True)
class Bearing:
    """A deviation that bears on claims, or whose effect an exhibit shows; `number` counts all deviations from 1."""

    number: int
    deviation: Deviation
    claims: Sequence[Link]
    exhibits: Sequence[Link]
    elsewhere: Sequence[str]


@dataclass(frozen=True)
class Arm:
    """A model of an experiment, in words."""

    label: str
    hidden: int
    parameters: int | None
    seeds: str
    optimiser: str
    status: str
    note: str


@dataclass(frozen=True)
class Run:
    """An experiment at this scale, in words; `experiment` is None where it has no such scale.

    `lacking`: why it is not run although it has: licensed data that only the user can supply.
    """

    name: str
    title: str
    experiment: Experiment | None
    arms: Sequence[Arm] = ()
    budget: str = ""
    lacking: str = ""


def write(
    project: Project, paper: str, *, scale: str, results: Path, verdicts: Sequence[Verdict], output: Path
) -> None:
    """The page of `paper` from what is in `results`. Raises Fault for an unknown paper or a damaged file."""
    cells = plan.cells(project, scale, [paper])
    found = arms.existing(cells, results)
    spent = costs.of_cells(cells, results)
    shown = exhibits(project, paper, scale, output.parent)
    bears = bearings(project.paper(paper), shown)
    html.write(
        output,
        "page.html",
        paper=project.paper(paper),
        key=paper,
        scale=scale,
        verdicts=sorted(verdicts, key=lambda v: v.verdict == "not run"),
        counted=counted(verdicts),
        exhibits=shown,
        bearings=bears,
        bearing={
            claim: [each for each in bears if claim in each.deviation.bears_on]
            for claim in project.paper(paper).claims
        },
        runs=[
            experiment(project, paper, name, scale, cells, found) for name in project.paper(paper).experiments
        ],
        costs=spent,
        total=costs.total(spent),
        estimated=estimated(cells, found),
        facts=provenance.common_facts(list(found.values())) if found else [],
        trained=provenance.runs_in_words(list(found.values())) if found else "nothing trained yet",
    )


def exhibits(project: Project, paper: str, scale: str, folder: Path) -> list[Shown]:
    """The paper's exhibits in order; those that are not made at this scale with the reason."""
    found = []
    for name, entry in project.paper(paper).exhibits.items():
        notebook, figure = folder / f"{name}.ipynb", kind_of(entry.kind).figure
        if scale not in entry.scales:
            reason = entry.missing.get(scale, f"drawn at scale {' and '.join(entry.scales)} only")
            found.append(Shown(name, entry, figure, {}, reason))
        elif reason := unmade(project, scale, paper, name):
            found.append(Shown(name, entry, figure, {}, reason))
        elif not notebook.exists():
            found.append(Shown(name, entry, figure, {}, "not made yet"))
        else:
            found.append(Shown(name, entry, figure, html.fragments(notebook)))
    return found


def bearings(paper: Paper, shown: Sequence[Shown]) -> list[Bearing]:
    """The deviations that bear on claims or whose effect is shown, in their order.

    Exhibits that are not made at this scale are named with no link, in `elsewhere`.
    """
    made = {each.name for each in shown if not each.reason}
    found = []
    for number, deviation in enumerate(paper.deviations, 1):
        if deviation.bears_on or deviation.shown_in:
            claims = [Link(f"#claim-{name}", name, paper.claims[name].text) for name in deviation.bears_on]
            titles = {name: paper.exhibits[name].title for name in deviation.shown_in}
            links = [Link(f"#{name}", name, title) for name, title in titles.items() if name in made]
            away = [title for name, title in titles.items() if name not in made]
            found.append(Bearing(number, deviation, claims, links, away))
    return found


def experiment(
    project: Project,
    paper: str,
    name: str,
    scale: str,
    cells: Sequence[Cell],
    found: Mapping[str, CellRecords],
) -> Run:
    """How an experiment is run at this scale."""
    entry = project.experiment(paper, name, scale)
    if entry is None:
        return Run(name, project.paper(paper).experiments[name].get("title", name), None)
    if why := plan.lacking(project, entry):
        return Run(name, entry.title, entry, lacking=why)
    own = [cell for cell in cells if cell.experiment == name]
    wholes = dict.fromkeys(cell.whole for cell in own)
    lines = [_arm(entry, [c for c in own if c.whole == key], found.get(key)) for key in wholes]
    return Run(name, entry.title, entry, lines, _budget(own))


def _arm(entry: Experiment, cells: Sequence[Cell], record: CellRecords | None) -> Arm:
    cell, arm = cells[0], entry.models[cells[0].arm]
    status = "not trained yet"
    if record:
        lost = sum(state == "diverged" for state in record.status.values())
        status = f"{lost} of {len(record.status)} diverged" if lost else "finished"
        if len(record.cells) < len(cells):
            status += f"; {len(record.cells)} of {len(cells)} cells trained"
    return Arm(
        label=arm.label or cell.arm,
        hidden=arm.hidden,
        parameters=record.provenance["parameters"] if record else None,
        seeds=provenance.seeds_in_words({run.seed for run in cell.runs}),
        optimiser=_optimiser(cell),
        status=status,
        note="; ".join(filter(None, [arm.extra and f"extra row: {arm.extra}", arm.note])),
    )


def _optimiser(cell: Cell) -> str:
    """`adam_tf, rate 0.001; orthogonal rmsprop_tf 0.0001; phases adagrad_tf 0.001`, with all values of a grid."""
    groups = cell.runs[0].settings["optimiser"]
    grid = cell.settings.models[cell.arm].grid
    kind, rate = groups["main"]["kind"], groups["main"]["rate"]
    fixed = {"rate": rate} if "rate" not in grid else {}
    if not grid:
        fixed |= {
            name if group["kind"] == kind else f"{name} {group['kind']}": group["rate"]
            for name, group in groups.items()
            if name != "main" and (group["kind"], group["rate"]) != (kind, rate)
        }
    words = [f"{key} {value:g}" for key, value in fixed.items()]
    words += [f"{key} {_values(values)}" for key, values in grid.items()]
    return f"{kind}, {'; '.join(words)}"


def _values(values: Sequence[float]) -> str:
    """All values of a grid's key, or, where there are many, their range and number."""
    if len(values) <= MANY:
        return ", ".join(f"{value:g}" for value in values)
    return f"{min(values):g} to {max(values):g} ({len(values)} values)"


def _budget(cells: Sequence[Cell]) -> str:
    """`400 steps of 10 sequences of 120 time steps`, or the range where the models differ."""
    steps = sorted({cell.runs[0].settings["training"]["steps"] for cell in cells})
    batch = sorted({cell.runs[0].settings["training"]["batch"] for cell in cells})
    shape = cells[0].shape
    about = "about " if shape.windows is not None and shape.windows.vary else ""
    text = (
        f"{_range(steps)} optimiser steps of {_range(batch)} sequences, {about}{shape.length} time steps each"
    )
    return text + (
        f" ({about}{shape.steps_per_epoch:,} steps an epoch)" if shape.steps_per_epoch else " (fresh data)"
    )


def _range(values: Sequence[int]) -> str:
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"


def estimated(cells: Sequence[Cell], found: Mapping[str, Any]) -> str:
    """How much of the plan is there."""
    there = sum(len(record.cells) for record in found.values())
    return f"{there} of {len(cells)} cells are trained" if there < len(cells) else ""
