"""rnnrepro: the reproduction of recurrent-network research.

Dimension alphabet used everywhere: S runs, B batch, T time, D input, N hidden, K output.
"""

from __future__ import annotations

__version__ = "0.1.0"
