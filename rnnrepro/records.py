"""Results as one long table: a row for each (run, step, split, metric, index), with its provenance beside it.

The rows of the same settings on the same kind of processor are the same, byte for byte. What differs from one
training to the next (wall time, memory, host, date) is kept in a cost table of its own. Every file carries a checksum
(`rnnrepro.checksums`), and none is read that does not fit it.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rnnrepro import bounded, checksums, provenance_form
from rnnrepro.checksums import Damaged
from rnnrepro.errors import Fault

_IDENTITY = [
    ("paper", pa.string()),
    ("experiment", pa.string()),
    ("model", pa.string()),
    ("slice", pa.string()),
    ("point", pa.string()),
    ("seed", pa.int64()),
]
SCHEMA = pa.schema(
    [
        *_IDENTITY,
        ("step", pa.int64()),
        ("split", pa.string()),
        ("metric", pa.string()),
        ("index", pa.int32()),
        ("value", pa.float64()),
    ]
)
RUN_SCHEMA = pa.schema([f for f in SCHEMA if f.name in ("step", "split", "metric", "index", "value")])
COST_SCHEMA = pa.schema(
    [
        *_IDENTITY,
        ("steps", pa.int64()),
        ("seconds", pa.float64()),
        ("peak_memory_mb", pa.float64()),
        ("stack", pa.int64()),
        ("device", pa.string()),
        ("host", pa.string()),
        ("finished", pa.string()),
    ]
)


@dataclass(frozen=True)
class CellRecords:
    """One cell's rows and provenance, or those of all cells of an arm together (`rnnrepro.arms`)."""

    table: pa.Table
    provenance: dict[str, Any]

    @property
    def key(self) -> str:
        """`paper/experiment/arm`, behind it the slice of a grid where this is one."""
        return self.provenance["key"]

    @property
    def cells(self) -> dict[str, list[dict[str, Any]]]:
        """{cell key: its runs}: one entry, or one for each cell of an arm."""
        found: dict[str, list[dict[str, Any]]] = {}
        for run in self.provenance["runs"]:
            found.setdefault(run.get("cell", self.key), []).append(run)
        return found

    @property
    def status(self) -> dict[tuple[str, int], str]:
        """{(grid point, seed): finished | diverged}."""
        return {(run["point"], run["seed"]): run["status"] for run in self.provenance["runs"]}

    def frame(self) -> Any:
        """The rows as a pandas data frame."""
        return self.table.to_pandas()


def atomically(path: str | Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place: never a half-written file.

    Raises Fault where the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        if error.errno == errno.ENOENT and path.parent.is_dir():  # it is there, and takes none: such as /proc
            raise Fault(f"{path}: no file can be made in {path.parent}; name another folder") from None
        raise Fault(unwritable(path, error)) from None
    try:
        write(Path(name))
        with open(name, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(name, 0o666 & ~_UMASK)
        os.replace(name, path)
    except OSError as error:
        raise Fault(unwritable(path, error)) from None
    finally:
        with suppress(OSError):
            os.unlink(name)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY)


def unwritable(path: Path, error: OSError) -> str:
    """What keeps a file from being written, and the mend."""
    why = error.strerror or str(error).partition("\n")[0]
    if error.errno in _FULL or any(os.strerror(number) in why for number in _FULL):  # Arrow's have no number
        return f"{path}: could not be written ({why}); make room and run again"
    if error.errno in _IN_THE_WAY:
        return f"{path}: cannot be written ({why}): what stands in its place must go; then run again"
    if error.errno == errno.ENOENT:
        return f"{path}: could not be written ({why}): its folder was removed; run again"
    return f"{path}: cannot be written ({why}); make its folder writable or name another, and run again"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()


def write(path: str | Path, table: pa.Table, provenance: Mapping[str, Any]) -> None:
    """Write `table` with its provenance as Parquet, atomically, with a checksum of both."""
    text = json.dumps(provenance, sort_keys=True, allow_nan=False).encode()
    table = table.replace_schema_metadata(checksums.metadata(checksums.of_rows(table), text))
    atomically(path, lambda part: pq.write_table(table, part, compression="zstd"))


def read(path: str | Path) -> CellRecords:
    """Read a cell's (or a run's) file. Raises Damaged, or Fault where it is missing, unreadable or not ours."""
    with reading(path):
        # in this order: of somebody else's file the rows need not be read
        footer = pq.read_metadata(path)
        said = footer.metadata or {}
        provenance = provenance_form.parsed(checksums.text_of(said, path))
        table = bounded.read(path, footer)
        checksums.check_rows(checksums.of_rows(table), said, path)
    return CellRecords(table, provenance)


def checked(path: str | Path) -> dict[str, Any]:
    """The provenance of a file whose rows fit their checksum. Raises as `read` does.

    That of all metrics, which names its `cells`, may be of any length: it is read a group of rows at a time.
    """
    with reading(path):
        footer = pq.read_metadata(path)
        said = footer.metadata or {}
        provenance = provenance_form.parsed(checksums.text_of(said, path))
        if "cells" not in provenance:
            bounded.check(path, footer)
        rows = checksums.Rows(footer.schema.to_arrow_schema())
        for part in bounded.parts(path, footer):
            rows.add(part)
        checksums.check_rows(rows.hexdigest(), said, path)
    return provenance


def provenance_of(path: str | Path) -> dict[str, Any]:
    """The provenance alone, held against its own checksum, without reading the rows. Raises Fault as `read` does."""
    with reading(path):
        return provenance_form.parsed(checksums.text_of(metadata_of(path), path))


def cell_provenance_of(path: str | Path) -> dict[str, Any]:
    """`provenance_of` a cell's file. Raises Damaged where it lacks what every cell's has."""
    found = provenance_of(path)
    check_cell(found, path)
    return found


def check_cell(provenance: Mapping[str, Any], path: str | Path) -> None:
    """Raise Damaged where the provenance in the file at `path` lacks what every cell's has."""
    with reading(path):
        provenance_form.check_cell(provenance)


def metadata_of(path: str | Path) -> dict[bytes, bytes]:
    """What a Parquet file says beside its rows: of the file, since one written in parts has nothing in its schema."""
    return pq.read_metadata(path).metadata or {}


_UNREADABLE = (
    pa.ArrowException,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    MemoryError,
    RecursionError,
)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Say in one sentence why a Parquet file could not be read: a damaged one makes the reader fail in many ways."""
    try:
        yield
    except FileNotFoundError:
        raise Fault(f"{path}: no such results file; train it first") from None
    except _UNREADABLE as error:
        if Path(path).is_dir():
            raise Fault(
                f"{path}: a folder; name a file in it, or remove what stands in a file's place"
            ) from None
        if why := getattr(error, "strerror", None):  # the disk's own word; the reader's errors have none
            raise Fault(f"{path}: cannot be read ({why}); mend that, or delete it and run again") from None
        if Path(path).suffix != ".parquet":  # nothing that we wrote, and not ours to have deleted
            raise Fault(f"{path}: no results file; name one that ends in .parquet") from None
        said = str(error).partition("\n")[0] or type(error).__name__
        reason = "".join(letter if letter.isprintable() else "?" for letter in said)
        raise Damaged(f"{path}: damaged results file ({reason}); delete it and run again") from None


def rows(history: Iterable[tuple[int, str, str, int, float]]) -> pa.Table:
    """(step, split, metric, index, value) tuples as a run's table."""
    columns = list(zip(*history, strict=True)) or [()] * len(RUN_SCHEMA)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, RUN_SCHEMA, strict=True)], schema=RUN_SCHEMA
    )


def assembled(runs: Sequence[tuple[Mapping[str, Any], pa.Table]]) -> pa.Table:
    """The rows of several runs as a cell's table; each run comes with its identifying columns."""
    parts = []
    for identity, table in runs:
        columns = [
            table[f.name]
            if f.name in RUN_SCHEMA.names
            else pa.array([identity[f.name]] * table.num_rows, f.type)
            for f in SCHEMA
        ]
        parts.append(pa.table(columns, schema=SCHEMA))
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table()


def write_costs(path: str | Path, entries: Sequence[Mapping[str, Any]], *, scale: str, key: str) -> None:
    """Write the cost table of the cell `key` at a scale."""
    table = pa.Table.from_pylist(list(entries), schema=COST_SCHEMA)
    write(path, table, {"scale": scale, "key": key})
