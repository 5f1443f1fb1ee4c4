"""Verdicts as a file: `results/<scale>/claims.csv`."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.errors import Fault
from rnnrepro.records import atomically

COLUMNS = tuple(f.name for f in dataclasses.fields(Verdict))
_NUMBERS = ("p", "effect", "margin", "threshold")


def write(path: str | Path, verdicts: Iterable[Verdict]) -> None:
    """Write one line a verdict, whole or not at all. `n` reads `nnrnn 5; lstm 5`."""

    def fill(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([_text(getattr(verdict, column)) for column in COLUMNS] for verdict in verdicts)

    atomically(path, fill)


def _text(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "few seeds" if value else ""
    return "; ".join(f"{arm} {n}" for arm, n in value.items()) if isinstance(value, dict) else value


def read(path: str | Path) -> list[Verdict]:
    """The verdicts that `write` wrote. Raises Fault for anything else."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            found, rows = tuple(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Fault(f"{path}: cannot be read ({error}); `rnnrepro claims` writes it") from None
    if found != COLUMNS:
        raise Fault(f"{path}: not a table of verdicts; `rnnrepro claims` writes it")
    try:
        return [_verdict(row) for row in rows]
    except (ValueError, TypeError, AttributeError) as error:
        raise Fault(f"{path}: not a table of verdicts ({error}); `rnnrepro claims` writes it anew") from None


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
