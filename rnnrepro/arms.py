"""The records of whole arms: an arm whose grid is cut into slices has a cell, and so a results file, for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnnrepro import records
from rnnrepro.errors import Fault
from rnnrepro.plan import Cell
from rnnrepro.records import CellRecords

_MAY_DIFFER = ("fingerprint", "backend", "device", "device_name")


def of_cell(cell: Cell, results: Path) -> CellRecords:
    """The records of one cell. Raises Fault where its file is missing, damaged, or another's that was put there."""
    found = _held(cell, results / cell.path, records.SCHEMA)
    if "runs" not in found.provenance:
        raise Fault(f"{results / cell.path}: not the results of a cell; delete it and run again")
    records.check_cell(found.provenance, results / cell.path)
    return found


def costs_of_cell(cell: Cell, results: Path) -> list[dict[str, Any]]:
    """The rows of a cell's cost table. Raises Fault as `of_cell` does."""
    return _held(cell, results / cell.cost_path, records.COST_SCHEMA).table.to_pylist()


def check_settings(cells: Iterable[Cell], results: Path) -> None:
    """Raise Fault for a results file that other settings than the cell's present ones have made.

    Snakemake tells by its own records, which a results folder may have lost, or which say nothing of a copied file.
    """
    for cell in cells:
        path = results / cell.path
        if not path.exists():
            continue
        found = records.provenance_of(path)
        made = {(run.get("point"), run.get("seed")): run.get("digest") for run in found.get("runs", ())}
        if found.get("key") == cell.key and made != {(r.point, r.seed): r.digest for r in cell.runs}:
            raise Fault(f"{path}: made by other settings than the present ones; delete it and run again")


def _held(cell: Cell, path: Path, schema: pa.Schema) -> CellRecords:
    found = records.read(path)
    if not found.table.schema.equals(schema):
        raise Fault(f"{path}: it has other columns than such a file; delete it and run again")
    scale, key = (found.provenance.get(name) for name in ("scale", "key"))
    if (scale, key) != (cell.scale, cell.key):
        raise Fault(
            f"{path}: it is of {key} at scale {scale}, put in the wrong place; delete it and run again"
        )
    return found


def existing(cells: Iterable[Cell], results: Path) -> dict[str, CellRecords]:
    """{`paper/experiment/arm`: the records of its cells that have a results file}. Raises Fault as `of_cell`."""
    parts: dict[str, list[CellRecords]] = {}
    for cell in cells:
        if (results / cell.path).exists():
            parts.setdefault(cell.whole, []).append(of_cell(cell, results))
    return {key: gathered(key, found) for key, found in parts.items()}


def gathered(key: str, parts: Sequence[CellRecords]) -> CellRecords:
    """The records of an arm's cells as if they were one cell's, under the key of the arm.

    Each run names its cell. What the cells have in common is told as the first says it; a device, a version or a code
    in which they differ is told of all, with + between.
    """
    if len(parts) == 1 and parts[0].key == key:
        return parts[0]
    made = [part.provenance for part in parts]
    runs = [{**run, "cell": part.key} for part in parts for run in part.provenance["runs"]]
    told = {name: _all_of(p[name] for p in made) for name in _MAY_DIFFER}
    versions = {name: _all_of(p["versions"].get(name, "none") for p in made) for name in made[0]["versions"]}
    common = {**made[0], **told, "versions": versions, "key": key, "part": "", "runs": runs}
    return CellRecords(pa.concat_tables([part.table.replace_schema_metadata() for part in parts]), common)


def _all_of(values: Iterable[Any]) -> str:
    return "+".join(dict.fromkeys(map(str, values)))
