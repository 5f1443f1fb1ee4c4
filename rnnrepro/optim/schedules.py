"""Learning-rate schedules: pure functions of a run's past, so that a resumed run needs no schedule state."""

from __future__ import annotations

from collections.abc import Sequence

History = Sequence[tuple[int, float]]


def constant(step: int, history: History) -> float:
    """Factor 1 throughout."""
    return 1.0


def halve_on_plateau(step: int, history: History) -> float:
    """2^−k after k evaluations, up to `step`, that brought no new best validation loss.

    `history`: (step, validation loss) of one run, in order. The first evaluation always is a best; a loss
    equal to the best is none, and neither is one that is not a number. The halvings add up and are never
    undone (nnRNN, Penn Treebank; the authors' code).
    """
    best, factor = float("inf"), 1.0
    for at, value in history:
        if at > step:
            break
        if value < best:
            best = value
        else:
            factor /= 2
    return factor
