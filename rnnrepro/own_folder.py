"""The folder of compiled scans: where it is. It holds code, and is used only where nobody else can have written to it.

`rnnrepro.scan.source` has the place a second time, for its own text is part of what a training's code is known by.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from rnnrepro.errors import Fault


def cache_folder() -> Path:
    """Where compiled scans are kept, which need not be there: `RNNREPRO_CACHE`, or `rnnrepro` in the user's caches.

    Raises Fault for a user without a home: `rnnrepro.scan.source` asks for it even where a folder is named.
    """
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        raise Fault("this user has no home folder: name a folder for caches with XDG_CACHE_HOME") from None
    return Path(os.environ.get("RNNREPRO_CACHE") or caches / "rnnrepro")


def check_caches() -> None:
    """Raise Fault where a folder that compiled scans are loaded from belongs to another user, or lets others write.

    That is the folder of compiled scans and Numba's `NUMBA_CACHE_DIR`. One that is not there yet is made for its user
    alone. Raises Fault too for a user without a home, as `cache_folder` does.
    """
    if not hasattr(os, "geteuid"):
        return
    places = {}
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        places["NUMBA_CACHE_DIR"] = Path(named)
        with suppress(OSError):  # Numba would make it by the umask, which often lets a group write
            places["NUMBA_CACHE_DIR"].mkdir(mode=0o700, parents=True)
    places["RNNREPRO_CACHE"] = cache_folder()
    for name, place in places.items():
        inner = [] if _closed(place) else [place / "__pycache__"]
        for folder in (place, *inner):
            if fault := _shared(folder):
                raise Fault(
                    f"{folder}: {fault}; compiled code is loaded from it: name another folder with {name}"
                )


def _shared(folder: Path) -> str:
    """In words, who else may have written there; "" if nobody, or if nothing is there."""
    try:
        found = os.stat(folder)
    except OSError:
        return ""
    if found.st_uid not in (os.geteuid(), 0):
        return "it belongs to another user"
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it (`chmod go-w` if all in it is yours)"
    return ""


def _closed(folder: Path) -> bool:
    """Whether nobody else can enter it."""
    try:
        return not stat.S_IMODE(os.stat(folder).st_mode) & (stat.S_IXGRP | stat.S_IXOTH)
    except OSError:
        return True
