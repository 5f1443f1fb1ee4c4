"""Removes leftovers: nothing that is held by a trainer, nothing through a link, nothing of an unknown name."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rnnrepro import locks
from rnnrepro.errors import Fault
from rnnrepro.watching import space
from rnnrepro.watching.compiled import LOCK
from rnnrepro.watching.leftovers import Leftover

_OF_STATE = ("lock", "checkpoint", "record.parquet")


class Refused(Exception):
    """Why something stays."""


def remove(found: Sequence[Leftover], say: Callable[[str], None], cache: Path) -> int:
    """Remove them, saying what stays and why; the bytes that became free."""
    freed = 0
    for one in found:
        lock = cache / LOCK if one.kind == "cache" else one.lock and one.lock / "lock"
        try:
            with _held(lock):
                if one.path == one.lock:
                    _folder(one.path)
                else:
                    _file(one.path)
        except Refused as why:
            say(f"{one.path}: stays, {why}")
        except OSError as error:
            say(f"{one.path}: stays ({error.strerror})")
        else:
            freed += one.bytes
    return freed


@contextmanager
def _held(lock: Path | None) -> Iterator[None]:
    """Hold a lock that trainers take, or refuse where one of them has it."""
    if lock is None:
        yield
        return
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        try:
            locks.take(handle, lock.parent, "remove it by hand when no trainer is at work", wait=False)
        except BlockingIOError:
            raise Refused("a trainer holds it") from None
        except Fault as fault:
            raise Refused(str(fault)) from None
        yield
    finally:
        os.close(handle)


def _folder(path: Path) -> None:
    """A state folder, if there is nothing in it but what trainers write. The lock goes last."""
    entries = list(os.scandir(path))
    for entry in entries:
        ours = entry.name in _OF_STATE or space.set_aside(entry.name) or entry.name.endswith(".part")
        if not ours or not entry.is_file(follow_symlinks=False):
            raise Refused(f"{entry.name} in it is none of a trainer's files")
    for entry in sorted(entries, key=lambda entry: entry.name == "lock"):
        os.unlink(entry.path)
    os.rmdir(path)


def _file(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Refused("it is not a plain file")
    path.unlink()
