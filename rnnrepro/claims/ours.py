"""What our runs of a claim's models measure, with the spread over runs, in a few words a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnnrepro.claims import successes
from rnnrepro.claims.comparisons import Arms
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import Claim
from rnnrepro.digits import formatter, with_spread

BETWEEN = "; "
"""Stands between two models."""


def in_words(claim: Claim, arms: Arms) -> str:
    """`nnRNN: 0.0144 ± 0.0077; LSTM: 0.188 ± 0.011`: the claim's statistic of each arm.

    Mean ± standard deviation over runs; the median and the range where the claim compares medians; from the lowest to
    the highest mean of a grid's points; how many runs succeed where those are counted.
    """
    return BETWEEN.join(f"{arms.labels[arm]}: {_of_arm(claim, arms, arm)}" for arm in arms.runs)


def _of_arm(claim: Claim, arms: Arms, arm: str) -> str:
    runs = arms.runs[arm]
    if claim.kind == "more_successes":
        good = sum(successes.successful(run, arms.level, arms.better) for run in runs)
        return f"{good} of {len(runs)}"
    points = [_finite(arms.values(arm, point)) for point in arms.points(arm)]
    if len(points) > 1:
        words = _between([float(np.mean(values)) for values in points if values], len(points))
    else:
        words = (_median if claim.compare == "median" else _mean)(points[0])
    lost = ", ".join(_lost(runs))
    return f"{words} ({lost})" if words and lost else words or lost


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _mean(values: Sequence[float]) -> str:
    if not values:
        return ""
    return with_spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)


def _median(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle, write = float(np.median(values)), formatter(float(np.median(values)), None)
    return f"median {write(middle)} ({write(min(values))} to {write(max(values))})"


def _between(means: Sequence[float], settings: int) -> str:
    if not means:
        return ""
    low, high = (formatter(value, None)(value) for value in (min(means), max(means)))
    return f"{low} to {high} at {settings} settings"


def _lost(runs: Sequence[RunValue]) -> list[str]:
    """`1 of 5 diverged`, and how many never reach what is waited for."""
    counts = {
        "diverged": sum(run.diverged for run in runs),
        "never": sum(not run.diverged and not math.isfinite(run.value) for run in runs),
    }
    return [f"{count} of {len(runs)} {what}" for what, count in counts.items() if count]
