"""Where, with what and when a bench was made."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from datetime import UTC, datetime
from typing import Any

import torch

from rnnrepro.bench import floors
from rnnrepro.training.provenance import device_name, versions


def described(device: str) -> dict[str, Any]:
    """Device, cores, load, versions, product rate (GFLOP/s by number of threads) and date; no name of the host."""
    counts = [n for n in (1, 2) if n <= cores()] if device == "cpu" else [1]
    return {
        "device": device,
        "device_name": device_name(torch.device(device)),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {**versions(), **_installed("numba", "scipy", "triton")},
        "products": blas() if device == "cpu" else f"CUDA {torch.version.cuda}",
        "product_rate": {str(n): round(floors.rate(n, device), 1) for n in counts},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blas() -> str:
    """The library that multiplies PyTorch's matrices on a CPU, with its version."""
    found = re.search(
        r"oneAPI Math Kernel Library Version [\d.]+(?:-Product Build \d+)?", torch.__config__.show()
    )
    if found:
        return found[0].split("-Product")[0]
    kind = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return f"BLAS: {kind[1]}" if kind else "BLAS: unknown"


def _installed(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
