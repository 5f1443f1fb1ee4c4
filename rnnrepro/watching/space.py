"""How much room folders take on the disk, and what in them was set aside: counted for a limited time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Space:
    """`bytes` on the disk in `files` files; `whole` unless time ran out. `aside`: damaged files that were kept."""

    bytes: int = 0
    files: int = 0
    whole: bool = True
    aside: list[str] = field(default_factory=list)


def files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder; links are neither followed nor given."""
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield entry


def measured(folder: Path, seconds: float = 1.0) -> Space:
    """The room of a folder, or of as much of it as is looked through in so many seconds (a network's disk is slow)."""
    found, end = Space(), time.monotonic() + seconds
    for entry in files(folder):
        if time.monotonic() > end:
            found.whole = False
            break
        found.files += 1
        found.bytes += room(entry)
        if set_aside(entry.name):
            found.aside.append(entry.path)
    return found


def room(entry: os.DirEntry[str]) -> int:
    """Bytes on the disk; 0 of a file that went away meanwhile."""
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0


def modified(entry: os.DirEntry[str]) -> float:
    """When a file was written; now, of one that went away meanwhile."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return time.time()


def set_aside(name: str) -> bool:
    """Whether a file of this name is one that was found damaged and kept."""
    return ".damaged" in name
