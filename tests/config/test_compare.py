"""The models that a user puts beside a paper's, and where a faulty value is said to have come from."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from rnnrepro import plan, project
from rnnrepro.errors import Fault

TINY = Path(__file__).parents[1] / "workflow" / "config"
SOUND = {"hidden": 4, "optimiser": {"kind": "adam_tf", "rate": 1.0e-3}}


def checked(**overrides) -> project.Project:
    found = project.load(TINY, overrides=overrides)
    found.check()
    return found


def said(**overrides) -> list[str]:
    with pytest.raises(Fault) as fault:
        checked(**overrides)
    return str(fault.value).splitlines()


def test_a_model_beside_the_papers_cannot_take_the_name_of_one_of_them():
    own = checked().experiment("first", "adding", "quick").models["lstm"]
    assert said(compare={"first/adding": {"lstm": {"hidden": 3}}}) == [
        "compare: first/adding: lstm: the paper has a model of this name; name yours 'lstm.mine'"
    ]
    beside = checked(compare={"first/adding": {"lstm.mine": SOUND}})
    models = beside.experiment("first", "adding", "quick").models
    assert models["lstm"] == own and models["lstm.mine"].hidden == 4


def test_the_name_that_is_advised_is_free_and_models_of_other_scales_count():
    paper = project.read_yaml(TINY / "papers" / "first.yaml")["experiments"]["adding"]
    paper = copy.deepcopy(paper)
    paper["models"]["lstm.mine"] = paper["models"]["lstm"]
    paper["scales"]["paper"] = {"models": {"rnn": {}}}
    from rnnrepro import compared

    assert [one.split("name yours ")[1] for one in compared.taken("p/e", ["lstm", "rnn", "mut"], paper)] == [
        "'lstm.mine2'",
        "'rnn.mine'",
    ]


@pytest.mark.parametrize(
    ("arm", "settings", "place"),
    [
        ("nope", {"hidden": 3}, "compare: first/adding: nope: unknown model 'nope'"),
        ("rnn", {"hidden": 3}, "compare: first/adding: rnn: missing key 'optimiser'"),
        ("rnn", SOUND | {"hidden": -3}, "compare: first/adding: rnn.hidden: -3 is below"),
        ("rnn", SOUND | {"matrix": {"inti": "x"}}, "compare: first/adding: rnn.matrix.inti: "),
        ("Schlecht", SOUND, "compare: first/adding: Schlecht: the model 'Schlecht': expected small letters"),
    ],
)
def test_a_fault_of_a_compared_model_is_one_line_that_says_so(arm, settings, place):
    (line,) = said(compare={"first/adding": {arm: settings}})
    assert line.startswith(place)


def test_a_compared_experiment_is_found_by_its_nearest_name():
    (line,) = said(compare={"first/ading": {"rnn": SOUND}})
    assert line == "compare: unknown experiment 'first/ading'; did you mean 'first/adding'?"
    (line,) = said(compare={"first/adding": {"rnn": 3}})
    assert line == "--set compare.first/adding.rnn: expected a mapping, found 3"


def test_a_faulty_value_is_said_to_be_where_it_was_given(tmp_path):
    assert said(seeds=-1) == ["--set seeds: -1 is below the least allowed, 1"]
    with pytest.raises(Fault, match=r"^--config seeds: -1"):
        project.load(TINY, overrides={"seeds": -1}, by="--config")
    (tmp_path / "papers").symlink_to(TINY / "papers")
    (tmp_path / "config.yaml").write_text("seeds: -1\n")
    with pytest.raises(Fault) as fault:
        project.load(tmp_path, overrides={"seeds": -1, "scale": "quick"})
    assert str(fault.value).startswith(f"{tmp_path}/config.yaml: seeds: -1 is below")


def test_a_paper_that_is_named_twice_is_planned_once():
    once, twice = checked(papers=["first"]), checked(papers=["first", "first"])
    assert [cell.key for cell in plan.cells(twice, "quick")] == [c.key for c in plan.cells(once, "quick")]
    assert twice.chosen == ["first"]
    assert len(plan.cells(once, "quick", ["first", "first"])) == len(plan.cells(once, "quick"))
