"""Successful runs, and the claim that one arm has more of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scipy import stats

from rnnrepro import records
from rnnrepro.claims import successes, table
from rnnrepro.claims.statistics import RunValue
from rnnrepro.claims.tests import more_often
from rnnrepro.claims.verdicts import evaluate
from rnnrepro.config import Arm, Claim, Experiment, Training
from rnnrepro.errors import Fault

POINTS = ("gain=1", "gain=1.02", "gain=1.04")


def claim(kind: str, arms: list[str], than: list[str], **settings) -> Claim:
    common = {"metric": "mse", "experiment": "task", "scales": {"quick": {}}}
    return Claim(text="It is so.", source="Fig. 3", kind=kind, arms=arms, than=than, **common, **settings)


def experiment(*arms: str) -> Experiment:
    models = {arm: Arm(hidden=4, optimiser={"kind": "sgd", "rate": 0.1}, label=arm.upper()) for arm in arms}
    return Experiment(
        title="A task", seeds=5, task={"kind": "adding"}, training=Training(batch=1), models=models
    )


def grid_cell(make_cell, arm: str, values: dict[str, list[float]], chance=1 / 6) -> records.CellRecords:
    """A cell with several grid points; an infinite value is a diverged run."""
    parts = [
        make_cell(
            arm,
            {seed: [value] for seed, value in enumerate(runs)},
            point=point,
            diverged=tuple(seed for seed, value in enumerate(runs) if math.isinf(value)),
        )
        for point, runs in values.items()
    ]
    first = parts[0].provenance
    runs = [run for part in parts for run in part.provenance["runs"]]
    rows = [({**_identity(part), "seed": seed}, _rows(part, seed)) for part in parts for seed in _seeds(part)]
    table_ = records.assembled(rows)
    return records.CellRecords(table_, {**first, "runs": runs, "chance": {"mse": chance}})


def _identity(part):
    row = part.table.slice(0, 1).to_pylist()[0]
    return {name: row[name] for name in ("paper", "experiment", "model", "slice", "point")}


def _seeds(part):
    return [run["seed"] for run in part.provenance["runs"]]


def _rows(part, seed):
    kept = [row for row in part.table.to_pylist() if row["seed"] == seed]
    return records.rows([tuple(row[n] for n in records.RUN_SCHEMA.names) for row in kept])


@pytest.fixture
def judge(make_cell):
    def judge(wanted, arms):
        cells = {f"alpha/task/{arm}": grid_cell(make_cell, arm, values) for arm, values in arms.items()}
        return evaluate("alpha", "it_is_so", wanted, "quick", {"task": experiment(*arms)}.get, cells.get, ())

    return judge


def of_fifteen(good: int) -> dict[str, list[float]]:
    values = [0.01] * good + [0.2] * (15 - good)
    return {point: values[5 * i : 5 * i + 5] for i, point in enumerate(POINTS)}


def test_fishers_test_is_the_hypergeometric_tail_worked_by_hand():
    assert more_often(3, 3, 0, 3).p == pytest.approx(1 / 20)
    assert more_often(2, 4, 1, 4).p == pytest.approx(
        (math.comb(4, 2) * math.comb(4, 1) + 4) / math.comb(8, 3)
    )
    assert more_often(0, 15, 0, 15).p == 1.0
    assert more_often(9, 15, 2, 15).p == pytest.approx(stats.hypergeom.sf(8, 30, 11, 15))


def test_more_successes_are_supported_over_all_points_and_seeds_together(judge):
    found = judge(
        claim("more_successes", ["chain"], ["orth"]), {"chain": of_fifteen(9), "orth": of_fifteen(2)}
    )
    assert found.verdict == "supported" and not found.few_seeds and found.threshold == pytest.approx(1 / 12)
    assert found.p == pytest.approx(stats.hypergeom.sf(8, 30, 11, 15)) and found.effect == pytest.approx(
        7 / 15
    )
    assert found.n == {"chain": 15, "orth": 15}
    assert (
        "9 of 15 runs of CHAIN, 2 of 15 of ORTH below 0.08333; one-sided Fisher exact test, p = 0.010"
        in found.detail
    )


def test_each_pair_counts_and_the_weakest_decides(judge):
    arms = {"chain": of_fifteen(9), "fb": of_fifteen(5), "orth": of_fifteen(2), "id": of_fifteen(0)}
    found = judge(claim("more_successes", ["chain", "fb"], ["orth", "id"]), arms)
    assert found.verdict == "inconclusive" and "5 of 15 runs of FB, 2 of 15 of ORTH" in found.detail
    assert "of 4 comparisons" in found.detail
    reverse = judge(claim("more_successes", ["id"], ["chain"]), arms)
    assert reverse.verdict == "not supported" and reverse.effect == pytest.approx(-0.6)
    assert judge(claim("more_successes", ["chain"], ["id"], margin=0.7), arms).verdict == "inconclusive"


def test_grids_of_different_size_are_compared_by_share_and_few_seeds_are_marked(judge):
    arms = {"chain": {p: [0.01, 0.01] for p in POINTS}, "orth": {"gain=1": [0.2, 0.2, 0.2, 0.2]}}
    found = judge(claim("more_successes", ["chain"], ["orth"]), arms)
    assert found.verdict == "supported" and found.effect == 1.0 and found.few_seeds


def test_a_diverged_run_is_a_failure_whatever_its_last_value(judge, make_cell):
    arms = {"chain": {"gain=1": [0.01, 0.01, math.inf, math.inf]}, "orth": {"gain=1": [0.01] * 4}}
    found = judge(claim("more_successes", ["orth"], ["chain"]), arms)
    assert (
        "4 of 4 runs of ORTH, 2 of 4 of CHAIN" in found.detail
        and "2 of 4 runs of CHAIN diverged" in found.detail
    )
    cell = grid_cell(make_cell, "chain", {"": [0.05, math.inf, 1 / 12, 0.2]})
    kept = successes.of_cell(cell, "mse", "test", "last")
    assert kept == {("", 0): True, ("", 1): False, ("", 2): False, ("", 3): False}
    assert not successes.successful(RunValue("", 0, 0.0, diverged=True), 1.0, "lower")


def test_the_level_is_a_number_or_half_of_what_guessing_gives(make_cell):
    cell = grid_cell(make_cell, "chain", {"": [0.05]})
    assert successes.level(cell, "mse", "last", None) == successes.level(cell, "mse", "last") == 1 / 12
    assert successes.level(cell, "mse", "last", 0.3) == 0.3
    assert successes.successful(RunValue("", 0, 0.9), 0.8, "higher")
    for arguments in (("accuracy", "last"), ("bpc", "last"), ("mse", "first_step_below(0.1)")):
        with pytest.raises(Fault, match="no half of chance is known"):
            successes.level(cell, *arguments)
    with pytest.raises(Fault, match="give a number or half_chance"):
        successes.level(cell, "mse", "last", "half")
    with pytest.raises(Fault, match="neither low nor high henrici is better"):
        successes.of_cell(cell, "henrici", "analysis", "last")


def test_the_ledger_keeps_it(judge, tmp_path):
    found = judge(claim("more_successes", ["a"], ["b"]), {"a": of_fifteen(9), "b": of_fifteen(2)})
    table.write(tmp_path / "claims.csv", [found])
    assert table.read(tmp_path / "claims.csv") == [replace(found, n=dict(found.n))]


def test_a_claim_on_the_best_points_is_on_the_point_of_each_arm_with_the_best_mean(judge):
    low, high = [0.01, 0.02, 0.03, 0.02, 0.01], [0.1, 0.2, 0.3, 0.2, 0.1]
    arms = {
        "chain": {POINTS[0]: high, POINTS[1]: low},
        "orth": {POINTS[0]: [math.inf, *low[1:]], POINTS[1]: high},
    }
    found = judge(claim("better", ["chain"], ["orth"], points="best"), arms)
    assert found.verdict == "supported" and found.n == {"chain": 5, "orth": 5}
    assert f"mean of CHAIN ({POINTS[1]}) 0.018 (5 runs), of ORTH ({POINTS[1]}) 0.18" in found.detail
    assert judge(claim("better", ["chain"], ["orth"]), arms).verdict != "supported"
