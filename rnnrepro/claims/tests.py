"""Tests between the numbers of two arms, made for the handful of seeds that such a study has.

A percentile bootstrap over three seeds calls equal arms different in a fifth of all trials; an exact permutation
test keeps its level at any number of seeds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MOST_SPLITS = 200_000
DRAWS = 99_999
SEED = 20190531
_CENTRES = {"mean": np.mean, "median": np.median}


@dataclass(frozen=True)
class Test:
    """A p-value and how it was had."""

    __test__ = False  # pytest collects classes of this name

    p: float
    method: str


def advantage(a: Sequence[float], b: Sequence[float], better: str, compare: str = "mean") -> float:
    """By how much the centre of `a` is better than that of `b`; infinite where the runs of one arm diverged,
    nan where both did so that neither is ahead."""
    centre = _CENTRES[compare]
    sign = -1.0 if better == "lower" else 1.0
    ahead, behind = sign * centre(np.asarray(a, float)), sign * centre(np.asarray(b, float))
    return math.nan if math.isinf(ahead) and ahead == behind else float(ahead - behind)


def permutation(a: Sequence[float], b: Sequence[float], better: str, compare: str = "mean") -> Test:
    """One-sided test that the values `a` are better than `b`, on the difference of means or medians.

    Every split of the pooled values into arms of these sizes, where there are at most 200,000; otherwise 99,999
    random splits and the observed one, from a fixed seed. Where a value is infinite (a diverged run) all values
    are replaced by their ranks, diverged runs sharing the worst one. Raises ValueError for an empty arm.
    """
    n, m = len(a), len(b)
    if not n or not m:
        raise ValueError("an arm without runs cannot be tested")
    pooled = np.asarray([*a, *b], dtype=float)
    pooled = pooled if np.isfinite(pooled).all() else stats.rankdata(pooled)
    pooled = -pooled if better == "lower" else pooled
    splits = math.comb(n + m, n)
    exact = splits <= MOST_SPLITS
    chosen = _all_splits(n, m) if exact else _random_splits(n, m)
    observed = _difference(pooled, np.arange(n)[None], compare)[0]
    # Equal splits summed in another order differ by rounding; they are as extreme as the observed one.
    rounding = 1e-12 * np.abs(pooled).max()
    extreme = int(np.sum(_difference(pooled, chosen, compare) >= observed - rounding))
    if exact:
        return Test(extreme / splits, f"exact permutation test, {splits:,} splits")
    return Test((extreme + 1) / (DRAWS + 1), f"permutation test, {DRAWS:,} random splits")


def _all_splits(n: int, m: int) -> np.ndarray:
    flat = itertools.chain.from_iterable(itertools.combinations(range(n + m), n))
    return np.fromiter(flat, dtype=np.int64).reshape(-1, n)


def _random_splits(n: int, m: int) -> np.ndarray:
    order = np.tile(np.arange(n + m), (DRAWS, 1))
    return np.random.default_rng(SEED).permuted(order, axis=1)[:, :n]


def _difference(pooled: np.ndarray, chosen: np.ndarray, compare: str) -> np.ndarray:
    """Centre of the chosen values minus centre of the others, for each row (k, n) of indices: (k,)."""
    others = np.ones((len(chosen), len(pooled)), dtype=bool)
    np.put_along_axis(others, chosen, False, axis=1)
    rest = np.broadcast_to(pooled, others.shape)[others].reshape(len(chosen), -1)
    centre = _CENTRES[compare]
    return centre(pooled[chosen], axis=1) - centre(rest, axis=1)


def more_often(successes: int, of: int, others: int, of_others: int) -> Test:
    """Fisher's exact test, one-sided: small p says that successes are more frequent than those of the others."""
    table = [[successes, of - successes], [others, of_others - others]]
    return Test(float(stats.fisher_exact(table, alternative="greater")[1]), "one-sided Fisher exact test")


def equal_within(a: Sequence[float], b: Sequence[float], margin: float) -> Test:
    """Two one-sided Welch t-tests: small p says that the means differ by less than `margin`. nan for fewer than
    two runs an arm or a diverged run."""
    difference, error, freedom = _welch(a, b)
    below = _upper_tail(difference + margin, error, freedom)
    above = _upper_tail(margin - difference, error, freedom)
    return Test(_worse(below, above), "two one-sided Welch t-tests")


def apart_by(a: Sequence[float], b: Sequence[float], margin: float) -> Test:
    """One-sided Welch t-test, on the side of the observed difference: small p says that the means differ by more
    than `margin`."""
    difference, error, freedom = _welch(a, b)
    return Test(_upper_tail(abs(difference) - margin, error, freedom), "one-sided Welch t-test")


def _welch(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Difference of means, its standard error, and the degrees of freedom of Welch and Satterthwaite."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if min(len(a), len(b)) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.nan, math.nan, math.nan
    parts = [x.var(ddof=1) / len(x) for x in (a, b)]
    total = sum(parts)
    spread = sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    return float(a.mean() - b.mean()), math.sqrt(total), total**2 / spread if spread else math.inf


def _upper_tail(distance: float, error: float, freedom: float) -> float:
    if math.isnan(error):
        return math.nan
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(
        stats.t.sf(distance / error, freedom) if math.isfinite(freedom) else stats.norm.sf(distance / error)
    )


def _worse(first: float, second: float) -> float:
    return math.nan if math.isnan(first) else max(first, second)


def all_better(a: Sequence[float], b: Sequence[float], better: str, margin: float) -> bool:
    """Whether every value of `a` is better than every value of `b`, by `margin` at least."""
    sign = -1.0 if better == "lower" else 1.0
    ahead, behind = min(sign * x for x in a), max(sign * x for x in b)
    return ahead > behind and ahead - behind >= margin
