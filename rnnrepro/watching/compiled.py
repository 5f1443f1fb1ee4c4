"""Compiled scans of other versions of this package or of Numba, in the cache folder that a user's projects share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rnnrepro.watching import space
from rnnrepro.watching.leftovers import Leftover

LOCK = "compiling.lock"
_PARTS = ("blas", "borrowing", "compiling", "inputs", "words")
_MODULE = re.compile(r"(rnnrepro_scan_[0-9a-f]{16})\.py")
_CODE = re.compile(r"(rnnrepro_scan_[0-9a-f]{16})\..*\.(nbi|nbc|pyc)(\.sha256)?")
_TOLD = re.compile(r"# ([0-9a-f]{16} numba \S+)")


def environment() -> str:
    """What the scans of this version say of themselves, as `rnnrepro.scan.cpu.kernels` has it; "" without Numba."""
    folder = Path(__file__).parents[1] / "scan" / "cpu"
    try:
        texts = [(folder / f"{name}.py").read_bytes() for name in _PARTS]
        return f"{hashlib.sha256(b''.join(texts)).hexdigest()[:16]} numba {version('numba')}"
    except (OSError, PackageNotFoundError):
        return ""


def others(cache: Path) -> Iterator[Leftover]:
    """Scans that say they are of another version, and compiled code whose scan is gone."""
    now = environment()
    if not now:
        return
    stay = set()
    files = list(space.files(cache))
    for entry in files:
        if match := _MODULE.fullmatch(entry.name):
            told = _told(Path(entry.path))
            if told in (now, ""):
                stay.add(match[1])
            else:
                yield Leftover("cache", Path(entry.path), space.room(entry))
    for entry in files:
        if (match := _CODE.fullmatch(entry.name)) and match[1] not in stay:
            yield Leftover("cache", Path(entry.path), space.room(entry))


def _told(path: Path) -> str:
    """What the last line of a generated module says of its version; "" where that cannot be read."""
    try:
        last = path.read_text(encoding="utf-8").strip().splitlines()[-1]
    except (OSError, UnicodeDecodeError, IndexError):
        return ""
    match = _TOLD.fullmatch(last)
    return match[1] if match else ""
