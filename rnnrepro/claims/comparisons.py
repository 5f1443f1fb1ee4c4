"""Pairs of arms, or an arm and a threshold, compared as a claim's kind says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnrepro.claims import statistics, successes, tests
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import Claim, Experiment
from rnnrepro.errors import Fault

if TYPE_CHECKING:
    from rnnrepro.records import CellRecords

LEVEL = 0.05
FEW = 4


@dataclass(frozen=True)
class Arms:
    """The runs' numbers of each arm of a claim, the arms' names for readers, and which direction is better.

    `level` is what a run must be beyond: the claim's threshold, or half of the task's chance.
    """

    runs: Mapping[str, list[RunValue]]
    labels: Mapping[str, str]
    better: str
    level: float | None = None

    def points(self, arm: str) -> list[str]:
        """The arm's grid points; [""] without a grid."""
        return list(dict.fromkeys(run.point for run in self.runs[arm]))

    def values(self, arm: str, point: str) -> list[float]:
        """The numbers of the arm's runs at one grid point."""
        return [run.value for run in self.runs[arm] if run.point == point]

    def named(self, arm: str, point: str) -> str:
        """The arm's name, with its grid point if it has one."""
        return f"{self.labels[arm]} ({point})" if point else self.labels[arm]


@dataclass(frozen=True)
class Comparison:
    """One pair of arms, or one arm against the threshold.

    `p` is None where nothing was tested; `effect` by how much the first arm is better than the other, or the runs
    are beyond the threshold; `fewest` the runs of the smaller arm.
    """

    verdict: str
    p: float | None
    effect: float
    fewest: int
    sentence: str


def arms_of(claim: Claim, experiment: Experiment, records: Mapping[str, CellRecords]) -> Arms:
    """The claim's statistic of every run of its arms."""
    better = statistics.direction(claim.metric, claim.statistic) or claim.direction
    runs = {
        arm: statistics.of_cell(record, claim.metric, claim.split, claim.statistic, better)
        for arm, record in records.items()
    }
    return Arms(
        runs={arm: _of_best(own, better) for arm, own in runs.items()} if claim.points == "best" else runs,
        labels={arm: experiment.models[arm].label or arm for arm in records},
        better=better,
        level=_level(claim, next(iter(records.values()))),
    )


def _of_best(runs: list[RunValue], better: str) -> list[RunValue]:
    """The runs of the grid point with the best mean, the first of equal ones; a diverged run is infinitely bad."""
    points: dict[str, list[RunValue]] = {}
    for run in runs:
        points.setdefault(run.point, []).append(run)
    sign = 1.0 if better == "lower" else -1.0
    return min(points.values(), key=lambda own: sign * centre([run.value for run in own], "mean"))


def _level(claim: Claim, record: CellRecords) -> float | None:
    if claim.kind != "more_successes":
        return claim.threshold
    return successes.level(record, claim.metric, claim.statistic, claim.threshold)


def compare(claim: Claim, arms: Arms) -> list[Comparison]:
    """Every comparison that the claim makes. Raises Fault where two arms have grids that do not match."""
    if claim.kind in ("reaches", "fails"):
        return [
            _against_threshold(claim, arms, arm, point) for arm in claim.arms for point in arms.points(arm)
        ]
    if claim.kind == "more_successes":
        return [_more_successes(claim, arms, arm, other) for arm in claim.arms for other in claim.than]
    one = _better if claim.kind == "better" else _equal
    found = []
    for arm in claim.arms:
        for other in claim.than:
            for here, there in matched_points(arms, arm, other):
                a, b = arms.values(arm, here), arms.values(other, there)
                words = _words(claim, arms.named(arm, here), a, arms.named(other, there), b)
                found.append(one(claim, arms.better, a, b, words))
    return found


def matched_points(arms: Arms, arm: str, other: str) -> Iterator[tuple[str, str]]:
    """Pairs of grid points: point by point on equal grids; an arm without a grid against every point."""
    here, there = arms.points(arm), arms.points(other)
    if set(here) == set(there):
        yield from ((point, point) for point in here)
    elif len(here) == 1 or len(there) == 1:
        yield from ((a, b) for a in here for b in there)
    else:
        raise Fault(f"{arm} and {other} have different grids; a claim compares equal grids point by point")


def centre(values: Sequence[float], compare: str) -> float:
    """Mean or median."""
    return float({"mean": np.mean, "median": np.median}[compare](np.asarray(values, float)))


def _words(claim: Claim, first: str, a: Sequence[float], second: str, b: Sequence[float]) -> str:
    # t-tests are on means, whatever a claim of another kind would compare
    what = "mean" if claim.kind == "equal" else claim.compare
    return (
        f"{what} of {first} {_number(centre(a, what))} ({len(a)} {_runs(a)}), "
        f"of {second} {_number(centre(b, what))} ({len(b)} {_runs(b)})"
    )


def _runs(values: Sequence[float]) -> str:
    return "run" if len(values) == 1 else "runs"


def _number(value: float) -> str:
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    return f"{value:.4g}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _better(claim: Claim, better: str, a: Sequence[float], b: Sequence[float], words: str) -> Comparison:
    effect, fewest = tests.advantage(a, b, better, claim.compare), min(len(a), len(b))
    if fewest < FEW:
        ahead = tests.all_better(a, b, better, claim.margin)
        behind = tests.all_better(b, a, better, claim.margin)
        verdict = "supported" if ahead else "not supported" if behind else "inconclusive"
        sentence = {
            "supported": "every run of the first beats every run of the other",
            "not supported": "every run of the other beats every run of the first",
            "inconclusive": "the runs do not separate",
        }[verdict]
        return Comparison(verdict, None, effect, fewest, f"{words}; {sentence} by {claim.margin:g}")
    test = tests.permutation(a, b, better, claim.compare)
    handicapped = [x + (claim.margin if better == "lower" else -claim.margin) for x in a]
    short = tests.permutation(b, handicapped, better, claim.compare)
    said = f"{words}; {test.method}, {_p(test.p)}, margin {claim.margin:g}"
    if test.p <= LEVEL and effect >= claim.margin:
        return Comparison("supported", test.p, effect, fewest, said)
    if short.p <= LEVEL:
        return Comparison(
            "not supported", test.p, effect, fewest, f"{said}; short of the margin with {_p(short.p)}"
        )
    return Comparison("inconclusive", test.p, effect, fewest, said)


def _equal(claim: Claim, better: str, a: Sequence[float], b: Sequence[float], words: str) -> Comparison:
    effect, fewest = tests.advantage(a, b, better), min(len(a), len(b))
    within, apart = tests.equal_within(a, b, claim.margin), tests.apart_by(a, b, claim.margin)
    if math.isnan(within.p):
        return Comparison(
            "inconclusive", None, effect, fewest, f"{words}; no t-test with a single or a diverged run"
        )
    said = f"{words}; {within.method}, {_p(within.p)}, margin {claim.margin:g}"
    if within.p <= LEVEL:
        return Comparison("supported", within.p, effect, fewest, said)
    if apart.p <= LEVEL:
        return Comparison(
            "not supported", within.p, effect, fewest, f"{said}; further apart with {_p(apart.p)}"
        )
    return Comparison("inconclusive", within.p, effect, fewest, said)


def _more_successes(claim: Claim, arms: Arms, arm: str, other: str) -> Comparison:
    """Of all runs over all grid points; `fewest` counts seeds, for runs of one seed share their data."""
    counts = [_successes(arms, name) for name in (arm, other)]
    (a, n), (b, m) = counts
    effect, fewest = a / n - b / m, min(len({run.seed for run in arms.runs[name]}) for name in (arm, other))
    test, reverse = tests.more_often(a, n, b, m), tests.more_often(b, m, a, n)
    words = ", ".join(
        f"{k} of {of} {'runs ' * (i == 0)}of {arms.labels[name]}"
        for i, (name, (k, of)) in enumerate(zip((arm, other), counts, strict=True))
    )
    side = {"lower": "below", "higher": "above"}[arms.better]
    said = f"{words} {side} {_number(arms.level)}; {test.method}, {_p(test.p)}"
    if test.p <= LEVEL and effect >= claim.margin:
        return Comparison("supported", test.p, effect, fewest, said)
    if reverse.p <= LEVEL:
        more = f"{said}; the other has more with {_p(reverse.p)}"
        return Comparison("not supported", test.p, effect, fewest, more)
    return Comparison("inconclusive", test.p, effect, fewest, said)


def _successes(arms: Arms, arm: str) -> tuple[int, int]:
    runs = arms.runs[arm]
    return sum(successes.successful(run, arms.level, arms.better) for run in runs), len(runs)


def _against_threshold(claim: Claim, arms: Arms, arm: str, point: str) -> Comparison:
    """The effect is the distance from the threshold of the run that says least for the claim."""
    values, reaching = arms.values(arm, point), claim.kind == "reaches"
    sign = 1.0 if (arms.better == "lower") == reaching else -1.0
    distances = [sign * (claim.threshold - x) for x in values]
    # a run that stops exactly at the level has not gone beyond it
    there = sum(d >= claim.margin and (d > 0 or not reaching) for d in distances)
    verdict = "supported" if there == len(values) else "not supported" if not there else "inconclusive"
    good = {"lower": "below", "higher": "above"}[arms.better]
    stated = f"{'' if reaching else 'not '}{good} {claim.threshold:g}" + f" by {claim.margin:g}" * bool(
        claim.margin
    )
    sentence = (
        f"{there} of {len(values)} {_runs(values)} of {arms.named(arm, point)} {stated} "
        f"(from {_number(min(values))} to {_number(max(values))})"
    )
    return Comparison(verdict, None, min(distances), len(values), sentence)
