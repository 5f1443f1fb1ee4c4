"""CSV files whose lines are dataclasses of one schema: read with every fault by line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rnnrepro.errors import Fault

Row = TypeVar("Row")


def read(
    path: str | Path,
    columns: Sequence[str],
    parse: Callable[[dict[str, str]], Row],
    faults_of: Callable[[Row], list[str]],
    faults_together: Callable[[Sequence[Row]], list[str]],
) -> list[Row]:
    """The rows of a file with exactly these columns.

    `parse` makes a row of the texts of a line, or raises TypeError or ValueError; the other two say what is wrong
    with a row by itself and with all of them together. Raises Fault with everything that is wrong, by line.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            found, raw = tuple(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Fault(f"{path}: cannot be read ({error})") from None
    if found != tuple(columns):
        raise Fault(f"{path}: the columns must be {','.join(columns)}")
    faults, rows = [], []
    for line, entry in enumerate(raw, start=2):
        try:
            if None in entry or None in entry.values():
                raise ValueError(f"expected {len(columns)} fields")
            row = parse(entry)
        except (TypeError, ValueError) as error:
            faults.append(f"{path}: row {line}: {error}")
            continue
        faults += [f"{path}: row {line}: {message}" for message in faults_of(row)]
        rows.append(row)
    faults += [f"{path}: {message}" for message in faults_together(rows)]
    if faults:
        raise Fault("\n".join(faults))
    return rows
