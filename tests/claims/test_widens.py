"""Claims that one arm's lead grows from one experiment to another, and claims on the best point of each grid."""

from __future__ import annotations

import math

import pytest

from rnnrepro.claims.verdicts import evaluate
from rnnrepro.config import Arm, Claim, Experiment, Training
from rnnrepro.errors import Fault

AHEAD = [0.01, 0.02, 0.01, 0.02, 0.01]
TENFOLD = [0.1, 0.2, 0.1, 0.2, 0.1]
TWOFOLD = [0.02, 0.04, 0.02, 0.04, 0.03]


def experiment(title: str) -> Experiment:
    models = {
        arm: Arm(hidden=4, optimiser={"kind": "sgd", "rate": 0.1}, label=arm.upper()) for arm in ("a", "b")
    }
    training = Training(batch=1)
    return Experiment(title=title, seeds=5, task={"kind": "adding"}, training=training, models=models)


EXPERIMENTS = {"short": experiment("Short"), "long": experiment("Long")}


def claim(**changes) -> Claim:
    common = {
        "metric": "mse",
        "experiment": "long",
        "since": "short",
        "kind": "widens",
        "scales": {"quick": {}},
    }
    return Claim(**{"text": "So.", "source": "Fig. 2", "arms": ["a"], "than": ["b"], **common, **changes})


@pytest.fixture
def judge(ended):
    """The verdict on a claim, from the last values of arms `a` and `b` in each of the experiments."""

    def judge(wanted: Claim, **values: tuple[list[float], list[float]]):
        cells = {
            f"alpha/{place}/{arm}": ended(arm, runs, wanted)
            for place, pair in values.items()
            for arm, runs in zip("ab", pair, strict=True)
        }
        return evaluate("alpha", "so", wanted, "quick", EXPERIMENTS.get, cells.get)

    return judge


def test_a_lead_that_grows_from_twofold_to_tenfold_widens(judge):
    found = judge(claim(), short=(AHEAD, TWOFOLD), long=(AHEAD, TENFOLD))
    assert found.verdict == "supported" and found.p == 1 / 252 and found.kind == "widens"
    twofold = (4 * math.log10(2) + math.log10(3)) / 5
    assert found.effect == pytest.approx(1 - twofold)
    assert f"log10(B / A) in Long 1 (5 runs), of log10(B / A) in Short {twofold:.4g} (5 runs)" in found.detail
    assert found.experiment == "long" and found.n == {"short": 5, "long": 5}


def test_one_that_shrinks_does_not_and_a_margin_is_one_of_decades(judge):
    assert judge(claim(), short=(AHEAD, TENFOLD), long=(AHEAD, TWOFOLD)).verdict == "not supported"
    grown = {"short": (AHEAD, TWOFOLD), "long": (AHEAD, TENFOLD)}
    assert judge(claim(margin=0.6), **grown).verdict == "supported"
    assert judge(claim(margin=0.8), **grown).verdict == "not supported"


def test_where_higher_is_better_the_factor_is_the_other_way_round(judge):
    wanted = claim(metric="accuracy")
    grown = judge(wanted, short=(TWOFOLD, AHEAD), long=(TENFOLD, AHEAD))
    assert grown.verdict == "supported" and "log10(A / B) in Long 1 (" in grown.detail


def test_a_run_that_diverges_counts_for_the_other_arm(judge):
    lost = [*TENFOLD[:-1], math.inf]
    found = judge(claim(), short=(AHEAD, TWOFOLD), long=(AHEAD, lost))
    assert found.verdict == "supported" and found.effect == math.inf
    own = [*AHEAD[:-1], math.inf]
    assert judge(claim(), short=(AHEAD, TWOFOLD), long=(own, TENFOLD)).effect == -math.inf


def test_it_is_not_run_where_one_of_the_experiments_has_no_results(judge):
    found = judge(claim(), long=(AHEAD, TENFOLD))
    assert found.verdict == "not run" and found.detail == "no results of alpha/short/a yet"


@pytest.mark.parametrize(
    ("changes", "values", "message"),
    [
        ({"since": None}, AHEAD, "`since` goes with a claim of kind 'widens'"),
        ({"kind": "better"}, AHEAD, "`since` goes with a claim of kind 'widens'"),
        ({"arms": ["a", "b"]}, AHEAD, "on one arm and one other"),
        ({}, AHEAD[:-1], "runs of the same seeds"),
        ({}, [0.0, *AHEAD[1:]], "numbers above 0"),
    ],
)
def test_what_has_no_ratio_run_by_run_is_a_fault(judge, changes, values, message):
    with pytest.raises(Fault, match=message):
        judge(claim(**changes), short=(AHEAD, TWOFOLD), long=(values, TENFOLD))
