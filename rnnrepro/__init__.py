"""rnnrepro: the reproduction of recurrent-network research.

Dimension alphabet used everywhere: S runs, B batch, T time, D input, N hidden, K output.
"""

from __future__ import annotations

import os
from typing import Any

# MKL chooses its kernels by the memory alignment of each matrix unless told otherwise. A run's slice of a
# stack is aligned as the stack has it, and a run's numbers must be the same bits alone and in any stack.
# The variable is read at the first product of the process; small products are up to a quarter slower for it.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "stack":  # imports torch: only who uses it pays for it
        from rnnrepro.stacking import stack

        return stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
