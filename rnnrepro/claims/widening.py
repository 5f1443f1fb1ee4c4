"""By what factor one arm is ahead of another, run by run, in two experiments."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from rnnrepro.claims.comparisons import Arms
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import Claim
from rnnrepro.errors import Fault


def as_better(claim: Claim, arms: Mapping[str, Arms], titles: Mapping[str, str]) -> tuple[Claim, Arms]:
    """A claim of kind `widens` as one of kind `better`, whose arms are the experiments and whose numbers are gaps.

    `arms` and `titles` by experiment, `claim.since` and `claim.experiment`. A gap is the common logarithm of the factor
    by which the claim's arm is ahead of the other, between runs of one seed, which may start from the same weights;
    the margin is one of gaps. Raises Fault where the claim is not on two arms, or their seeds or signs differ.
    """
    if len(claim.arms) != 1 or len(claim.than) != 1:
        raise Fault(
            f"a claim of kind 'widens' is on one arm and one other, not on {claim.arms} and {claim.than}"
        )
    (one,), (other,) = claim.arms, claim.than
    runs = {name: _gaps(own.runs[one], own.runs[other], own.better) for name, own in arms.items()}
    some = next(iter(arms.values()))
    ratio = " / ".join(some.labels[arm] for arm in ((other, one) if some.better == "lower" else (one, other)))
    labels = {name: f"log10({ratio}) in {titles[name]}" for name in arms}
    changed = dataclasses.replace(claim, kind="better", arms=[claim.experiment], than=[claim.since])
    return changed, Arms(runs=runs, labels=labels, better="higher")


def _gaps(one: list[RunValue], other: list[RunValue], better: str) -> list[RunValue]:
    theirs = {run.seed: run for run in other}
    if [run.seed for run in one] != [run.seed for run in other] or len(theirs) < len(one):
        raise Fault(
            "a claim of kind 'widens' compares runs of the same seeds, without a grid or at its best point"
        )
    return [_gap(run, theirs[run.seed], better) for run in one]


def _gap(run: RunValue, against: RunValue, better: str) -> RunValue:
    """Infinite where the other run diverged, and infinitely bad where its own did."""
    if run.diverged or against.diverged:
        return RunValue("", run.seed, -math.inf if run.diverged else math.inf, diverged=True)
    if min(run.value, against.value) <= 0:
        raise Fault("a claim of kind 'widens' is on numbers above 0, of which there is a ratio")
    gap = math.log10(against.value / run.value)
    return RunValue("", run.seed, gap if better == "lower" else -gap)
