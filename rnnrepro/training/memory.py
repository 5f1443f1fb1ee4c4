"""How much memory is free to this process, and which errors mean that there was not enough."""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60
_SHARED = 0.5  # of memory that other jobs may take from too, the rest is theirs, and for data and what is not counted
_OWN = 0.8  # of what a cluster has set aside for this job
_WORDS = ("not enough memory", "can't allocate memory", "DefaultCPUAllocator", "out of memory")

_OF_DEVICE = ("CUDA error", "CUDA driver error", "HIP error", "cuDNN error", "CUBLAS_STATUS", "No CUDA GPUs")


def free(device: torch.device) -> int:
    """Bytes free on the card, or to a process on this machine within the limits set to it (SLURM, cgroups, ulimit)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return max(0, min(_of_machine(), _of_cgroups(), _of_slurm(), _of_address_space()))


def usable(device: torch.device) -> int:
    """Bytes that the runs of a stack may take: half of what is free, or four fifths of what is this job's alone."""
    if device.type == "cuda" or _of_slurm() >= _NO_LIMIT:
        return int(_SHARED * free(device))
    return int(min(_OWN * free(device), _SHARED * _of_machine()))


def peak_mb() -> float:
    """The most memory that this process has held, in MB of 2^20 bytes."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # macOS counts bytes, others kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def device_failed(error: BaseException) -> bool:
    """Whether an error says that the card itself failed or is gone, after which the process can use it no more."""
    kinds = tuple(filter(None, [getattr(torch, "AcceleratorError", None)]))
    return isinstance(error, kinds) or (isinstance(error, RuntimeError) and str(error).startswith(_OF_DEVICE))


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


def _of_slurm(environment: Mapping[str, str] = os.environ) -> int:
    """What is left of the memory that SLURM gives this job, which it may enforce by looking rather than by a cgroup.

    In megabytes of 2^20 bytes, of the node or of each of its processors; 0 stands for all of the node's.
    """
    try:
        if "SLURM_JOB_ID" not in environment:
            return _NO_LIMIT
        most = int(environment.get("SLURM_MEM_PER_NODE") or 0)
        if not most:
            most = int(environment.get("SLURM_MEM_PER_CPU") or 0) * int(environment["SLURM_CPUS_ON_NODE"])
        return (most << 20) - _pages(1) if most else _NO_LIMIT
    except (KeyError, ValueError, OSError):
        return _NO_LIMIT


def _pages(column: int) -> int:
    """Bytes of this process: 0 of its address space, 1 of its resident set."""
    return int(Path("/proc/self/statm").read_text().split()[column]) * os.sysconf("SC_PAGE_SIZE")


def _of_address_space() -> int:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit in (resource.RLIM_INFINITY, -1):
            return _NO_LIMIT
        return limit - _pages(0)
    except (ImportError, OSError):
        return _NO_LIMIT
