"""Locks of the operating system on open files: one goes with its process, however that ends."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

from rnnrepro.errors import Fault

_NONE_KEPT = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


def take(handle: int, place: Path, mend: str, *, wait: bool = True) -> None:
    """Lock the open file `handle`, which lies in the folder `place`, for this process alone.

    Raises BlockingIOError where another process has it and `wait` is False, and Fault, with the `mend`, where the file
    system keeps no locks, as Lustre mounted without `-o flock` and some NFS do.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NONE_KEPT:
            raise
        raise Fault(f"{place}: its file system keeps no locks ({error.strerror}); {mend}") from None
