"""Make the page of a paper from its results: claims, exhibits, protocols, deviations, cost.

rnnrepro page nnrnn --scale quick
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro import plan
from rnnrepro.cli.common import check_settings, results_of, results_options

NAME, HELP = "page", "make the page of a paper"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paper", metavar="PAPER")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: PAPER/index.html among the results"
    )
    results_options(parser)


def run(args: argparse.Namespace) -> int:
    """Judge the paper's claims and write the page."""
    from rnnrepro.cli.claims import verdicts
    from rnnrepro.exhibits import page

    project, scale, results = results_of(args)
    project.paper(args.paper)
    check_settings(args, results, plan.cells(project, scale, [args.paper]))
    output = args.output or results / args.paper / "index.html"
    found = verdicts(project, scale, results, [args.paper])
    page.write(project, args.paper, scale=scale, results=results, verdicts=found, output=output)
    print(output)
    return 0
