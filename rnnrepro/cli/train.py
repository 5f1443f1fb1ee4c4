"""Train one model of an experiment: all its runs, or a single seed with live progress.

    rnnrepro train nnrnn/copying --model nnrnn --scale quick --seed 0

State is kept below --state, so a run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rnnrepro import environment, plan
from rnnrepro.cli.common import scale_of, scale_options, show_download
from rnnrepro.cli.numbers import count, not_negative, positive
from rnnrepro.errors import Fault, nearest
from rnnrepro.project import Project, mirror_of

if TYPE_CHECKING:
    import torch

NAME, HELP = "train", "train a model of an experiment"
NOT_DONE = 75  # EX_TEMPFAIL: stopped cleanly, run again to go on


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("experiment", metavar="PAPER/EXPERIMENT")
    parser.add_argument("--model", required=True, metavar="MODEL[.SLICE][.KEY=VALUE]")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--state", type=Path, help="folder of checkpoints and records (default: state/SCALE)")
    parser.add_argument("--output", type=Path, help="results file to write")
    parser.add_argument("--costs", type=Path, help="cost table to write")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--backend", help="form of the loop over time: auto, plain, cpu or gpu")
    parser.add_argument("--minutes", type=positive, help="stop cleanly after so many minutes")
    parser.add_argument(
        "--until", type=not_negative, metavar="SECONDS", help="stop cleanly then, in seconds since 1970"
    )
    parser.add_argument(
        "--planned", metavar="DIGEST", help="train these settings alone: a fault if they were changed since"
    )
    parser.add_argument("--threads", type=count, default=1, help="threads of this process (default 1)")
    scale_options(parser)


def cell_of(project: Project, scale: str, experiment: str, arm: str) -> plan.Cell:
    """The cell that a command line names. Raises Fault with the nearest known name."""
    paper, _, name = experiment.partition("/")
    if not name:
        known = ", ".join(f"{paper}/{one}" for one in project.paper(paper).experiments)
        raise Fault(f"{experiment}: expected PAPER/EXPERIMENT; {paper} has {known}")
    cells = plan.experiment_cells(project, scale, paper, name)
    if not cells:
        found = project.experiment(paper, name, scale)
        why = plan.lacking(project, found) if found else ""
        raise Fault(f"{experiment} is not run at scale {scale}{': ' * bool(why)}{why}")
    for cell in cells:
        if cell.name == arm:
            return cell
    raise Fault(
        f"unknown model {arm!r} in {experiment} at scale {scale}{nearest(arm, [c.name for c in cells])}"
    )


def run(args: argparse.Namespace) -> int:
    """Train; 75 when stopped before the end."""
    if args.backend is not None:
        args.changes.append(f"backend={args.backend}")
    project, scale = scale_of(args)
    cell = cell_of(project, scale, args.experiment, args.model)
    if args.planned not in (None, cell.digest):
        raise Fault(f"{cell.key}: its settings were changed after this training was planned; run again")
    if args.seed is not None and args.output:
        raise Fault("--seed trains one seed; --output is the file of a whole cell: give one of the two")
    runs = None if args.seed is None else [r for r in cell.runs if r.seed == args.seed]
    if runs == []:
        raise Fault(f"no seed {args.seed} in {cell.key}; its seeds are {sorted({r.seed for r in cell.runs})}")
    _limit_threads(args.threads)
    return _train(args, project, cell, runs)


def budget(args: argparse.Namespace, project: Project) -> float | None:
    """For how many minutes from now it may train; None without a limit."""
    limit = project.user.minutes if args.minutes is None else args.minutes
    if args.until is None:
        return limit
    left = max(0.0, (args.until - time.time()) / 60)
    return left if limit is None else min(left, limit)


def _limit_threads(threads: int) -> None:
    for name in environment.THREADS:
        os.environ[name] = str(threads)


def _train(args: argparse.Namespace, project: Project, cell: plan.Cell, runs: list[plan.Run] | None) -> int:
    from rnnrepro.training.writer import Writer

    root = args.state or Path("state") / cell.scale
    writer = Writer(root, cell.key, cell.content) if args.output else None  # before all that takes long

    import torch

    from rnnrepro.datasets.fetch import fetch
    from rnnrepro.training import job

    torch.set_num_threads(args.threads)
    data = Path(project.user.data)
    for name in cell.data_sets:
        fetch(name, data, mirror=mirror_of(project.user), progress=show_download)
    work = job.Job(
        root=root,
        device=_device(args.device or project.user.device),
        data=data,
        corpora=project.user.corpora,
        minutes=budget(args, project),
        stack=project.user.stack,
        backend=project.user.backend,
        any_code=cell.scale == "paper" and project.user.retrain != "stale",
    )
    found = job.train(cell, work, runs)
    if found is None:
        return NOT_DONE
    if writer:
        with writer.writing():
            job.write_cell(cell, found, args.output, args.costs)
    else:
        _show(runs or list(cell.runs), found)
    return 0


def _device(word: str) -> torch.device:
    import torch

    if word == "cuda" and not torch.cuda.is_available():
        raise Fault("device cuda was asked for, but there is no GPU here; use --device cpu")
    return torch.device(
        "cuda" if word == "auto" and torch.cuda.is_available() else word.replace("auto", "cpu")
    )


def _show(runs: list[plan.Run], found: list) -> None:
    for run, record in zip(runs, found, strict=True):
        last: dict[tuple[str, str], float] = {}
        for row in record.table.to_pylist():
            if row["split"] != "analysis":
                last[row["split"], row["metric"]] = row["value"]
        words = "  ".join(f"{split} {metric} {value:.5g}" for (split, metric), value in last.items())
        who = f"seed {run.seed}{f' {run.point}' if run.point else ''}"
        print(
            f"{who}: {record.provenance['status']} after {record.provenance['steps']} steps: {words}",
            file=sys.stdout,
        )
