"""Make one table or figure of a paper from the results files of its cells: notebook, page, table, picture.

    rnnrepro exhibit nnrnn fig2_copy --scale quick

Nothing is trained: `snakemake --cores all -- results/quick/nnrnn/fig2_copy.html` trains what is missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro import plan
from rnnrepro.cli.common import changes_of, check_settings, results_of, results_options
from rnnrepro.errors import Fault, nearest

NAME, HELP = "exhibit", "make one table or figure of a paper"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paper", metavar="PAPER")
    parser.add_argument("exhibit", metavar="EXHIBIT")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PREFIX",
        help="path of the files without their ending (default: PAPER/EXHIBIT among the results)",
    )
    results_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the notebook and name what it wrote."""
    from rnnrepro.exhibits import notebook, outputs

    project, scale, results = results_of(args)
    known = project.paper(args.paper).exhibits
    if args.exhibit not in known:
        raise Fault(f"unknown exhibit {args.paper}/{args.exhibit}{nearest(args.exhibit, known)}")
    check_settings(args, results, plan.exhibit_cells(project, scale, args.paper, args.exhibit))
    output = args.output or results / args.paper / args.exhibit
    notebook.render(
        project,
        args.paper,
        args.exhibit,
        scale=scale,
        config=args.config,
        results=results,
        output=output,
        overrides=changes_of(args.changes),
    )
    print(f"{output}.{{{','.join(outputs(known[args.exhibit].kind))}}}")
    return 0
