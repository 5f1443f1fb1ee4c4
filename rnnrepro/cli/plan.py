"""List what a scale trains, with optimiser steps, arithmetic, disk and an estimate of the time. Trains nothing."""

from __future__ import annotations

import argparse
import json

from rnnrepro import plan
from rnnrepro.cli.common import scale_of, scale_options
from rnnrepro.duration import duration

NAME, HELP = "plan", "what would be trained, and what it costs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("papers", nargs="*", metavar="PAPER")
    parser.add_argument("--json", action="store_true", help="as JSON, a row a cell")
    scale_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plan."""
    project, scale = scale_of(args)
    project.check()
    cells = plan.cells(project, scale, args.papers or None)
    if args.json:
        print(json.dumps([_row(cell) for cell in cells], indent=1))
        return 0
    print(
        f"{'cell':46s} {'runs':>4s} {'N':>5s} {'steps':>7s} {'PFLOP':>8s} {'disk MB':>7s} "
        f"{'mem. MB':>7s} {'time':>8s}"
    )
    for cell in cells:
        row = _row(cell)
        print(
            f"{cell.key:46s} {row['runs']:4d} {row['hidden']:5d} {row['steps']:7d} {row['flops'] / 1e15:8.3g} "
            f"{row['disk_bytes'] / 1e6:7.1f} {row['memory_mb']:7d} {duration(row['seconds']):>8s}"
        )
    unique = unique_seconds(cells)
    print(
        f"\n{scale}: {len(cells)} cells, {sum(len(c.runs) for c in cells)} runs, "
        f"{sum(c.estimate.total_steps for c in cells):,} optimiser steps, "
        f"{sum(c.estimate.flops for c in cells) / 1e15:.3g} PFLOP; about {duration(unique)} of training on one core, "
        "equal runs counted once. Times are estimates for a processor; a GPU is far faster at scale paper. "
        f"Memory: what the job of a cell may take at its peak, at most {most_memory(cells) / 1e3:.1f} GB. Disk: "
        f"{sum(c.estimate.disk_bytes for c in cells) / 1e9:.2g} GB for the results of all cells and the checkpoints "
        "of their runs, without data sets and pages."
    )
    return 0


def unique_seconds(cells: list[plan.Cell]) -> float:
    """Estimated core-seconds of all cells, runs that several of them share counted once."""
    seen: set[str] = set()
    total = 0.0
    for cell in cells:
        fresh = [run for run in cell.runs if run.digest not in seen]
        seen |= {run.digest for run in fresh}
        total += cell.estimate.seconds * len(fresh) / len(cell.runs)
    return total


def most_memory(cells: list[plan.Cell]) -> int:
    """Megabytes of the job that may take the most; 0 without cells."""
    return max((cell.estimate.memory_mb for cell in cells), default=0)


def _row(cell: plan.Cell) -> dict:
    estimate = cell.estimate
    return {
        "cell": cell.key,
        "runs": len(cell.runs),
        "hidden": cell.settings.models[cell.arm].hidden,
        "steps": estimate.steps,
        "flops": estimate.flops,
        "seconds": estimate.seconds,
        "disk_bytes": estimate.disk_bytes,
        "memory_mb": estimate.memory_mb,
    }
