"""From records to curves and bands."""

from __future__ import annotations

import numpy as np
import pytest

from rnnrepro import records
from rnnrepro.claims import successes
from rnnrepro.exhibits import series


def cell(history, *, runs=(("", 0, "finished"),), per_epoch=None):
    """A cell's records from {(point, seed): rows}."""
    parts = [
        (
            {"paper": "p", "experiment": "e", "model": "rnn", "slice": "", "point": point, "seed": seed},
            records.rows(history[point, seed]),
        )
        for point, seed, _ in runs
    ]
    listed = [{"point": point, "seed": seed, "status": status} for point, seed, status in runs]
    return records.CellRecords(records.assembled(parts), {"runs": listed, "steps_per_epoch": per_epoch})


def test_a_curve_is_the_metric_of_one_run_in_the_order_of_steps():
    found = series.curves(
        cell(
            {
                ("", 0): [
                    (20, "test", "mse", 0, 2.0),
                    (10, "test", "mse", 0, 1.0),
                    (10, "train", "mse", 0, 9.0),
                ]
            }
        ),
        "mse",
        "test",
    )
    assert len(found) == 1 and found[0].x.tolist() == [10, 20] and found[0].y.tolist() == [1.0, 2.0]


def test_epochs_are_steps_by_the_steps_of_an_epoch():
    found = series.curves(
        cell({("", 0): [(500, "test", "mse", 0, 1.0)]}, per_epoch=500), "mse", "test", x="epoch"
    )
    assert found[0].x.tolist() == [1.0]


def test_a_diverged_run_keeps_its_finite_history_and_its_mark():
    runs = [("", 0, "finished"), ("", 1, "diverged")]
    history = {
        ("", 0): [(1, "train", "mse", 0, 1.0), (2, "train", "mse", 0, 0.5)],
        ("", 1): [(1, "train", "mse", 0, 3.0), (2, "train", "mse", 0, float("inf"))],
    }
    first, second = series.curves(cell(history, runs=runs), "mse", "train")
    assert not first.diverged and second.diverged
    assert second.x.tolist() == [1] and second.y.tolist() == [3.0]


def test_points_of_a_grid_are_told_apart():
    runs = [("rate=0.1", 0, "finished"), ("rate=0.2", 0, "finished")]
    history = {("rate=0.1", 0): [(1, "test", "mse", 0, 1.0)], ("rate=0.2", 0): [(1, "test", "mse", 0, 2.0)]}
    grid = cell(history, runs=runs)
    assert series.points(grid) == ["rate=0.1", "rate=0.2"]
    assert series.curves(grid, "mse", "test", point="rate=0.2")[0].y.tolist() == [2.0]


def test_the_running_median_drops_a_spike_and_shortens_at_the_ends():
    assert series.running_median(np.array([1.0, 1.0, 100.0, 1.0, 3.0]), 3).tolist() == [
        1.0,
        1.0,
        1.0,
        3.0,
        2.0,
    ]
    assert series.running_median(np.array([5.0, 7.0]), 1).tolist() == [5.0, 7.0]


def curve(seed, y):
    return series.Curve(seed, np.arange(1, len(y) + 1), np.array(y, dtype=float), False)


def test_a_band_runs_from_the_least_to_the_greatest_around_the_median():
    band = series.band([curve(0, [1, 2]), curve(1, [3, 4]), curve(2, [8, 9])])
    assert band.middle.tolist() == [3, 4] and band.low.tolist() == [1, 2] and band.high.tolist() == [8, 9]
    assert band.runs == 3


@pytest.mark.parametrize(("spread", "width"), [("sd", np.sqrt(2)), ("sem", 1.0)])
def test_bands_of_sd_and_standard_error_are_around_the_mean(spread, width):
    band = series.band([curve(0, [1]), curve(1, [3])], middle="mean", spread=spread)
    assert (
        band.middle[0] == 2
        and band.high[0] - 2 == pytest.approx(width)
        and 2 - band.low[0] == pytest.approx(width)
    )


def test_a_run_that_ended_early_is_left_out_of_the_band_from_there_on():
    band = series.band([curve(0, [1, 2, 3]), curve(1, [5])])
    assert band.middle.tolist() == [3, 2, 3]


def test_a_single_run_has_no_width():
    band = series.band([curve(0, [1, 2])], spread="sd")
    assert band.low.tolist() == band.high.tolist() == [1, 2]


def test_long_curves_are_drawn_at_few_places_with_both_ends():
    band = series.band([curve(0, range(10_000))], most=100)
    assert len(band.x) == 100 and band.x[0] == 1 and band.x[-1] == 10_000


def test_arrays_come_back_in_the_order_of_their_index_at_the_first_or_last_step():
    rows = [
        (0, "analysis", "theta", 1, 4.0),
        (0, "analysis", "theta", 0, 3.0),
        (9, "analysis", "theta", 0, 5.0),
    ]
    found = cell({("", 0): rows})
    assert series.arrays(found, "theta", step="first")["", 0].tolist() == [3.0, 4.0]
    assert series.arrays(found, "theta")["", 0].tolist() == [5.0]


@pytest.mark.parametrize(
    ("chance", "metric", "level"),
    [
        ({"mse": 1 / 6}, "mse", 1 / 6),
        ({"cross_entropy": np.log(10)}, "accuracy", 0.1),
        ({"cross_entropy": np.log(50)}, "bpc", np.log2(50)),
        ({"cross_entropy": 0.1733}, "accuracy", None),  # a mean over places of which most are certain
        ({"mse": 1 / 6}, "accuracy", None),
        ({}, "bpc", None),
    ],
)
def test_the_level_of_guessing_is_had_where_it_follows_from_what_was_recorded(chance, metric, level):
    found = successes.chance(records.CellRecords(None, {"chance": chance}), metric)
    assert found == (None if level is None else pytest.approx(level))
