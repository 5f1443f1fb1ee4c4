"""Files of rows such as `config/reported/` has them, for what reads them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write(path: Path, kind: type, rows: Sequence[Any]) -> None:
    """Write dataclasses of a kind, a line each; None as nothing."""
    columns = [field.name for field in dataclasses.fields(kind)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            ["" if (value := getattr(row, name)) is None else value for name in columns] for row in rows
        )
