"""What a notebook sees of its exhibit: settings, records, words, and where to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnrepro import arms, plan, reported
from rnnrepro.claims import statistics
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import SCALES, Exhibit, Paper
from rnnrepro.errors import Fault, nearest
from rnnrepro.exhibits import unmade
from rnnrepro.exhibits.html import rendered
from rnnrepro.plan import Cell
from rnnrepro.project import Project, load
from rnnrepro.records import CellRecords
from rnnrepro.reported import Reported


@dataclass(frozen=True, repr=False)
class View:
    """One exhibit at one scale. `records` of whole arms by `paper/experiment/arm`; `output` is the path of its files
    without the ending."""

    project: Project
    paper_key: str
    name: str
    scale: str
    results: Path
    output: Path
    cells: Sequence[Cell]
    records: Mapping[str, CellRecords]

    @property
    def paper(self) -> Paper:
        """The paper's settings."""
        return self.project.paper(self.paper_key)

    @property
    def entry(self) -> Exhibit:
        """The exhibit's settings."""
        return self.paper.exhibits[self.name]

    def option(self, key: str, default: Any) -> Any:
        """A setting of the template, from the exhibit's `options`."""
        return self.entry.options.get(key, default)

    def choice(self, key: str, known: Sequence[str]) -> str:
        """An option that is one of `known`, the first by default. Raises Fault for anything else."""
        word = self.option(key, known[0])
        if word not in known:
            raise Fault(f"{self.where}: option {key}: {word!r} is not known{nearest(str(word), known)}")
        return word

    @property
    def where(self) -> str:
        """`paper/exhibit`, for messages."""
        return f"{self.paper_key}/{self.name}"

    def need(self, found: Any, message: str) -> None:
        """Raise Fault with `message` where nothing was found to show."""
        if not found:
            raise Fault(f"{self.where} at scale {self.scale}: {message}")

    def records_of(self, experiment: str) -> list[CellRecords]:
        """The records of the experiment's arms that are there, in the exhibit's order of arms or the experiment's."""
        keys = dict.fromkeys(c.whole for c in self.cells if c.experiment == experiment)
        found = [self.records[key] for key in keys if key in self.records]
        order = self.entry.models
        return sorted(found, key=lambda r: order.index(r.provenance["arm"])) if order else found

    def experiment_title(self, name: str) -> str:
        """The experiment's title at this scale, shortened by the option `titles` {experiment: text}."""
        short = self.option("titles", {}).get(name)
        experiment = self.project.experiment(self.paper_key, name, self.scale)
        return short or (experiment.title if experiment else name)

    def label(self, cell: CellRecords) -> str:
        """The model's name for readers, as the settings give it now."""
        experiment = self.project.experiment(self.paper_key, cell.provenance["experiment"], self.scale)
        arm = experiment.models.get(cell.provenance["arm"]) if experiment else None
        return (arm.label if arm else None) or cell.provenance.get("label") or cell.provenance["arm"]

    def statistic(self, cell: CellRecords) -> list[RunValue]:
        """The number that the exhibit's statistic makes of each run."""
        return statistics.of_cell(cell, self.entry.metric, self.entry.split, self.entry.statistic)

    def reported(self) -> list[Reported]:
        """The printed numbers of this exhibit."""
        return reported.of_exhibit(
            reported.of_paper(self.project, self.paper_key), self.entry.reported or self.name
        )

    def with_entry(self, entry: Exhibit, kept: Mapping[str, CellRecords]) -> View:
        """The same exhibit with other settings and with these records alone."""
        exhibits = {**self.paper.exhibits, self.name: entry}
        papers = {**self.project.papers, self.paper_key: replace(self.paper, exhibits=exhibits)}
        return replace(self, project=replace(self.project, papers=papers), records=kept)

    def not_shown(self) -> list[str]:
        """Sentences on what the paper's exhibit has and this one has not, with the reason."""
        said = [f"{what}: {why}." for what, why in self.entry.missing.items() if what not in SCALES]
        if self.scale in self.entry.missing:
            said.append(f"At scale {self.scale}: {self.entry.missing[self.scale]}.")
        for name in self.entry.experiments:
            experiment = self.project.experiment(self.paper_key, name, self.scale)
            if experiment is None:
                said.append(f"{name}: not run at scale {self.scale}.")
                continue
            if why := plan.lacking(self.project, experiment):
                said.append(f"{experiment.title}: not run: {why}.")
            said += [
                f"{experiment.title}: {model} not run: {why}." for model, why in experiment.absent.items()
            ]
        there = {key for record in self.records.values() for key in record.cells}
        said += [f"{c.key}: no results file." for c in self.cells if c.key not in there]
        return [s.replace("..", ".") for s in dict.fromkeys(said)]

    def __repr__(self) -> str:
        there = sum(len(record.cells) for record in self.records.values())
        return f"<{self.where} at scale {self.scale}, {there} of {len(self.cells)} cells>"

    def _repr_html_(self) -> str:
        return rendered(
            "heading.html", entry=self.entry, paper=self.paper, scale=self.scale, not_shown=self.not_shown()
        )

    def stale(self) -> list[str]:
        """Cells whose results were made with other settings or other training code than the present."""
        said = []
        for cell in self.cells:
            whole = self.records.get(cell.whole)
            runs = whole.cells.get(cell.key) if whole else None
            if runs is None:
                continue
            if {run["digest"] for run in runs} != {run.digest for run in cell.runs}:
                said.append(f"{cell.key}: its settings have changed since it was trained.")
            elif {run["fingerprint"] for run in runs} != {cell.fingerprint}:
                said.append(f"{cell.key}: the training code has changed since it was trained.")
        return said


def open_view(
    config: str | Path,
    scale: str,
    paper: str,
    exhibit: str,
    results: str | Path,
    output: str | Path,
    overrides: Mapping[str, Any] | None = None,
) -> View:
    """Read the exhibit's settings and the results files of its cells.

    Raises Fault for an unknown exhibit, one that is not drawn at `scale`, and where none of its cells
    is there or their data are lacking.
    """
    project = load(config, overrides)
    cells = plan.exhibit_cells(project, scale, paper, exhibit)
    entry = project.paper(paper).exhibits[exhibit]
    if scale not in entry.scales:
        raise Fault(f"{paper}/{exhibit} is not drawn at scale {scale}; it is at {', '.join(entry.scales)}")
    if why := unmade(project, scale, paper, exhibit):
        raise Fault(f"{paper}/{exhibit}: {why}")
    found = arms.existing(cells, Path(results))
    if cells and not found:
        raise Fault(
            f"{paper}/{exhibit}: no results in {results}; train {cells[0].key} and the others first: "
            f"snakemake --cores all -- results/{scale}/{paper}/{exhibit}.html"
        )
    return View(project, paper, exhibit, scale, Path(results), Path(output), cells, found)
