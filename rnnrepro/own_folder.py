"""The folder of compiled scans holds code: it is used only where nobody else can have put something into it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rnnrepro.errors import Fault


def check_caches() -> None:
    """Raise Fault where a folder that compiled scans are loaded from belongs to another user, or lets others write.

    That is `RNNREPRO_CACHE`, else `rnnrepro` in the user's cache folder, and Numba's `NUMBA_CACHE_DIR`. A folder that
    is not there yet is made for its user alone.
    """
    if not hasattr(os, "geteuid"):
        return
    named = {name: os.environ.get(name) for name in ("RNNREPRO_CACHE", "NUMBA_CACHE_DIR")}
    places = {name: Path(place) for name, place in named.items() if place}
    if "RNNREPRO_CACHE" not in places:
        try:
            home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            places["RNNREPRO_CACHE"] = home / "rnnrepro"
        except RuntimeError:
            pass  # a user without a home has no folder there either
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
