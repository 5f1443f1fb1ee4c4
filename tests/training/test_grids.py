"""A grid over rates, initial gains and seeds in one stack, its slices, and runs that end before the others."""

from __future__ import annotations

import pytest
import yaml

from rnnrepro import arms, plan, project, records
from rnnrepro.cli import train as command
from rnnrepro.errors import Fault
from rnnrepro.training import job as jobs

ARM = {
    "hidden": 6,
    "matrix": {"init": "chain"},
    "grid": {"rate": [1.0e-3, 1.0e-2], "matrix.gain": [0.99, 1.02]},
    "optimiser": {"kind": "rmsprop_tf", "rate": 1.0e-3},
}
ARMS = {
    "chain": ARM,
    "lstm": {**ARM, "matrix": {"init": "chain"}, "drive": {"init": "identity(0.9)", "bias": "zeros"}},
    "chain.deep": {**ARM, "network": {"layers": 2, "last": 4}, "dropout": {"hidden": 0.3}},
    "fbchain": {**ARM, "matrix": {}, "slices": ["matrix.gain"]},
}


@pytest.fixture
def made(tmp_path):
    """`made(training, name=arm, …)`: the cells of a made-up experiment by name, and the project."""

    def make(training: dict | None = None, **changes):
        models = {name: {**ARMS[name], **changes.get(name, {})} for name in changes or ARMS}
        paper = {
            "paper": "made_up",
            "title": "A paper",
            "authors": ["A. Author"],
            "year": 2026,
            "venue": "nowhere",
            "claim": "none",
            "exhibits": {},
            "experiments": {
                "adding": {
                    "title": "Adding",
                    "seeds": 2,
                    "models": models,
                    "training": {
                        "batch": 4,
                        "steps": 12,
                        "evaluate_every": 3,
                        "splits": ["test"],
                        **(training or {}),
                    },
                    "analyses": ["nonnormality"],
                    "task": {"kind": "adding", "length": 6, "pool": 20, "test": 8},
                    "scales": {"quick": {}},
                }
            },
        }
        folder = tmp_path / "config"
        (folder / "papers").mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text("scale: quick\n")
        (folder / "papers" / "made_up.yaml").write_text(yaml.safe_dump(paper, sort_keys=False))
        loaded = project.load(folder)
        return {cell.name: cell for cell in plan.cells(loaded, "quick")}, loaded

    return make


@pytest.mark.parametrize("name", ["chain", "lstm", "chain.deep"])
def test_rates_gains_and_seeds_share_a_stack_and_give_the_rows_they_give_alone(
    made, tmp_path, name, tables, job
):
    cells, _ = made(**{name: {}})
    cell = cells[name]
    assert len(cell.runs) == 8 and len({run.stack_digest for run in cell.runs}) == 1
    together = jobs.train(cell, job(tmp_path / "together"))
    assert {record.provenance["cost"]["stack"] for record in together} == {8}
    alone = [jobs.train(cell, job(tmp_path / "alone"), [run])[0] for run in cell.runs]
    assert {record.provenance["cost"]["stack"] for record in alone} == {1}
    assert tables(together) == tables(alone)
    assert len(set(tables(together))) == 8


def test_a_gain_is_the_runs_own_from_the_first_step_on(made, tmp_path, job):
    cells, _ = made(chain={})
    for run, record in zip(
        cells["chain"].runs, jobs.train(cells["chain"], job(tmp_path / "state")), strict=True
    ):
        gain = run.settings["model"]["matrix"]["gain"]
        assert run.point == f"rate={run.settings['optimiser']['main']['rate']:g},matrix.gain={gain:g}"
        assert record.provenance["settings"] == run.settings


def test_the_slices_of_an_arm_are_cells_that_readers_see_as_one(made, tmp_path, job, tables):
    cells, _ = made(fbchain={"grid": {"rate": [1.0e-3, 1.0e-2], "matrix.gain": [0.01, 0.04]}})
    assert list(cells) == ["fbchain.gain=0.01", "fbchain.gain=0.04"]
    first = cells["fbchain.gain=0.01"]
    assert first.path == "runs/made_up/adding/fbchain.gain=0.01.parquet"
    assert {run.settings["model"]["matrix"]["gain"] for run in first.runs} == {0.01}
    assert (first.model, first.slice, first.arm, first.part) == ("fbchain", "", "fbchain", "gain=0.01")
    results = tmp_path / "results"
    for cell in cells.values():
        found = jobs.train(cell, job(tmp_path / "state"))
        jobs.write_cell(cell, found, results / cell.path, results / cell.cost_path)
    whole = arms.existing(cells.values(), results)
    assert list(whole) == ["made_up/adding/fbchain"]
    record = whole["made_up/adding/fbchain"]
    assert record.key == "made_up/adding/fbchain" and list(record.cells) == [c.key for c in cells.values()]
    assert len(record.status) == 8 and set(record.status.values()) == {"finished"}
    parts = [records.read(results / cell.path).table for cell in cells.values()]
    assert record.table.num_rows == sum(part.num_rows for part in parts)
    unsliced, _ = made(
        fbchain={"grid": {"rate": [1.0e-3, 1.0e-2], "matrix.gain": [0.01, 0.04]}, "slices": []}
    )
    (cell,) = unsliced.values()
    assert {run.digest for run in cell.runs} == {run.digest for c in cells.values() for run in c.runs}


def test_one_slice_alone_is_shown_with_what_it_lacks(made, tmp_path, job):
    cells, _ = made(fbchain={"grid": {"matrix.gain": [0.01, 0.04]}})
    first, second = cells.values()
    jobs.write_cell(first, jobs.train(first, job(tmp_path / "state")), tmp_path / first.path, None)
    (record,) = arms.existing(cells.values(), tmp_path).values()
    assert list(record.cells) == [first.key] and second.key not in record.cells
    assert record.key == first.whole


def test_a_slice_is_named_on_the_command_line_as_its_file_is(made):
    cells, loaded = made(fbchain={"grid": {"matrix.gain": [0.01, 0.04]}})
    name = "fbchain.gain=0.04"
    assert command.cell_of(loaded, "quick", "made_up/adding", name).key == cells[name].key
    with pytest.raises(Fault, match=r"did you mean 'fbchain.gain=0.04'"):
        command.cell_of(loaded, "quick", "made_up/adding", "fbchain.gain=0.05")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {"matrix.gian": [1.0]}}, r"grid.matrix.gian: .*did you mean 'matrix.gain'"),
        ({"grid": {"matrix.forward": [1.0]}}, "grid.matrix.forward: not a setting that runs of a stack may"),
        ({"grid": {"rate.orthogonal": [1.0]}}, "grid.rate.orthogonal: not a setting"),
        ({"grid": {"rate": ["1e-3"]}}, r"grid.rate: expected a list of numbers, found \['1e-3'\]"),
        ({"grid": {"rate": []}}, "grid.rate: expected a list of numbers"),
        ({"grid": {"rate": [0.1, 0.1000001]}}, "two values read alike"),
        ({"grid": {"rate": [0.1]}, "slices": ["rates"]}, "'rates' is not a key of the grid.*'rate'"),
    ],
)
def test_a_grid_that_cannot_be_is_a_fault_with_its_place(made, changes, message):
    with pytest.raises(Fault, match=message):
        made(chain=changes)


def test_a_run_below_the_level_ends_at_that_evaluation_and_the_others_go_on(made, tmp_path, job, rows_of):
    cells, _ = made(chain={})
    whole = jobs.train(cells["chain"], job(tmp_path / "whole"))
    curves = [_curve(record) for record in whole]
    # half of the runs come below it before their end
    level = sorted(min(values[:-1]) for _, values in curves)[4] * 1.0001
    early, _ = made({"stop_below": level}, chain={})
    found = jobs.train(early["chain"], job(tmp_path / "early"))
    ended = 0
    for record, (steps, values) in zip(found, curves, strict=True):
        first = next((i for i, value in enumerate(values[:-1]) if value < level), len(values) - 1)
        ended += first < len(values) - 1
        assert _curve(record) == (steps[: first + 1], values[: first + 1])
        assert record.provenance["status"] == "finished"
        assert record.provenance["steps"] == steps[first]
        assert set(record.frame().query("split == 'analysis'")["step"]) == {0, steps[first]}
    assert 0 < ended < len(found)
    alone = [jobs.train(early["chain"], job(tmp_path / "alone"), [run])[0] for run in early["chain"].runs]
    assert [rows_of(record) for record in alone] == [rows_of(record) for record in found]


def _curve(record: records.CellRecords) -> tuple[list[int], list[float]]:
    rows = record.frame().query("split == 'test' and metric == 'mse'").sort_values("step")
    return rows["step"].tolist(), rows["value"].tolist()


def test_a_level_needs_a_split_to_be_measured_on(made):
    with pytest.raises(Fault, match="stop_below: it is the loss of an evaluated split"):
        made({"stop_below": 0.1, "splits": []}, chain={})


def test_a_whole_stack_may_arrive_at_once(made, tmp_path, job):
    cells, _ = made({"stop_below": 1.0e6}, chain={})
    assert {record.provenance["steps"] for record in jobs.train(cells["chain"], job(tmp_path))} == {3}
