"""What a disk refuses a pipeline, in one line with its mend, where no job says it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnnrepro import records

_FROM_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_WRITTEN = {"results", "logs", "benchmarks", "state", ".snakemake"}
_ROOM = 1 << 20


def words(error: BaseException) -> str:
    """The line for an exception that comes from a disk, by itself or below another; "" for any other."""
    for one in _chain(error):
        if not isinstance(one, OSError):
            continue
        path = Path(one.filename or os.getcwd())
        if one.errno == errno.EIO:
            return f"error: {path}: the disk fails ({one.strerror}); mend that, and run again"
        if one.errno in _FROM_A_DISK or (one is error and _is_written(path)):
            return f"error: {records.unwritable(path, one)}"
    return ""


def _is_written(path: Path) -> bool:
    """Whether it is among what a pipeline writes: of any other file that is not there Snakemake tells more."""
    return Path(os.path.relpath(path)).parts[0] in _WRITTEN


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        yield from (inner for inner in error.args if isinstance(inner, BaseException))
        error = error.__cause__ or error.__context__


def refused(folders: Iterable[Path]) -> str:
    """The line for the first of the folders into which not even a megabyte can be written; "" if there is none."""
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(_ROOM))
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"error: {records.unwritable(folder, error)}"
    return ""
