"""Ways to damage a file, each a function of its path and the random numbers, which says in words what it did."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Damage = Callable[[Path, random.Random], str]


def truncated(path: Path, rng: random.Random) -> str:
    """Its end is missing."""
    data = path.read_bytes()
    keep = rng.randrange(len(data))
    path.write_bytes(data[:keep])
    return f"cut to {keep} of {len(data)} bytes"


def empty(path: Path, rng: random.Random) -> str:
    """Nothing is left in it."""
    path.write_bytes(b"")
    return "empty"


def flipped(path: Path, rng: random.Random) -> str:
    """One to eight bits are others, anywhere, or at its beginning or its end."""
    data = bytearray(path.read_bytes())
    where = rng.choice(
        [range(len(data)), range(min(64, len(data))), range(max(0, len(data) - 2000), len(data))]
    )
    places = sorted(rng.choices(where, k=rng.randint(1, 8)))
    for place in places:
        data[place] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"bits flipped in bytes {', '.join(map(str, places))} of {len(data)}"


def zeroed(path: Path, rng: random.Random) -> str:
    """A sector holds zeros."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data)) // 512 * 512
    data[start : start + 512] = bytes(len(data[start : start + 512]))
    path.write_bytes(data)
    return f"zeros from byte {start} on"


def random_bytes(path: Path, rng: random.Random) -> str:
    """It holds something else, of the same length."""
    path.write_bytes(rng.randbytes(path.stat().st_size))
    return "other bytes"


def a_folder(path: Path, rng: random.Random) -> str:
    """A folder stands in its place."""
    path.unlink()
    path.mkdir()
    return "a folder in its place"


def foreign(path: Path, rng: random.Random) -> str:
    """Somebody else's Parquet file stands in its place."""
    pq.write_table(pa.table({"a": [rng.random()]}), path)
    return "somebody else's Parquet file"


def swapped(other: Path) -> Damage:
    """The file `other` stands in its place."""

    def swap(path: Path, rng: random.Random) -> str:
        path.write_bytes(other.read_bytes())
        return f"replaced by {other.parent.name}/{other.name}"

    return swap


BYTES: tuple[Damage, ...] = (truncated, empty, flipped, flipped, flipped, zeroed, random_bytes)


def remove(path: Path) -> None:
    """Delete a file, or the folder in its place."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
