"""rnnrepro: the reproduction of recurrent-network research.

Dimension alphabet used everywhere: S runs, B batch, T time, D input, N hidden, K output.
"""

from __future__ import annotations

import os
from typing import Any

from rnnrepro.environment import MKL_CBWR

os.environ.setdefault("MKL_CBWR", MKL_CBWR)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "stack":  # imports torch: only who uses it pays for it
        from rnnrepro.own_folder import check_caches
        from rnnrepro.stacking import stack

        check_caches()
        return stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
