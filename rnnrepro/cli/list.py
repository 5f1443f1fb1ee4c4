"""List papers, experiments, models and exhibits, or the rows of a vocabulary: `rnnrepro list matrix`."""

from __future__ import annotations

import argparse

from rnnrepro import exhibits, plan, tables
from rnnrepro.cli.common import scale_of, scale_options

NAME, HELP = "list", "papers, experiments and exhibits; or the rows of a vocabulary"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "kind", nargs="?", choices=sorted([*tables.KINDS, "exhibit"]), help="list this vocabulary instead"
    )
    scale_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    project, scale = scale_of(args)
    if args.kind == "exhibit":
        for name, kind in exhibits.KINDS.items():
            print(
                f"{name:20s} {'figure' if kind.figure else 'table'}; options: {', '.join(kind.options) or 'none'}"
            )
        return 0
    if args.kind:
        for name, row in tables.KINDS[args.kind].items():
            print(f"{name:20s} {row.about}")
        return 0
    for key in project.chosen:
        paper = project.paper(key)
        print(f"{key}: {paper.title} ({paper.venue})")
        for name in paper.experiments:
            experiment = project.experiment(key, name, scale)
            what = f"not at scale {scale}"
            if experiment:
                what = (
                    f"{experiment.title}: {plan.lacking(project, experiment) or ', '.join(experiment.models)}"
                )
            print(f"  experiment {key}/{name:28s} {what}")
        for name, entry in paper.exhibits.items():
            where = entry.title if scale in entry.scales else f"not at scale {scale}"
            print(f"  exhibit    results/{scale}/{key}/{name}.html  {where}")
    return 0
