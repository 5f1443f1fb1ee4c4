from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro.claims import statistics
from rnnrepro.claims.statistics import RunValue, direction, of_cell, per_run
from rnnrepro.config import STATISTICS
from rnnrepro.errors import Fault


def frame(curves: dict[tuple[int, str], list[tuple[int, float]]], metric="mse", index=0) -> pd.DataFrame:
    rows = [
        ("", seed, step, split, metric, index, value)
        for (seed, split), curve in curves.items()
        for step, value in curve
    ]
    return pd.DataFrame(rows, columns=["point", "seed", "step", "split", "metric", "index", "value"])


CURVE = frame(
    {
        (0, "test"): [(10, 5.0), (20, 2.0), (30, 3.0), (40, 4.0)],
        (0, "validation"): [(10, 9.0), (20, 7.0), (30, 6.0), (40, 8.0)],
    }
)


def one(statistic: str, table=CURVE, better="lower", metric="mse") -> float:
    (found,) = per_run(table, metric, "test", statistic, better)
    return found.value


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("last", 4.0),
        ("best", 2.0),
        ("median_last(3)", 3.0),
        ("median_last(4)", 3.5),
        ("mean_last(2)", 3.5),
        ("mean_last(99)", 3.5),
        ("at_best_validation", 3.0),
        ("at_step(20)", 2.0),
        ("at_step(29)", 2.0),
        ("at_step(4000)", 4.0),
        ("first_step_below(3.0)", 20.0),
        ("first_step_below(6)", 10.0),
    ],
)
def test_each_statistic_reads_the_right_place_of_a_curve(statistic, value):
    assert one(statistic) == value


def test_every_statistic_of_the_settings_has_a_form_and_words():
    assert set(statistics._STATISTICS) == set(STATISTICS)
    assert statistics.in_words("best") == "best evaluation"
    assert statistics.in_words("median_last(4)") == "median of the last 4 evaluations"
    assert statistics.in_words("at_step(1500)") == "evaluation at step 1500"
    bare = ("last", "best", "at_best_validation")
    words = {statistics.in_words(name if name in bare else f"{name}(4)") for name in STATISTICS}
    assert len(words) == len(STATISTICS)


def test_best_is_the_greatest_where_higher_is_better():
    assert one("best", better="higher") == 5.0
    assert one("at_best_validation", better="higher") == 5.0


def test_the_rows_of_a_curve_may_come_in_any_order():
    shuffled = CURVE.sample(frac=1, random_state=3)
    assert one("last", shuffled) == 4.0 and one("at_best_validation", shuffled) == 3.0


def test_the_first_of_equally_good_validations_is_taken():
    table = frame({(0, "test"): [(1, 1.0), (2, 2.0)], (0, "validation"): [(1, 0.5), (2, 0.5)]})
    assert one("at_best_validation", table) == 1.0


def test_where_a_corpus_has_dev_and_no_validation_the_epoch_is_chosen_on_dev():
    rows = {(0, "core"): [(1, 4.0), (2, 2.0), (3, 3.0)], (0, "dev"): [(1, 0.9), (2, 0.5), (3, 0.4)]}
    (found,) = per_run(frame(rows), "mse", "core", "at_best_validation", "lower")
    assert found.value == 3.0
    both = frame(rows | {(0, "validation"): [(1, 0.1), (2, 0.5), (3, 0.5)]})
    (found,) = per_run(both, "mse", "core", "at_best_validation", "lower")
    assert found.value == 4.0


def test_never_below_is_infinitely_late():
    assert one("first_step_below(1.5)") == math.inf
    assert direction("mse", "first_step_below(1.5)") == "lower"


def test_a_diverged_run_keeps_its_place_with_a_number_worse_than_any_other():
    status = {("", 0): "finished", ("", 1): "diverged", ("", 2): "diverged"}
    table = pd.concat([CURVE, frame({(1, "test"): [(10, 0.001)]})])
    found = per_run(table, "mse", "test", "last", "lower", status)
    assert found == [RunValue("", 0, 4.0), RunValue("", 1, math.inf, True), RunValue("", 2, math.inf, True)]
    assert per_run(table, "mse", "test", "best", "higher", status)[1].value == -math.inf
    assert per_run(table, "mse", "test", "first_step_below(1)", "lower", status)[1].value == math.inf
    assert math.isnan(per_run(table, "mse", "test", "last", None, status)[1].value)


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize(
    "statistic", ["last", "best", "median_last(3)", "mean_last(3)", "at_best_validation"]
)
def test_a_value_that_is_not_a_number_counts_as_the_worst(statistic, better):
    bad = {"lower": math.inf, "higher": -math.inf}[better]
    curve = [(10, 1.0), (20, 2.0), (30, math.nan)]
    table = frame({(0, "test"): curve, (0, "validation"): curve})
    expected = {
        "last": bad,
        "best": {"lower": 1.0, "higher": 2.0}[better],
        "mean_last(3)": bad,
        "median_last(3)": {"lower": 2.0, "higher": 1.0}[better],
    }
    expected["at_best_validation"] = expected["best"]
    assert one(statistic, table, better) == expected[statistic]


def test_a_finished_run_without_the_curve_is_a_fault_that_names_what_there_is():
    with pytest.raises(Fault, match="mse on test, mse on validation"):
        per_run(CURVE, "mse", "train", "last", "lower", {("", 0): "finished"})


def test_a_fault_names_the_cell(make_cell):
    with pytest.raises(Fault, match="alpha/task/lstm: no mse on split 'train'"):
        of_cell(make_cell("lstm", {0: [1.0]}), "mse", "train", "last")


@pytest.mark.parametrize(
    ("statistic", "table", "better", "message"),
    [
        ("last", frame({(0, "test"): [(1, 1.0)]}, index=2), "lower", "array"),
        ("at_best_validation", frame({(0, "test"): [(1, 1.0)]}), "lower", "no validation curve"),
        (
            "at_best_validation",
            frame({(0, "test"): [(1, 1.0)], (0, "validation"): [(2, 1.0)]}),
            "lower",
            "step 2",
        ),
        ("at_step(5)", CURVE, "lower", "first evaluated at step 10"),
        ("first_step_below(1)", CURVE, "higher", "lower is better"),
        ("best", CURVE, None, "no best value"),
        ("median_last(0)", CURVE, "lower", "at least 1"),
        ("mean_last(1.5)", CURVE, "lower", "whole number"),
    ],
)
def test_what_cannot_be_had_of_a_curve_is_a_fault(statistic, table, better, message):
    with pytest.raises(Fault, match=message):
        one(statistic, table, better)


def test_each_grid_point_and_seed_is_a_run_in_the_order_of_the_provenance(make_cell):
    first = make_cell("rnn", {1: [1.0], 0: [2.0]}, point="rate=0.1")
    assert of_cell(first, "mse", "test", "last") == [
        RunValue("rate=0.1", 1, 1.0),
        RunValue("rate=0.1", 0, 2.0),
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.integers(1, 12))
def test_statistics_agree_with_numpy_and_mirror_when_the_sign_turns(values, k):
    table = frame({(0, "test"): [(i, v) for i, v in enumerate(values)]})
    turned = table.assign(value=-table["value"])
    assert one(f"median_last({k})", table) == np.median(values[-k:])
    assert one(f"mean_last({k})", table) == pytest.approx(np.mean(values[-k:]), rel=1e-12, abs=1e-9)
    assert one("best", table) == min(values) == -one("best", turned, "higher")
    assert min(values) <= one(f"median_last({k})", table) <= max(values)
