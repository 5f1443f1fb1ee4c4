"""How many examples a run learns from when it is given a share of them."""

from __future__ import annotations

import math

from rnnrepro.errors import Fault

_ROUNDING = 1e-9  # 0.29 × 100 is less than 29 in binary


def shares(there: int, fraction: float, validation: float) -> tuple[int, int]:
    """(to train on, held out for validation): ⌊fraction · there⌋ examples, of which ⌊validation · those⌋ are held out.

    Raises Fault for shares out of range and where none is left to train on.
    """
    if not 0 < fraction <= 1:
        raise Fault(f"fraction {fraction}: expected a share of the training examples, above 0 and at most 1")
    if not 0 <= validation < 1:
        raise Fault(f"validation {validation}: expected a share of those chosen, at least 0 and below 1")
    chosen = math.floor(fraction * there + _ROUNDING)
    held_out = math.floor(validation * chosen + _ROUNDING)
    if chosen - held_out < 1:
        raise Fault(
            f"fraction {fraction} and validation {validation} of {there:,} examples leave none to train on"
        )
    return chosen - held_out, held_out
