"""How much memory is free to this process, and which errors mean that there was not enough."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import torch

_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60
_WORDS = ("not enough memory", "can't allocate memory", "DefaultCPUAllocator", "out of memory")


def free(device: torch.device) -> int:
    """Bytes free on the card, or to a process on this machine within the limits set to it (cgroups, ulimit)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return max(0, min(_of_machine(), _of_cgroups(), _of_address_space()))


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def tidy() -> None:
    """Give back what a failed training has left behind: cycles of Python's objects, and a card's cached blocks."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _of_machine() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = dict(line.split(":", 1) for line in lines)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_cgroups(own: Path = Path("/proc/self/cgroup"), top: Path = _CGROUPS) -> int:
    """What the tightest of the process' control groups leaves, of version 2 or 1; pages of files count as free."""
    least = _NO_LIMIT
    try:
        lines = own.read_text(encoding="ascii").split()
    except OSError:
        return least
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = top, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = (
                top / "memory",
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
            )
        else:
            continue
        folder = root / path.lstrip("/")
        for group in (folder, *folder.parents):
            least = min(least, _left(group, *names))
            if group == root:
                break
    return least


def _left(group: Path, limit: str, used: str, reclaimable: str) -> int:
    try:
        most, now = ((group / name).read_text(encoding="ascii").strip() for name in (limit, used))
        if most == "max" or int(most) >= _NO_LIMIT:
            return _NO_LIMIT
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(most) - int(now) + int(statistics.get(reclaimable, 0))
    except (OSError, ValueError):
        return _NO_LIMIT


def _of_address_space() -> int:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit in (resource.RLIM_INFINITY, -1):
            return _NO_LIMIT
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return limit - pages * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError):
        return _NO_LIMIT
