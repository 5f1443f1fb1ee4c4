"""Look through files that the pipeline has written, whether each still holds what was written into it.

    rnnrepro verify                      # all below results/ and state/
    rnnrepro verify --remove results     # and remove the damaged ones, so that the next run makes them again
    rnnrepro verify --seal reference     # give files of earlier versions, which have none, a checksum

The workflow reads no damaged file, but it sees that one is damaged only when it reads it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnrepro import checksums
from rnnrepro.checksums import Damaged
from rnnrepro.errors import Fault

NAME, HELP = "verify", "look for damaged results and state"
_CLAIMS = "claims.csv"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("places", nargs="*", type=Path, metavar="PATH", help="default: results state")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--remove", action="store_true", help="remove the damaged files")
    chosen.add_argument(
        "--seal", action="store_true", help="trust the files that have no checksum, and write one into each"
    )


def run(args: argparse.Namespace) -> int:
    """Name every file with a fault; 1 if some are left with one."""
    places = args.places or [place for place in (Path("results"), Path("state")) if place.exists()]
    files = [path for place in places for path in _below(place)]
    if not files:
        where = " ".join(map(str, places)) or "results/ or state/"
        raise Fault(
            f"nothing to look at: no results, state or claims below {where}; name a folder that has some"
        )
    faults = removed = 0
    for path in files:
        try:
            _check(path, seal=args.seal)
        except Fault as fault:
            faults += 1
            if remove := args.remove and isinstance(fault, Damaged):
                _remove(path)
            removed += remove
            print(f"{'removed' if remove else 'error'}: {fault}", file=sys.stderr)
    print(f"{len(files)} files, {faults} with a fault, {removed} removed{': run again' * bool(removed)}")
    return 1 if faults > removed else 0


def _below(place: Path) -> Iterator[Path]:
    """The files to look at: what stands at `place`, or all below it. Raises Fault where nothing is."""
    if not place.exists():
        raise Fault(f"{place}: no such file or folder")
    if not place.is_dir():
        yield place
        return
    found = [*place.rglob("*.parquet"), *place.rglob("checkpoint"), *place.rglob(_CLAIMS)]
    yield from sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _check(path: Path, *, seal: bool) -> None:
    from rnnrepro import records
    from rnnrepro.claims import table

    if path.name == "checkpoint":
        checksums.behind(path.read_bytes(), path)
        return
    if path.name == _CLAIMS:
        table.read(path)
        return
    if seal:
        _seal(path)
    said = records.checked(path)
    if "runs" in said:
        records.check_cell(said, path)
    _check_place(path, said)


def _check_place(path: Path, said: Mapping[str, Any]) -> None:
    """Raises Damaged for a file that is whole but another cell's or another run's."""
    where = path.absolute().with_suffix("").as_posix()
    if "key" in said:
        right = where.endswith((f"/runs/{said['key']}", f"/costs/{said['key']}")) or not {
            "runs",
            "costs",
        } & set(path.parts)
    else:
        right = path.parent.name == f"{said.get('digest')}-{said.get('fingerprint')}" or path.stem != "record"
    if not right:
        what = said.get("key") or f"run {said.get('digest')}"
        raise Damaged(f"{path}: it is of {what}, put in the wrong place; delete it and run again")


def _seal(path: Path) -> None:
    """Write the file anew, with a checksum, if it has none; its date stays, lest all that follows be made again."""
    import pyarrow.parquet as pq

    from rnnrepro import bounded, provenance_form, records

    with records.reading(path):
        footer = pq.read_metadata(path)
        table, found = bounded.read(path, footer), footer.metadata or {}
    if checksums.ROWS in found or not (checksums.TEXT in found or table.schema.equals(records.COST_SCHEMA)):
        return
    with records.reading(path):
        said = provenance_form.parsed(found[checksums.TEXT]) if checksums.TEXT in found else _cell_of(path)
    date = path.stat().st_mtime_ns
    records.write(path, table, said)
    os.utime(path, ns=(date, date))


def _cell_of(costs: Path) -> dict[str, str]:
    """What a cost table is of, by its place: `SCALE/costs/KEY.parquet`."""
    parts = costs.absolute().with_suffix("").parts
    at = len(parts) - 1 - parts[::-1].index("costs")
    return {"scale": parts[at - 1], "key": "/".join(parts[at + 1 :])}


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise Fault(f"{path}: cannot be removed ({error.strerror})") from None
