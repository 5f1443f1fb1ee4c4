"""A bench on disk: rows as Parquet with the machine beside them, and the same as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnnrepro import records
from rnnrepro.bench import targets
from rnnrepro.errors import Fault

SCHEMA = pa.schema(
    [
        ("case", pa.string()),
        ("group", pa.string()),
        ("title", pa.string()),
        ("batch", pa.int64()),
        ("hidden", pa.int64()),
        ("time", pa.int64()),
        ("inputs", pa.int64()),
        ("contender", pa.string()),
        ("role", pa.string()),
        ("threads", pa.int64()),
        ("runs", pa.int64()),
        ("lead", pa.bool_()),
        ("rounds", pa.int64()),
        ("median", pa.float64()),
        ("minimum", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("over_base", pa.float64()),
        ("over_base_low", pa.float64()),
        ("over_base_high", pa.float64()),
        ("engine_over", pa.float64()),
        ("engine_over_low", pa.float64()),
        ("engine_over_high", pa.float64()),
        ("percent_of_floor", pa.float64()),
        ("gflops", pa.float64()),
    ]
)
NAME = "bench.parquet"


@dataclass(frozen=True)
class Bench:
    """`rows` by the columns of `SCHEMA`, seconds a call; `machine` says where, with what and when (UTC)."""

    rows: Sequence[Mapping[str, Any]]
    machine: Mapping[str, Any]

    @property
    def targets(self) -> list[targets.Judged]:
        """The targets with what was measured."""
        return targets.judged(self.rows, device=self.machine["device"], quick=self.machine["quick"])

    def of(self, group: str) -> dict[str, list[Mapping[str, Any]]]:
        """The rows of a group by case."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in self.rows:
            if row["group"] == group:
                found.setdefault(row["case"], []).append(row)
        return found


def write(path: Path, bench: Bench) -> list[Path]:
    """`path` and the same as JSON beside it; the files written. Raises Fault where they cannot be."""
    table = pa.Table.from_pylist([dict(row) for row in bench.rows], schema=SCHEMA)
    records.write(path, table, bench.machine)
    said = {
        "machine": dict(bench.machine),
        "targets": [
            {"case": j.target.case, "wanted": j.target.wanted, "measured": j.value, "state": j.state}
            for j in bench.targets
        ],
        "rows": table.to_pylist(),
    }
    text = json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    beside = path.with_suffix(".json")
    records.atomically(beside, lambda part: part.write_text(text, encoding="utf-8"))
    return [path, beside]


def read(path: Path) -> Bench:
    """The bench in a Parquet file. Raises Fault where it is missing, damaged or none."""
    found = records.read(path)
    if found.table.schema.names != SCHEMA.names:
        raise Fault(
            f"{path}: a results file, but not of a bench of this version; make it with: rnnrepro bench"
        )
    return Bench(found.table.to_pylist(), found.provenance)


def adopt(folder: Path, reference: Path) -> Path:
    """Copy the bench of `folder` into `reference` under its device's name; the file written.

    Raises Fault for a bench of tiny sizes, or of some of the cases.
    """
    bench = read(folder / NAME)
    for key, why in (("quick", "has tiny sizes"), ("only", "holds some of the cases alone")):
        if bench.machine[key]:
            raise Fault(f"{folder}: this bench {why} and is no reference; run it whole: rnnrepro bench")
    target = reference / f"{slug(bench.machine['device_name'])}.parquet"
    write(target, bench)
    return target


def slug(words: str) -> str:
    """`Intel(R) Xeon(R) Processor` -> `intel-xeon-processor`."""
    plain = re.sub(r"\((r|tm|c)\)", " ", words.lower())
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def kept(reference: Path) -> list[Bench]:
    """The benches of a reference folder, in the order of their names."""
    return [read(path) for path in sorted(reference.glob("*.parquet"))]
