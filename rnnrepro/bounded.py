"""The rows of a Parquet file, read only where they take bounded memory: a few MB may stand for any number of rows.

Of a column of texts a page holds each text once and a number for each row. So texts are read as such numbers, and
written out only when it is known how long that will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnrepro.errors import Fault

ROWS = 1 << 24
"""Most rows of a results file; the longest of the papers' cells has some 10⁵ at scale `small`."""
UNPACKED_BYTES = 1 << 30
"""Most bytes of a file's columns when unpacked, texts once."""
TEXT_BYTES = 1 << 31
"""Most bytes of one column of texts, written out for each row."""


def check(path: str | Path, found: pq.FileMetaData) -> None:
    """Raise Fault for a file whose footer announces too many rows or bytes; ValueError for columns of other types."""
    unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    _check_size(path, found.num_rows, unpacked)
    _check_types(found)


def read(path: str | Path, found: pq.FileMetaData) -> pa.Table:
    """The rows of the file at `path`, its footer `found`. Raises as `check` does, and ValueError for long texts."""
    check(path, found)
    return _with_texts(pq.read_table(path, partitioning=None, read_dictionary=_texts(found)))


def parts(path: str | Path, found: pq.FileMetaData) -> Iterator[pa.Table]:
    """The rows of a file of any length, a group of rows at a time. Raises as `read` does, of each group."""
    _check_types(found)
    with pq.ParquetFile(path, read_dictionary=_texts(found)) as file:
        for place in range(found.num_row_groups):
            group = found.row_group(place)
            _check_size(path, group.num_rows, group.total_byte_size)
            yield _with_texts(file.read_row_group(place))


def _check_size(path: str | Path, rows: int, unpacked: int) -> None:
    if rows > ROWS:
        raise Fault(f"{path}: expected a results file of at most {ROWS:,} rows, found {rows:,}")
    if unpacked > UNPACKED_BYTES:
        raise Fault(f"{path}: expected to unpack to at most {UNPACKED_BYTES:,} bytes, found {unpacked:,}")


def _check_types(found: pq.FileMetaData) -> None:
    for field in found.schema.to_arrow_schema():
        if not (_is_text(field) or _is_number(field.type)):
            raise ValueError(f"expected columns of numbers and texts, found {str(field.type)[:40]}")


def _texts(found: pq.FileMetaData) -> list[str]:
    return [field.name for field in found.schema.to_arrow_schema() if _is_text(field)]


def _with_texts(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            chunks = [_written_out(chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, field.name, pa.chunked_array(chunks, pa.string()))
    return table


def _written_out(texts: pa.DictionaryArray) -> pa.StringArray:
    longest = pc.max(pc.binary_length(texts.dictionary)).as_py() or 0
    if longest * len(texts) > TEXT_BYTES:
        raise ValueError(f"expected texts of at most {TEXT_BYTES:,} bytes in a column, found more")
    return texts.dictionary_decode()


def _is_text(field: pa.Field) -> bool:
    return pa.types.is_string(field.type)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
