"""Make the report of a scale: every claim with its verdict, a section a paper.

    rnnrepro report --scale quick

Reads claims.csv and what there is of exhibits among the results.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro.cli.common import results_of, results_options

NAME, HELP = "report", "make the report of a scale"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: report.html among the results")
    results_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the report."""
    from rnnrepro.claims import table
    from rnnrepro.exhibits import report

    project, scale, results = results_of(args)
    output = args.output or results / "report.html"
    verdicts = [v for v in table.read(results / "claims.csv") if v.paper in project.chosen]
    report.write(project, scale=scale, results=results, verdicts=verdicts, output=output)
    print(output)
    return 0
