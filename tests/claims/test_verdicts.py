from __future__ import annotations

import math

import pyarrow as pa
import pytest

from rnnrepro.claims import table
from rnnrepro.claims.verdicts import Verdict, evaluate
from rnnrepro.config import Arm, Claim, Experiment, Training
from rnnrepro.errors import Fault
from rnnrepro.records import CellRecords
from rnnrepro.reported import Reported

GOOD, BAD = [0.01, 0.02, 0.03, 0.04, 0.05], [0.21, 0.22, 0.23, 0.24, 0.25]
BLURRED = [0.01, 0.30, 0.02, 0.28, 0.15]


def experiment(*arms: str, **settings) -> Experiment:
    models = {arm: Arm(hidden=4, optimiser={"kind": "sgd", "rate": 0.1}, label=arm.upper()) for arm in arms}
    return Experiment(
        title="A task",
        seeds=5,
        task={"kind": "adding"},
        training=Training(batch=1),
        models=models,
        **settings,
    )


def claim(kind: str, arms: list[str], than=(), **settings) -> Claim:
    common = {"metric": "mse", "experiment": "task", "scales": {"quick": {}}}
    return Claim(
        text="It is so.", source="Table 1", kind=kind, arms=arms, than=list(than), **{**common, **settings}
    )


@pytest.fixture
def judge(ended):
    """The verdict on a claim about arms with these last values."""

    def judge(
        wanted: Claim, values: dict[str, list[float]], *, reported=(), absent=(), stand_in=None, missing=()
    ):
        cells = {
            f"alpha/task/{arm}": ended(arm, runs, wanted)
            for arm, runs in values.items()
            if arm not in missing
        }
        known = experiment(*values, absent=dict(absent), stand_in=stand_in)
        return evaluate("alpha", "it_is_so", wanted, "quick", {"task": known}.get, cells.get, reported)

    return judge


def test_better_is_supported_by_the_test_and_the_margin(judge):
    found = judge(claim("better", ["a"], ["b"], margin=0.1), {"a": GOOD, "b": BAD})
    assert found.verdict == "supported" and not found.few_seeds
    assert found.p == 1 / 252 and found.effect == pytest.approx(0.2) and found.n == {"a": 5, "b": 5}
    assert (
        "mean of A 0.03 (5 runs), of B 0.23 (5 runs); exact permutation test, 252 splits, p = 0.004"
        in found.detail
    )


def test_better_is_not_supported_where_the_difference_is_clearly_smaller_than_the_margin(judge):
    found = judge(claim("better", ["a"], ["b"], margin=0.3), {"a": GOOD, "b": BAD})
    assert found.verdict == "not supported" and found.p == 1 / 252 and "short of the margin" in found.detail


def test_better_is_not_supported_where_the_other_arm_is_ahead(judge):
    found = judge(claim("better", ["a"], ["b"]), {"a": BAD, "b": GOOD})
    assert found.verdict == "not supported" and found.p == 1.0 and found.effect == pytest.approx(-0.2)


def test_better_is_inconclusive_where_the_runs_do_not_say(judge):
    assert judge(claim("better", ["a"], ["b"]), {"a": BLURRED, "b": BLURRED[::-1]}).verdict == "inconclusive"
    # a difference of the size claimed, which the test does not bear out
    assert (
        judge(claim("better", ["a"], ["b"], margin=0.05), {"a": BLURRED, "b": BAD}).verdict == "inconclusive"
    )
    # a difference that is there, somewhat short of the margin
    assert judge(claim("better", ["a"], ["b"], margin=0.201), {"a": GOOD, "b": BAD}).verdict == "inconclusive"


def test_higher_is_better_for_accuracy(judge):
    wanted = claim("better", ["a"], ["b"], metric="accuracy", margin=0.1)
    assert judge(wanted, {"a": BAD, "b": GOOD}).verdict == "supported"
    assert judge(wanted, {"a": GOOD, "b": BAD}).verdict == "not supported"


def test_medians_are_compared_where_the_claim_says_so(judge):
    late = [0.01, 0.01, 0.01, 0.01, 9.0]
    assert judge(claim("better", ["a"], ["b"]), {"a": late, "b": BAD}).verdict == "inconclusive"
    found = judge(claim("better", ["a"], ["b"], compare="median"), {"a": late, "b": BAD})
    assert found.effect == pytest.approx(0.22) and "median of A 0.01" in found.detail


def test_fewer_than_four_runs_must_separate_and_are_marked(judge):
    wanted = claim("better", ["a"], ["b"], margin=0.1)
    supported = judge(wanted, {"a": GOOD[:3], "b": BAD})
    assert supported.verdict == "supported" and supported.few_seeds and supported.p is None
    assert judge(wanted, {"a": BAD[:3], "b": GOOD}).verdict == "not supported"
    assert judge(wanted, {"a": BLURRED[:3], "b": BAD[:3]}).verdict == "inconclusive"
    assert (
        judge(claim("better", ["a"], ["b"], margin=0.19), {"a": GOOD[:3], "b": BAD[:3]}).verdict
        == "inconclusive"
    )
    assert not judge(wanted, {"a": GOOD[:4], "b": BAD[:4]}).few_seeds


def test_every_other_arm_must_be_beaten_and_the_weakest_comparison_is_shown(judge):
    near = [0.045, 0.05, 0.055, 0.06, 0.065]
    found = judge(claim("better", ["a"], ["b", "c"]), {"a": GOOD, "b": BAD, "c": near})
    assert found.verdict == "supported" and 1 / 252 < found.p <= 0.05 and "of C" in found.detail
    assert "of 2 comparisons" in found.detail and found.n == {"a": 5, "b": 5, "c": 5}
    lost = judge(
        claim("better", ["a"], ["b", "c", "d"]), {"a": GOOD, "b": BAD, "c": BLURRED, "d": [0.001] * 5}
    )
    assert lost.verdict == "not supported" and "of D" in lost.detail
    open_ = judge(
        claim("better", ["a"], ["b", "c"]), {"a": GOOD, "b": BAD, "c": [0.0, 0.1, 0.02, 0.03, 0.06]}
    )
    assert open_.verdict == "inconclusive"


def test_diverged_runs_lose(judge):
    inf = math.inf
    ahead = judge(claim("better", ["a"], ["b"], margin=0.1), {"a": GOOD, "b": [inf] * 5})
    assert (
        ahead.verdict == "supported" and ahead.effect == inf and "5 of 5 runs of B diverged" in ahead.detail
    )
    assert judge(claim("better", ["a"], ["b"]), {"a": [inf] * 5, "b": BAD}).verdict == "not supported"
    both = judge(claim("better", ["a"], ["b"]), {"a": [*GOOD[:4], inf], "b": [*BAD[:4], inf]})
    assert both.verdict == "inconclusive" and math.isnan(both.effect)
    assert judge(claim("fails", ["a"], threshold=0.2), {"a": [inf] * 3}).verdict == "supported"
    assert judge(claim("reaches", ["a"], threshold=0.2), {"a": [*GOOD, inf]}).verdict == "inconclusive"


def test_equal_is_shown_and_never_the_lack_of_a_difference(judge):
    near = [x + 0.001 for x in GOOD]
    assert judge(claim("equal", ["a"], ["b"], margin=0.05), {"a": GOOD, "b": near}).verdict == "supported"
    assert judge(claim("equal", ["a"], ["b"], margin=0.05), {"a": GOOD, "b": BAD}).verdict == "not supported"
    assert judge(claim("equal", ["a"], ["b"], margin=0.01), {"a": GOOD, "b": near}).verdict == "inconclusive"
    lost = judge(claim("equal", ["a"], ["b"], margin=0.05), {"a": [*GOOD, math.inf], "b": near})
    assert lost.verdict == "inconclusive" and "diverged" in lost.detail
    alone = judge(claim("equal", ["a"], ["b"], margin=0.5), {"a": [0.1], "b": [0.1]})
    assert alone.verdict == "inconclusive" and alone.few_seeds


@pytest.mark.parametrize(
    ("kind", "values", "verdict"),
    [
        ("reaches", GOOD, "supported"),
        ("reaches", BAD, "not supported"),
        ("reaches", BLURRED, "inconclusive"),
        ("reaches", [0.1], "not supported"),
        ("fails", BAD, "supported"),
        ("fails", GOOD, "not supported"),
        ("fails", BLURRED, "inconclusive"),
        ("fails", [0.1], "supported"),
    ],
)
def test_all_runs_must_be_on_one_side_of_the_threshold(judge, kind, values, verdict):
    found = judge(claim(kind, ["a"], threshold=0.1), {"a": values})
    assert found.verdict == verdict and found.few_seeds == (len(values) < 4) and found.p is None
    turned = judge(claim(kind, ["a"], threshold=-0.1, metric="accuracy"), {"a": [-x for x in values]})
    assert turned.verdict == verdict and turned.effect == pytest.approx(found.effect)


def test_the_effect_is_that_of_the_run_nearest_to_the_wrong_side(judge):
    found = judge(claim("reaches", ["a", "b"], threshold=0.3), {"a": GOOD, "b": BAD})
    assert found.verdict == "supported" and found.effect == pytest.approx(0.05)
    assert "5 of 5 runs of B below 0.3 (from 0.21 to 0.25)" in found.detail
    assert judge(claim("fails", ["b"], threshold=0.2), {"b": BAD}).effect == pytest.approx(0.01)


def test_a_margin_keeps_runs_away_from_the_threshold(judge):
    assert judge(claim("reaches", ["a"], threshold=0.06, margin=0.02), {"a": GOOD}).verdict == "inconclusive"
    assert judge(claim("fails", ["a"], threshold=0.2, margin=0.02), {"a": BAD}).verdict == "inconclusive"


def test_equal_grids_are_compared_point_by_point(make_cell):
    def grid(arm, by_point):
        parts = [
            make_cell(arm, {i: [v] for i, v in enumerate(runs)}, point=p) for p, runs in by_point.items()
        ]
        runs = [r for part in parts for r in part.provenance["runs"]]
        return CellRecords(pa.concat_tables([p.table for p in parts]), {**parts[0].provenance, "runs": runs})

    slow, fast = {"rate=1": BAD, "rate=2": GOOD}, {"rate=1": [x + 0.2 for x in BAD], "rate=2": BAD}
    known = experiment("a", "b", "c", "d")
    cells = {
        "alpha/task/a": grid("a", slow),
        "alpha/task/b": grid("b", fast),
        "alpha/task/c": make_cell("c", {i: [0.9] for i in range(5)}),
        "alpha/task/d": grid("d", {"x=1": BAD, "x=2": BAD}),
    }

    def judged(than):
        return evaluate("alpha", "c", claim("better", ["a"], [than]), "quick", {"task": known}.get, cells.get)

    # pooled, or each against each, the arms overlap; at equal rates they do not
    assert judged("b").verdict == "supported" and "A (rate=" in judged("b").detail
    assert judged("c").verdict == "supported"
    with pytest.raises(Fault, match="different grids"):
        judged("d")


@pytest.mark.parametrize(
    ("changes", "values", "options", "reason"),
    [
        ({"not_run": "no corpus"}, {"a": GOOD, "b": BAD}, {}, "no corpus"),
        ({"scales": {}}, {"a": GOOD, "b": BAD}, {}, "not evaluated at scale quick"),
        (
            {"scales": {"paper": {}, "small": {}}},
            {"a": GOOD, "b": BAD},
            {},
            "evaluated at scales small and paper alone",
        ),
        ({"scales": {"quick": {"not_run": "too slow"}}}, {"a": GOOD, "b": BAD}, {}, "too slow"),
        ({"experiment": "other"}, {"a": GOOD, "b": BAD}, {}, "experiment other is not run at scale quick"),
        ({}, {"a": GOOD}, {"absent": {"b": "not built yet"}}, "b: not built yet"),
        ({"than": ["b.n8"]}, {"a": GOOD}, {"absent": {"b": "not built yet"}}, "b.n8: not built yet"),
        ({}, {"a": GOOD}, {}, "b is not run in task at scale quick"),
        ({}, {"a": GOOD, "b": BAD}, {"missing": ["b"]}, "no results of alpha/task/b yet"),
    ],
)
def test_a_claim_that_is_not_evaluated_says_why(judge, changes, values, options, reason):
    wanted = claim("better", ["a"], **{"than": ["b"], **changes})
    found = judge(wanted, values, **options)
    assert (found.verdict, found.detail, found.p) == ("not run", reason, None)


def test_a_scale_changes_the_claim_and_its_words(judge):
    wanted = claim(
        "reaches", ["a"], threshold=0.02, scales={"quick": {"threshold": 0.06, "text": "Within 9 steps."}}
    )
    found = judge(wanted, {"a": GOOD})
    assert found.verdict == "supported" and found.threshold == 0.06 and found.text == "Within 9 steps."


@pytest.mark.parametrize(("direction", "verdict"), [("lower", "supported"), ("higher", "not supported")])
def test_a_claim_may_say_which_way_is_better_where_the_metric_does_not(make_cell, direction, verdict):
    wanted = claim("reaches", ["a"], metric="henrici", split="analysis", threshold=1.0, direction=direction)
    values = {seed: [9.0, 0.1 * (seed + 1)] for seed in range(5)}
    found = evaluate(
        "alpha",
        "c",
        wanted,
        "quick",
        lambda name: experiment("a"),
        lambda key: make_cell("a", values, metric="henrici", split="analysis"),
    )
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("better", {}, "needs `than`"),
        ("equal", {"than": ["b"]}, "margin above 0"),
        ("reaches", {}, "needs a threshold"),
        ("better", {"than": ["b"], "experiment": None}, "name the experiment"),
        ("fails", {"threshold": 1.0, "metric": "gradient_h0"}, "neither low nor high"),
        ("fails", {"threshold": 1.0, "scales": {"quick": {"treshold": 2.0}}}, "did you mean 'threshold'"),
    ],
)
def test_a_claim_that_cannot_be_read_is_a_fault(judge, kind, settings, message):
    with pytest.raises(Fault, match=message):
        judge(claim(kind, ["a"], **settings), {"a": GOOD, "b": BAD})


def printed(value: float, **settings) -> Reported:
    row = {
        "exhibit": "t",
        "cell": "task/b",
        "metric": "mse",
        "status": "recalled",
        "source": "memory",
        "better": "lower",
    }
    return Reported(**{**row, **settings}, value=value)


def test_a_baseline_better_than_every_reported_value_is_noted(judge):
    wanted, values = claim("better", ["a"], ["b"]), {"a": GOOD, "b": BAD}
    rows = [printed(0.5), printed(0.3, exhibit="u"), printed(0.1, metric="bpc"), printed(0.1, cell="task/a")]
    assert judge(wanted, values, reported=rows).note == "baseline better than reported: B 0.23, reported 0.3"
    assert judge(wanted, values, reported=[printed(0.5), printed(0.2, exhibit="u")]).note == ""
    assert judge(wanted, values, reported=[printed(0.5, part="split=core")]).note == ""
    assert judge(wanted, values, reported=[printed(0.5, part="split=test")]).note != ""
    assert judge(wanted, values, reported=rows, stand_in="digits for MNIST").note == ""
    assert judge(wanted, values).note == ""


def test_verdicts_survive_their_file(judge, tmp_path):
    verdicts = [
        judge(claim("better", ["a"], ["b"]), {"a": GOOD, "b": BAD}, reported=[printed(0.5)]),
        judge(claim("better", ["a"], ["b"]), {"a": GOOD[:2], "b": BAD[:2]}),
        judge(claim("reaches", ["a"], threshold=0.1), {"a": [*GOOD, math.inf]}),
        judge(claim("reaches", ["a"], threshold=0.1, not_run="no corpus, yet"), {"a": GOOD}),
    ]
    path = tmp_path / "claims.csv"
    table.write(path, verdicts)
    assert table.read(path) == verdicts
    assert table.counted(verdicts) == "2 supported, 1 inconclusive, 1 not run"
    path.write_text("paper,claim\n")
    with pytest.raises(Fault, match="not a table of verdicts"):
        table.read(path)
    with pytest.raises(Fault, match="cannot be read"):
        table.read(tmp_path / "none.csv")


def test_the_columns_of_the_file_are_the_fields_of_a_verdict():
    assert table.COLUMNS[:8] == ("paper", "claim", "text", "source", "scale", "kind", "verdict", "few_seeds")
    assert set(table.COLUMNS) == set(Verdict.__dataclass_fields__)
