"""Put the results of all cells of a scale into one Parquet file.

    rnnrepro metrics --scale quick --output results/quick/metrics.parquet

One row a measurement, as in the cells' own files, with the scale before it and the run's status behind it. Cells are
copied one after the other, a row group each, so that memory does not grow with their number.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rnnrepro import plan
from rnnrepro.cli.common import check_settings, results_of, results_options
from rnnrepro.errors import Fault

NAME, HELP = "metrics", "put the results of all cells of a scale into one file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: metrics.parquet among the results"
    )
    results_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file and say how much went into it."""
    project, scale, results = results_of(args)
    cells = plan.cells(project, scale)
    check_settings(args, results, cells)
    output = args.output or results / "metrics.parquet"
    rows = gather(cells, results, output)
    print(f"{output}: {rows:,} rows of {len(cells)} cells")
    return 0


def gather(cells: Sequence[plan.Cell], results: Path, output: Path) -> int:
    """Copy the cells' rows to `output`, put in place whole; the number of rows. Raises Fault for a missing cell."""
    from rnnrepro import records

    missing = [path for cell in cells if not (path := results / cell.path).exists()]
    if missing:
        raise Fault(
            f"{len(missing)} of {len(cells)} cells have no results, the first {missing[0]}; train them first"
        )
    rows = 0

    def fill(part: Path) -> None:
        nonlocal rows
        rows = _copy(cells, results, part)

    records.atomically(output, fill)
    return rows


def _copy(cells: Sequence[plan.Cell], results: Path, part: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from rnnrepro import arms, checksums, records

    text = pa.string()
    schema = pa.schema([("scale", text), *records.SCHEMA, ("status", text)])
    digest, rows = checksums.Rows(schema), 0
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for cell in cells:
            found = arms.of_cell(cell, results)
            points, seeds = (found.table[name].to_pylist() for name in ("point", "seed"))
            runs = list(zip(points, seeds, strict=True))
            if unknown := set(runs) - found.status.keys():
                raise Fault(
                    f"{results / cell.path}: it has rows of runs that it does not name, such as {next(iter(unknown))}; "
                    "delete it and run again"
                )
            columns = [
                pa.array([cell.scale] * found.table.num_rows, text),
                *(found.table[n] for n in records.SCHEMA.names),
                pa.array([found.status[run] for run in runs], text),
            ]
            table = pa.table(columns, schema=schema)
            writer.write_table(table)
            digest.add(table)
            rows += table.num_rows
        said = json.dumps({"cells": [cell.key for cell in cells]}).encode()
        writer.add_key_value_metadata(checksums.metadata(digest.hexdigest(), said))
    return rows
