"""Machine code kept on disk is run only if it is what was written there.

Numba runs whatever stands in its cache: a file cut short ends the process with an error of pickle's, and a flipped bit
is run as it is. So each of its files gets one beside it with its checksum; what does not fit is compiled again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from numba.core import caching

_ENDING = ".sha256"


class Checked(caching.IndexDataCacheFile):
    """Numba's cache of one function: an index, and a data file for each kind of arguments and processor."""

    def _load_index(self) -> dict:
        return super()._load_index() if _whole(Path(self._index_path)) else {}

    def _load_data(self, name: str) -> tuple:
        if not _whole(Path(self._data_path(name))):
            raise OSError(f"{name}: not what was written")  # which numba takes for a file that is not there
        return super()._load_data(name)

    def _save_index(self, overloads: dict) -> None:
        super()._save_index(overloads)
        _seal(Path(self._index_path))

    def _save_data(self, name: str, data: tuple) -> None:
        super()._save_data(name, data)
        _seal(Path(self._data_path(name)))


def check() -> None:
    """From now on this process checks what it loads, and writes checksums of what it compiles."""
    caching.IndexDataCacheFile = Checked


def drop_bytecode(folder: Path) -> None:
    """Remove the bytecode of generated modules, which Python would run unchecked; it is made again in no time."""
    for path in folder.glob("__pycache__/*.pyc"):
        with suppress(OSError):
            path.unlink()


def _whole(path: Path) -> bool:
    try:
        return path.with_name(path.name + _ENDING).read_text() == _digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _seal(path: Path) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as part:
        part.write(_digest(path))
    os.replace(part.name, path.with_name(path.name + _ENDING))
