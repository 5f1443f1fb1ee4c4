"""Say in words what has changed since a result was made, and so why it would be made again.

rnnrepro why results/quick/nnrnn/fig2_copy.html
rnnrepro why results/quick/runs/enrnn/adding/enrnn.parquet
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rnnrepro import plan
from rnnrepro.cli.common import project_of, project_options
from rnnrepro.config import SCALES
from rnnrepro.errors import Fault
from rnnrepro.project import Project

NAME, HELP = "why", "what changed since a result was made"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("target", type=Path, help="a file below results/")
    project_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the reasons, cell by cell."""
    from rnnrepro.changes import changes

    project = project_of(args)
    results, cells = _cells(project, args.target)
    stale = unusable = 0
    for cell in cells:
        reasons = changes(cell, results)
        left = _stands(results / cell.path)
        unusable += left
        stale += bool(reasons) and not left
        print(f"{cell.key}: {'up to date' if not reasons else ''}".rstrip())
        for reason in reasons:
            print(f"  - {reason}")
    kept = cells and cells[0].scale == "paper" and project.user.retrain != "stale"
    note = "; at scale paper changed code retrains only with retrain=stale" if stale and kept else ""
    print(f"{stale} of {len(cells)} cells would be trained{note}")
    if unusable:
        print(f"{unusable} cannot be used, and are trained again only once their files are deleted")
    return 0


def _stands(path: Path) -> bool:
    """Whether a file stands in the place of results that is none of ours, or has no checksum: it stays where it is."""
    from rnnrepro import records
    from rnnrepro.checksums import Damaged

    try:
        if path.exists():
            records.provenance_of(path)
    except Damaged:
        return False
    except Fault:
        return True
    return False


def _cells(project: Project, target: Path) -> tuple[Path, list[plan.Cell]]:
    parts = target.parts
    place = next((i for i, part in enumerate(parts[:-1]) if part in SCALES), None)
    if place is None:
        raise Fault(f"{target}: expected a file such as results/{SCALES[0]}/PAPER/EXHIBIT.html")
    scale, rest = parts[place], parts[place + 1 :]
    results = Path(*parts[: place + 1])
    if rest[0] in ("runs", "costs"):
        key = "/".join(rest[1:]).removesuffix(".parquet")
        found = [cell for cell in plan.cells(project, scale, list(project.papers)) if cell.key == key]
    elif rest[0] in project.papers and Path(rest[-1]).stem in project.paper(rest[0]).exhibits:
        found = plan.exhibit_cells(project, scale, rest[0], Path(rest[-1]).stem)
    elif rest[0] in project.papers:
        found = plan.cells(project, scale, [rest[0]])
    else:
        found = plan.cells(project, scale)
    if not found and rest[0] in ("runs", "costs"):
        raise Fault(f"{target}: no such cell at scale {scale}; `rnnrepro plan --scale {scale}` lists them")
    return results, found
