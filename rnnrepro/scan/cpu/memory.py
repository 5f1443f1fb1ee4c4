"""Memory that a process has once taken stays with it.

The arrays of one optimiser step are taken and given back a thousand times. glibc returns large ones to the system
at once, and each new one then costs a page fault every 4 kB: on a virtual machine more than all the arithmetic.
"""

from __future__ import annotations

import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
_KEEP = 2**31 - 1


def keep() -> None:
    """From now on large arrays are reused within the process; nothing happens without glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _KEEP)
    mallopt(_TRIM_THRESHOLD, _KEEP)
