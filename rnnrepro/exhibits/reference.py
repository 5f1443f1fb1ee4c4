"""Committed results of a scale, small enough for git: what `README.md` quotes and later runs are compared with.

    reference/<scale>/claims.csv                            verdicts
    reference/<scale>/<paper>/<exhibit>.csv                 the numbers of each table and figure
    reference/<scale>/runs/<paper>/<experiment>/<arm>.parquet   the cell's scalars with their provenance

A cell's file is thinned: arrays of analyses are left out, and of a curve of more than 400 points every k-th and the
last fifty are kept, so that the statistics over the last evaluations can still be had.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from rnnrepro import arms, plan, records
from rnnrepro.errors import Fault
from rnnrepro.exhibits import made
from rnnrepro.project import Project

MOST, LAST = 400, 50
_RUN = ("point", "seed", "split", "metric")


def adopt(project: Project, scale: str, results: Path, reference: Path) -> list[Path]:
    """Copy what of `results` belongs into `reference`/`scale`, in place of what is there; the files written.

    Raises Fault where the claims have not been judged or a cell has not been trained.
    """
    target = reference / scale
    missing = [path for path in _needed(project, scale, results) if not path.exists()]
    if missing:
        raise Fault(
            f"{len(missing)} files are missing, the first {missing[0]}; run snakemake at scale {scale} first"
        )
    written = [_copied(results / "claims.csv", target / "claims.csv")]
    for key in project.chosen:
        shutil.rmtree(target / key, ignore_errors=True)
        shutil.rmtree(target / "runs" / key, ignore_errors=True)
        for name in made(project, scale, key):
            written.append(_copied(results / key / f"{name}.csv", target / key / f"{name}.csv"))
    for cell in plan.cells(project, scale):
        found = arms.of_cell(cell, results)
        records.write(target / cell.path, thinned(found.table), found.provenance)
        written.append(target / cell.path)
    return written


def _needed(project: Project, scale: str, results: Path) -> Iterable[Path]:
    yield results / "claims.csv"
    yield from (results / cell.path for cell in plan.cells(project, scale))
    for key in project.chosen:
        yield from (results / key / f"{name}.csv" for name in made(project, scale, key))


def _copied(source: Path, target: Path) -> Path:
    records.atomically(target, lambda part: part.write_bytes(source.read_bytes()))
    return target


def thinned(table: pa.Table) -> pa.Table:
    """The scalars of a cell's table, long curves thinned."""
    arrays = pc.unique(table.filter(pc.greater(table["index"], 0))["metric"])
    table = table.filter(pc.invert(pc.is_in(table["metric"], value_set=arrays)))
    frame = table.to_pandas()
    place = frame.groupby(list(_RUN), sort=False).cumcount()
    length = frame.groupby(list(_RUN), sort=False)["value"].transform("size")
    every = (length // MOST).clip(lower=1)
    keep = (place % every == 0) | (place >= length - LAST)
    return table.filter(pa.array(keep.to_numpy()))
