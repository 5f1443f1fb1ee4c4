from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnnrepro.claims import tests as under_test
from rnnrepro.claims.tests import advantage, all_better, apart_by, equal_within, permutation

CENTRES = {"mean": np.mean, "median": np.median}


def scipy_p(a, b, compare):
    """`a` is better when it is lower."""
    centre = CENTRES[compare]
    return stats.permutation_test(
        (a, b),
        lambda x, y, axis: centre(x, axis=axis) - centre(y, axis=axis),
        permutation_type="independent",
        alternative="less",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue


def test_separated_arms_have_the_p_of_one_split_among_all():
    assert permutation([1, 2, 3, 4], [5, 6, 7, 8], "lower").p == 1 / 70
    assert permutation([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], "lower").p == 1 / 252
    assert permutation([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], "higher").p == 1 / 252
    assert permutation([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], "lower").p == 1.0


def test_a_case_worked_by_hand():
    # sums of the first arm over all splits of 1, 2, 3, 7 in twos: 3, 4, 8, 5, 9, 10; observed 1 + 3 = 4
    assert permutation([1, 3], [2, 7], "lower").p == 2 / 6
    # the median of three is lower than that of the other two by 2.5 or more where the 9 is among the two: 4 of 10
    assert permutation([1, 2, 3], [0, 9], "lower", "median").p == 4 / 10


@pytest.mark.parametrize("compare", ["mean", "median"])
@pytest.mark.parametrize(("n", "m"), [(2, 2), (4, 4), (5, 5), (3, 6), (7, 4)])
def test_agrees_with_scipy(n, m, compare):
    draw = np.random.default_rng([n, m])
    for shift in (0.0, 0.7, 1.5):
        a, b = draw.normal(size=n), draw.normal(shift, size=m)
        assert permutation(a, b, "lower", compare).p == pytest.approx(scipy_p(a, b, compare), rel=1e-12)


def test_ties_count_as_extreme_whatever_the_order_of_summation():
    a, b = np.array([1, 2, 3, 7]), np.array([3, 1, 2, 7])
    assert permutation(a / 10, b / 10, "lower").p == permutation(a, b, "lower").p == 43 / 70
    assert permutation([0.1] * 5, [0.1] * 5, "lower").p == 1.0


def test_keeps_its_level_on_equal_arms():
    draw = np.random.default_rng(7)
    hits = sum(permutation(*draw.exponential(size=(2, 5)), "lower").p <= 0.05 for _ in range(1500))
    # 12 of 252 splits are at most 5 %; binomial bounds at five standard deviations
    assert abs(hits / 1500 - 12 / 252) < 5 * math.sqrt(0.05 * 0.95 / 1500)


def test_many_runs_are_tested_on_random_splits_from_a_fixed_seed():
    draw = np.random.default_rng(5)
    a, b = draw.normal(size=13), draw.normal(0.5, size=12)
    found = permutation(a, b, "lower")
    assert math.comb(25, 13) > under_test.MOST_SPLITS and "99,999 random splits" in found.method
    assert found == permutation(a, b, "lower")
    assert found.p == pytest.approx(stats.ttest_ind(a, b, alternative="less").pvalue, abs=0.01)
    assert permutation(a - 50, b, "lower").p == 1 / 100_000


def test_exact_and_random_splits_agree(monkeypatch):
    draw = np.random.default_rng(2)
    a, b = draw.normal(size=6), draw.normal(0.8, size=6)
    exact = permutation(a, b, "lower", "median")
    monkeypatch.setattr(under_test, "MOST_SPLITS", 10)
    drawn = permutation(a, b, "lower", "median")
    assert exact.method != drawn.method and drawn.p == pytest.approx(exact.p, abs=0.01)


def test_a_diverged_run_is_the_worst_rank():
    inf = math.inf
    assert permutation([1, 2, 3, 4, 5], [6, 7, 8, 9, inf], "lower").p == 1 / 252
    assert permutation([1, 2, 3, 4, 5], [inf] * 5, "lower").p == 1 / 252
    assert permutation([1, 2, 3, 4, inf], [6, 7, 8, 9, 10], "lower").p == pytest.approx(
        scipy_p([1, 2, 3, 4, 10], [5, 6, 7, 8, 9], "mean")
    )
    assert permutation([0.9, 0.8], [-inf, -inf], "higher").p == 1 / 6
    assert permutation([inf] * 5, [inf] * 5, "lower").p == 1.0


def test_an_arm_without_runs_cannot_be_tested():
    with pytest.raises(ValueError, match="without runs"):
        permutation([], [1.0], "lower")


def test_advantage_is_positive_for_the_better_arm_and_infinite_beside_a_diverged_one():
    assert advantage([1, 3], [5, 9], "lower") == 5.0 == -advantage([1, 3], [5, 9], "higher")
    assert advantage([0, 0, 9], [1, 1, 1], "lower", "median") == 1.0
    assert advantage([1, 2], [3, math.inf], "lower") == math.inf
    assert advantage([1, math.inf], [3, 4], "lower") == -math.inf
    assert math.isnan(advantage([1, math.inf], [3, math.inf], "lower"))


VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=1, max_size=5)


@settings(max_examples=80, deadline=None)
@given(VALUES, VALUES, st.sampled_from(["mean", "median"]))
def test_p_is_a_share_of_splits_and_mirrors_with_the_direction(a, b, compare):
    p = permutation(a, b, "lower", compare).p
    splits = math.comb(len(a) + len(b), len(a))
    assert 1 / splits <= p <= 1 and p * splits == pytest.approx(round(p * splits), abs=1e-9)
    assert permutation([-x for x in a], [-x for x in b], "higher", compare).p == p


def test_two_one_sided_tests_agree_with_scipy():
    draw = np.random.default_rng(11)
    for n, m, margin in ((5, 5, 1.0), (4, 9, 0.4), (15, 12, 0.05)):
        a, b = draw.normal(size=n), draw.normal(0.2, 2.0, size=m)
        below = stats.ttest_ind(a + margin, b, equal_var=False, alternative="greater").pvalue
        above = stats.ttest_ind(a - margin, b, equal_var=False, alternative="less").pvalue
        assert equal_within(a, b, margin).p == pytest.approx(max(below, above), rel=1e-10)
        apart = stats.ttest_ind(
            a - np.sign(a.mean() - b.mean()) * margin,
            b,
            equal_var=False,
            alternative="greater" if a.mean() > b.mean() else "less",
        ).pvalue
        assert apart_by(a, b, margin).p == pytest.approx(apart, rel=1e-10)


def test_runs_without_scatter_are_equal_only_within_the_margin():
    assert equal_within([1, 1], [1.5, 1.5], 0.6).p == 0.0 and equal_within([1, 1], [1.5, 1.5], 0.4).p == 1.0
    assert apart_by([1, 1], [1.5, 1.5], 0.4).p == 0.0


def test_no_t_test_of_a_single_or_a_diverged_run():
    assert math.isnan(equal_within([1.0], [1.0, 1.1], 1.0).p)
    assert math.isnan(equal_within([1.0, math.inf], [1.0, 1.1], 1.0).p)
    assert math.isnan(apart_by([1.0], [9.0], 1.0).p)


def test_every_run_must_beat_every_run_by_the_margin():
    assert all_better([1, 2], [3, 4], "lower", 1.0)
    assert not all_better([1, 2], [3, 4], "lower", 1.1)
    assert not all_better([1, 3], [3, 4], "lower", 0.0)
    assert all_better([3, 4], [1, 2], "higher", 1.0)
    assert all_better([1, 2], [math.inf], "lower", 5.0)
    assert not all_better([math.inf], [math.inf], "lower", 0.0)
