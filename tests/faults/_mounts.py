"""Small and read-only file systems over folders of a trial; where mounting is not allowed, the nearest that is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def allowed() -> bool:
    """Whether this process may mount."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if _mount("-t", "tmpfs", "-o", "size=64k", "none", folder) != 0:
            return False
        _unmount(Path(folder))
    return True


@contextmanager
def small(folder: Path, room: int) -> Iterator[None]:
    """Within it, `folder` is a disk of its own with so many bytes left; then its content is on the usual one again."""
    copy = folder.with_name(f"{folder.name}.copy")
    shutil.copytree(folder, copy)
    if _mount("-t", "tmpfs", "-o", "size=64m", "none", str(folder)) != 0:
        raise RuntimeError("mount failed")
    try:
        shutil.copytree(copy, folder, dirs_exist_ok=True)
        shutil.rmtree(copy)
        found = os.statvfs(folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _resize(folder, max(1, used + room))  # of no bytes it would have no limit
        yield
        shutil.copytree(folder, copy, dirs_exist_ok=True)
    finally:
        _unmount(folder)
        shutil.rmtree(folder)
        copy.rename(folder)


def give_room(folder: Path) -> None:
    """Make the small disk a large one."""
    _resize(folder, 64 << 20)


def _resize(folder: Path, size: int) -> None:
    if _mount("-o", f"remount,size={size}", str(folder)) != 0:
        raise RuntimeError("remount failed")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Within it, nothing can be written into `folder`."""
    if not allowed():
        mode = folder.stat().st_mode
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(mode)
        return
    if _mount("--bind", str(folder), str(folder)) or _mount("-o", "remount,bind,ro", str(folder)):
        raise RuntimeError("bind mount failed")
    try:
        yield
    finally:
        _unmount(folder)


def _mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=True)
