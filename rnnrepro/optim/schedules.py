"""Learning-rate schedules: pure functions of a run's past, so that a resumed run needs no schedule state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

History = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Moment:
    """What a schedule may look at before a step is made.

    `steps` and `epochs`: how many are complete. `history`: (step, validation loss) of one run, in order. `training`:
    the settings that the schedule's row names as its arguments.
    """

    steps: int
    epochs: int = 0
    history: History = ()
    training: Mapping[str, Any] = field(default_factory=dict)


def constant(now: Moment) -> float:
    """Factor 1 throughout."""
    return 1.0


def halve_on_plateau(now: Moment) -> float:
    """2^−k after k evaluations so far that brought no new best validation loss.

    The first evaluation always is a best; a loss equal to the best is none, and neither is one that is not a number.
    The halvings add up and are never undone (nnRNN, Penn Treebank; the authors' code).
    """
    best, factor = float("inf"), 1.0
    for at, value in now.history:
        if at > now.steps:
            break
        if value < best:
            best = value
        else:
            factor /= 2
    return factor


def drop(now: Moment) -> float:
    """drop_factor^−k once k of the `milestones`, numbers of complete epochs, are reached (AWD-LSTM's code)."""
    reached = sum(epoch <= now.epochs for epoch in now.training["milestones"])
    return 1.0 / now.training["drop_factor"] ** reached
