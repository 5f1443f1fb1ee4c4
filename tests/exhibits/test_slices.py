"""An arm that is cut into slices of its grid: its cells are gathered before anything is shown or judged."""

from __future__ import annotations

import json

import pytest

from rnnrepro import arms, plan, records
from rnnrepro.cli import claims as command
from rnnrepro.exhibits import page, provenance
from rnnrepro.exhibits.view import open_view
from rnnrepro.project import load

from .conftest import write_cell

SLICED = {
    "label": "Chain",
    "hidden": 8,
    "optimiser": {"kind": "rmsprop_tf", "rate": 1.0e-3},
    "grid": {"rate": [1.0e-3, 1.0e-2], "matrix.gain": [0.99, 1.02]},
    "slices": ["matrix.gain"],
}
OVERRIDES = {"compare": {"alpha/adding": {"chain": SLICED}}}
WHOLE = "alpha/adding/chain"


@pytest.fixture
def cells(config) -> list[plan.Cell]:
    return plan.experiment_cells(load(config, OVERRIDES), "quick", "alpha", "adding")


@pytest.fixture
def made(cells, tmp_path):
    """A results folder with all cells of the experiment but those whose names are given."""

    def make(*without: str):
        for cell in cells:
            if cell.name not in without:
                write_cell(tmp_path / "quick", cell)
        return tmp_path / "quick"

    return make


def view(config, results):
    return open_view(config, "quick", "alpha", "fig_adding", results, results / "x", OVERRIDES)


def test_an_exhibit_sees_the_arm_as_one_with_every_point_of_its_grid(config, made):
    seen = view(config, made())
    (chain,) = [record for record in seen.records_of("adding") if record.key == WHOLE]
    assert sorted({run.point for run in seen.statistic(chain)}) == [
        f"rate={rate},matrix.gain={gain}" for rate in ("0.001", "0.01") for gain in ("0.99", "1.02")
    ]
    assert seen.label(chain) == "Chain"
    assert seen.stale() == [] and not any("chain" in said for said in seen.not_shown())
    runs = sum(len(record.status) for record in seen.records.values())
    assert provenance.runs_in_words(list(seen.records.values())).startswith(
        f"{runs} runs of {len(seen.cells)} cells"
    )


def test_a_slice_without_results_is_named_and_the_others_are_shown(config, made):
    seen = view(config, made("chain.gain=1.02"))
    assert [said for said in seen.not_shown() if "chain" in said] == [
        "alpha/adding/chain.gain=1.02: no results file."
    ]
    assert {run.point for run in seen.statistic(seen.records[WHOLE])} == {
        "rate=0.001,matrix.gain=0.99",
        "rate=0.01,matrix.gain=0.99",
    }


def test_a_slice_of_other_settings_or_code_is_marked_alone(config, cells, made):
    results = made()
    cell = next(cell for cell in cells if cell.name == "chain.gain=1.02")
    kept = records.read(results / cell.path)
    for word, what in (("digest", "its settings have"), ("fingerprint", "the training code has")):
        runs = [{**run, word: "0" * 16} for run in kept.provenance["runs"]]
        records.write(results / cell.path, kept.table, {**kept.provenance, "runs": runs})
        assert view(config, results).stale() == [f"{cell.key}: {what} changed since it was trained."]


def test_devices_and_code_in_which_slices_differ_are_both_told(cells, made):
    results = made()
    parts = [records.read(results / cell.path) for cell in cells if cell.arm == "chain"]
    other = records.CellRecords(
        parts[1].table,
        {**parts[1].provenance, "device_name": "Another", "versions": {"torch": "3", "numpy": "2.4.6"}},
    )
    whole = arms.gathered(WHOLE, [parts[0], other]).provenance
    assert whole["device_name"] == "An invented processor+Another"
    assert whole["versions"]["torch"] == "2.13.0+3" and whole["versions"]["numpy"] == "2.4.6"
    assert whole["versions"]["python"] == "3.11.2+none"
    json.dumps(whole)


def test_a_cell_that_is_the_whole_arm_is_left_as_it_is(cells, made):
    results = made()
    cell = next(cell for cell in cells if cell.arm == "lstm")
    record = records.read(results / cell.path)
    assert arms.gathered(record.key, [record]) is record
    assert record.cells == {record.key: record.provenance["runs"]}


def test_the_page_has_one_line_for_the_arm(config, cells, made):
    project = load(config, OVERRIDES)
    for without, status in (((), "finished"), (("chain.gain=0.99",), "finished; 1 of 2 cells trained")):
        results = made(*without)
        for name in without:
            (results / next(c for c in cells if c.name == name).path).unlink()
        found = arms.existing(cells, results)
        shown = page.experiment(project, "alpha", "adding", "quick", cells, found)
        (line,) = [arm for arm in shown.arms if arm.label == "Chain"]
        assert line.status == status
        assert line.optimiser == "rmsprop_tf, rate 0.001, 0.01; matrix.gain 0.99, 1.02"


def test_a_claim_waits_for_every_slice(config, cells, made):
    results = made("chain.gain=0.99")
    read = command._reader(load(config, OVERRIDES), "quick", results)
    assert read(WHOLE) is None and read("alpha/adding/lstm").key == "alpha/adding/lstm"
    write_cell(results, next(cell for cell in cells if cell.name == "chain.gain=0.99"))
    read = command._reader(load(config, OVERRIDES), "quick", results)
    assert read(WHOLE).key == WHOLE and len(read(WHOLE).cells) == 2
