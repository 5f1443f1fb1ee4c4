"""Checksums in the files that we write, so that damage is never read as something else.

A checkpoint begins with the SHA-256 of what follows. A Parquet file carries, in its metadata, one of its columns, its
rows and what is said beside them: Parquet's own pages are written without any, so that a flipped bit would be read as
another number. It is taken of the values, not of the file's bytes, and so does not depend on how the rows are grouped,
encoded or compressed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from rnnrepro.errors import Fault

TEXT, ROWS, WHOLE = b"rnnrepro", b"rnnrepro.rows.sha256", b"rnnrepro.sha256"
"""Keys of a file's metadata: what is said beside the rows (JSON), the checksum of the rows, that of both together."""


class Damaged(Fault):
    """A file that does not hold what was written into it."""


class Rows:
    """The SHA-256 of a table's columns and rows, which may be given in parts."""

    def __init__(self, schema: pa.Schema) -> None:
        self._named = [f"{field.name}:{field.type}\n".encode() for field in schema]
        self._columns = [_Column() for _ in schema]

    def add(self, table: pa.Table) -> None:
        """Take in the next rows."""
        for kept, column in zip(self._columns, table.columns, strict=True):
            for chunk in column.chunks:
                kept.add(chunk)

    def hexdigest(self) -> str:
        """The checksum of all that was given."""
        parts = zip(self._named, self._columns, strict=True)
        return hashlib.sha256(b"".join(name + column.digest() for name, column in parts)).hexdigest()


class _Column:
    """Checksums of a column: of its values, of the lengths of its texts, and of which values are none."""

    def __init__(self) -> None:
        self._parts = self._values, self._lengths, self._there = [hashlib.sha256() for _ in range(3)]

    def add(self, chunk: pa.Array) -> None:
        self._there.update(chunk.is_valid().to_numpy(zero_copy_only=False).tobytes())
        if chunk.null_count:
            chunk = chunk.drop_null()
        if pa.types.is_string(chunk.type):
            self._add_texts(chunk)
            return
        numbers = chunk.to_numpy(zero_copy_only=False)
        if numbers.dtype.kind == "f":
            numbers = np.where(
                np.isnan(numbers), np.nan, numbers
            )  # not a number is one value, whatever its bits
        self._values.update(np.ascontiguousarray(numbers).tobytes())

    def _add_texts(self, chunk: pa.Array) -> None:
        _, offsets, text = chunk.buffers()
        if len(chunk) and offsets is not None:
            ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            self._lengths.update(np.diff(ends).tobytes())
            self._values.update(memoryview(text)[ends[0] : ends[-1]] if text else b"")

    def digest(self) -> bytes:
        return b"".join(part.digest() for part in self._parts)


def of_rows(table: pa.Table) -> str:
    """The checksum of a table's columns and rows."""
    rows = Rows(table.schema)
    rows.add(table)
    return rows.hexdigest()


def metadata(rows: str, text: bytes) -> dict[bytes, bytes]:
    """What a file says of itself: `text` (JSON) and the checksums."""
    return {TEXT: text, ROWS: rows.encode(), WHOLE: _whole(rows.encode(), text)}


def text_of(found: Mapping[bytes, bytes] | None, path: object) -> bytes:
    """The JSON beside a file's rows, checked. Raises Damaged, or Fault where it has no checksum or is not ours."""
    found = found or {}
    if not {TEXT, ROWS, WHOLE} & found.keys():
        raise Fault(f"{path}: a Parquet file, but not one of ours (no provenance); delete it and run again")
    if ROWS not in found or WHOLE not in found or TEXT not in found:
        raise Fault(
            f"{path}: no checksum, as in files of earlier versions; to trust it: rnnrepro verify --seal {path}; or "
            "delete it and run again"
        )
    if found[WHOLE] != _whole(found[ROWS], found[TEXT]):
        raise Damaged(f"{path}: damaged (its provenance does not fit its checksum); delete it and run again")
    return found[TEXT]


def check_rows(digest: str, found: Mapping[bytes, bytes], path: object) -> None:
    """Raise Damaged where rows of this checksum are not those of a file's metadata, whose text has been checked."""
    if found[ROWS] != digest.encode():
        raise Damaged(f"{path}: damaged (its rows do not fit their checksum); delete it and run again")


def _whole(rows: bytes, text: bytes) -> bytes:
    return hashlib.sha256(rows + b"\n" + text).hexdigest().encode()


def before(data: bytes) -> bytes:
    """`data` with its checksum before it."""
    return hashlib.sha256(data).digest() + data


def behind(stored: bytes, path: object) -> bytes:
    """What stands behind a checksum. Raises Damaged where it does not fit it."""
    size = hashlib.sha256().digest_size
    if hashlib.sha256(stored[size:]).digest() != stored[:size]:
        raise Damaged(f"{path}: damaged (its content does not fit its checksum); delete it and run again")
    return stored[size:]
