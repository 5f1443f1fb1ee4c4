"""Whether results are those of a pipeline that was never disturbed: byte for byte where it is about numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rnnrepro import records
from rnnrepro.errors import Fault

Found = dict[str, str]

NUMBERS = (".csv", ".md", ".tex", ".gz")  # of exhibits, the claims, data
PAGES = (".html", ".ipynb")  # times and costs stand in some of them: they must be there and whole


def found(place: Path) -> Found:
    """{file: a digest of what must be equal in it, or what is wrong with it} of the results and data in `place`."""
    return {str(path.relative_to(place)): _content(path) for path in _files(place)}


def names(place: Path) -> set[str]:
    """The files of results and data in `place`."""
    return {str(path.relative_to(place)) for path in _files(place)}


def differences(expected: Found, got: Found) -> list[str]:
    """In words, each file of `expected` that is missing, damaged or other in `got`."""
    return [
        f"{name}: {'missing' if name not in got else got[name] if ' ' in got[name] else 'other contents'}"
        for name, content in expected.items()
        if got.get(name) != content
    ]


def _files(place: Path) -> Iterator[Path]:
    for top in (place / "results", place / "resources"):
        for path in sorted(top.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path


def _content(path: Path) -> str:
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".sha256":  # Snakemake's mark that a data set is there; nobody reads it
        return "there"
    if path.suffix in NUMBERS:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix in PAGES:
        return _page(path)
    return "there" if path.stat().st_size else "it is empty"


def _page(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").rstrip()
    if path.suffix == ".ipynb":
        try:
            return hashlib.sha256(json.dumps(json.loads(text), sort_keys=True).encode()).hexdigest()
        except ValueError:
            return "it is no whole notebook"
    return "a page" if text.endswith("</html>") else "it is no whole page"


def _parquet(path: Path) -> str:
    """Of records the rows and the provenance; of costs, which no two trainings share, who they are of."""
    try:
        if "runs" in path.parts:
            one = records.read(path)
            return (
                _digest(one.table)
                + hashlib.sha256(json.dumps(one.provenance, sort_keys=True).encode()).hexdigest()
            )
        table = pq.read_table(path)
    except (Fault, pa.ArrowException, OSError) as error:
        return f"it cannot be read ({error})"
    return _digest(table.select([n for n in table.column_names if n not in _COSTS]))


_COSTS = {"seconds", "peak_memory_mb", "stack", "device", "host", "finished"}


def _digest(table: pa.Table) -> str:
    """SHA-256 of the rows in one batch, whatever row groups they came in."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
        writer.write_table(table.replace_schema_metadata(None).combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()
