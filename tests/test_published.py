"""The authors' published curves: what a file may hold, and that each of ours resolves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import published, tables
from rnnrepro.config import SCALES
from rnnrepro.errors import Fault
from rnnrepro.project import load
from rnnrepro.published import COLUMNS, Point
from rnnrepro.reported import STATUSES, absence
from tests import csv_files

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "config" / "reported").glob(f"*{published.ENDING}"))


def point(**changes) -> Point:
    plain = {
        "experiment": "copying",
        "model": "lstm",
        "split": "test",
        "metric": "cross_entropy",
        "x": 1.0,
        "x_kind": "epoch",
        "value": 0.5,
        "std": 0.1,
        "seeds": 5,
        "status": "seen",
        "source": "the authors' results",
    }
    return Point(**{**plain, **changes})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_published_curve_is_of_an_arm_that_is_run_or_absent_with_a_reason(path):
    project, paper = load(ROOT / "config"), path.name.removesuffix(published.ENDING)
    for experiment, arm, _, _ in published.curves(published.read(path)):
        at = [e for scale in SCALES if (e := project.experiment(paper, experiment, scale))]
        assert any(arm in e.models or absence(e, arm) for e in at), (experiment, arm)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
POINTS = st.builds(
    point,
    metric=st.sampled_from([m for m in tables.METRICS if m != "accuracy"]),
    value=FINITE,
    std=st.none() | st.floats(0, 1e9),
    seeds=st.integers(1, 9),
    status=st.sampled_from(sorted(STATUSES)),
    source=st.text("abc, \"\n'é", min_size=1),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(POINTS, max_size=9))
def test_what_is_written_is_read_again(tmp_path_factory, points):
    counted = [Point(**{**vars(p), "x": float(i)}) for i, p in enumerate(points)]
    path = tmp_path_factory.mktemp("published") / "a_curves.csv"
    csv_files.write(path, Point, counted)
    assert published.read(path) == counted


def test_points_are_sorted_into_curves():
    points = [point(x=3.0), point(model="rnn"), point(x=2.0)]
    found = published.curves(points)
    assert [key[1] for key in found] == ["lstm", "rnn"]
    assert [p.x for p in found["copying", "lstm", "test", "cross_entropy"]] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "cross_entrophy"}, "did you mean 'cross_entropy'"),
        ({"x_kind": "hour"}, "x_kind 'hour' is neither step nor epoch"),
        ({"x": -1.0}, "x -1.0 is not a number of at least 0"),
        ({"value": float("nan")}, "value nan is not finite"),
        ({"metric": "accuracy", "value": 93.4}, "accuracy 93.4 is not a fraction"),
        ({"std": float("inf")}, "std inf is not a number"),
        ({"seeds": 0}, "seeds 0 is less than 1"),
        ({"status": "sen"}, "did you mean 'seen'"),
        ({"source": ""}, "no source"),
        ({"split": ""}, "no experiment, model or split"),
    ],
)
def test_a_wrong_point_is_named(tmp_path, changes, said):
    csv_files.write(tmp_path / "a_curves.csv", Point, [point(**changes)])
    with pytest.raises(Fault, match=f"row 2: .*{said}"):
        published.read(tmp_path / "a_curves.csv")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"x": 2.0, "x_kind": "step"}, "steps and epochs in one curve"),
        ({"value": 0.4}, "two points at one x"),
    ],
)
def test_points_that_make_no_curve_are_named(tmp_path, second, said):
    csv_files.write(tmp_path / "a_curves.csv", Point, [point(), point(**second)])
    with pytest.raises(Fault, match=said):
        published.read(tmp_path / "a_curves.csv")


@pytest.mark.parametrize(
    ("row", "said"),
    [("copying,lstm", "row 2: expected 11 fields"), ("a,b,test,mse,x,step,1,,5,seen,s", "row 2: could not")],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(tmp_path, row, said):
    path = tmp_path / "a_curves.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{row}\n")
    with pytest.raises(Fault, match=said):
        published.read(path)


def test_other_columns_and_no_file_are_faults(tmp_path):
    path = tmp_path / "a_curves.csv"
    path.write_text("experiment,model\na,b\n")
    with pytest.raises(Fault, match="the columns must be experiment,model,split"):
        published.read(path)
    with pytest.raises(Fault, match="cannot be read"):
        published.read(tmp_path / "none_curves.csv")
