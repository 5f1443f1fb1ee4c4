"""Verdicts as a file: `results/<scale>/claims.csv`."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rnnrepro.checksums import Damaged
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.errors import Fault
from rnnrepro.records import atomically

COLUMNS = tuple(f.name for f in dataclasses.fields(Verdict))
CHECKSUM = "checksum"
"""The last column: of all verdicts together, the same in every line; tables of earlier versions have none."""
_NUMBERS = ("p", "effect", "margin", "threshold")


def write(path: str | Path, verdicts: Iterable[Verdict]) -> None:
    """Write one line a verdict, whole or not at all. `n` reads `nnrnn 5; lstm 5`."""

    rows = [[str(_text(getattr(verdict, column))) for column in COLUMNS] for verdict in verdicts]
    header, checksum = [*COLUMNS, *[CHECKSUM] * bool(rows)], _checksum(rows)

    def fill(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([*row, checksum] for row in rows)

    atomically(path, fill)


def _checksum(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _text(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "few seeds" if value else ""
    return "; ".join(f"{arm} {n}" for arm, n in value.items()) if isinstance(value, dict) else value


def read(path: str | Path) -> list[Verdict]:
    """The verdicts that `write` wrote. Raises Damaged where they are others, and Fault for anything else."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            text = file.read()
        reader = csv.DictReader(io.StringIO(text))
        found, rows = tuple(reader.fieldnames or ()), list(reader)
    except OSError as error:
        raise Fault(f"{path}: cannot be read ({error.strerror}); `rnnrepro claims` writes it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Damaged(f"{path}: not a table of verdicts ({error}); delete it and run again") from None
    if found not in (COLUMNS, (*COLUMNS, CHECKSUM)) or not text.endswith("\n"):
        raise Damaged(f"{path}: not a table of verdicts; delete it and run again")
    if len(found) > len(COLUMNS):
        _check(rows, path)
    try:
        return [_verdict(row) for row in rows]
    except (ValueError, TypeError, AttributeError) as error:
        raise Damaged(f"{path}: not a table of verdicts ({error}); delete it and run again") from None


def _check(rows: Sequence[dict[str, str]], path: str | Path) -> None:
    said = {row.pop(CHECKSUM) for row in rows}
    if said != {_checksum([list(row.values()) for row in rows])}:
        raise Damaged(f"{path}: damaged (its verdicts do not fit their checksum); delete it and run again")


def _verdict(row: dict[str, str]) -> Verdict:
    """A line's verdict. Raises ValueError, TypeError or AttributeError where it is none."""
    if None in row or row["verdict"] not in VERDICTS:
        raise ValueError(f"expected {len(COLUMNS)} fields with a verdict, found {row['verdict']!r:.40}")
    numbers = {name: float(row[name]) if row[name] else None for name in _NUMBERS}
    n = {arm: int(count) for arm, count in (entry.rsplit(" ", 1) for entry in row["n"].split("; ") if entry)}
    found = {
        **row,
        **numbers,
        "n": n,
        "few_seeds": bool(row["few_seeds"]),
        "experiment": row["experiment"] or None,
    }
    return Verdict(**found)


def counted(verdicts: Sequence[Verdict]) -> str:
    """`3 supported, 1 inconclusive, 12 not run`."""
    counts = {kind: sum(v.verdict == kind for v in verdicts) for kind in VERDICTS}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no claims"
