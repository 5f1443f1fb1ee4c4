"""Judge the papers' claims by the results of a scale.

rnnrepro claims --scale quick
rnnrepro claims --scale quick --results results/quick --output results/quick/claims.csv
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rnnrepro import plan, reported
from rnnrepro.cli.common import check_settings, results_of, results_options
from rnnrepro.project import Project

if TYPE_CHECKING:
    from rnnrepro.claims.verdicts import Verdict
    from rnnrepro.records import CellRecords

NAME, HELP = "claims", "judge the papers' claims by the results of a scale"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("papers", nargs="*", metavar="PAPER", help="default: those in config.yaml")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the verdicts as CSV")
    results_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the verdicts and write them where asked."""
    from rnnrepro.claims import table

    project, scale, results = results_of(args)
    papers = args.papers or project.chosen
    check_settings(args, results, plan.cells(project, scale, papers))
    found = verdicts(project, scale, results, papers)
    for v in found:
        marks = "".join(f" ({mark})" for mark in ("few seeds" * v.few_seeds, v.note) if mark)
        print(f"{v.paper}/{v.claim}: {v.verdict}{marks}\n  {v.text}\n  {v.detail}")
    print(f"{scale}: {table.counted(found)}")
    if args.output:
        table.write(args.output, found)
    return 0


def verdicts(project: Project, scale: str, results: Path, papers: list[str]) -> list[Verdict]:
    """The verdict on each claim of the papers; every results file is read once."""
    from rnnrepro.claims.verdicts import evaluate

    record_of = _reader(project, scale, results)
    found = []
    for paper in papers:
        rows = reported.of_paper(project, paper)

        def experiment_of(name: str, paper: str = paper):
            return project.experiment(paper, name, scale)

        def lacking(name: str, paper: str = paper):
            experiment = project.experiment(paper, name, scale)
            return plan.lacking(project, experiment) if experiment else ""

        found += [
            evaluate(paper, name, claim, scale, experiment_of, record_of, rows, lacking)
            for name, claim in project.paper(paper).claims.items()
        ]
    return found


def _reader(project: Project, scale: str, results: Path) -> Callable[[str], CellRecords | None]:
    """The records of an arm by `paper/experiment/arm`; None unless every cell of it is there."""
    from rnnrepro import arms

    @cache
    def record_of(key: str) -> CellRecords | None:
        paper, experiment, _ = key.split("/")
        cells = [c for c in plan.experiment_cells(project, scale, paper, experiment) if c.whole == key]
        complete = cells and all((results / cell.path).exists() for cell in cells)
        return arms.existing(cells, results)[key] if complete else None

    return record_of
