"""Memory is planned above what was measured, and rarely by more than a factor of two."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rnnrepro import footprint, plan, project, tables
from rnnrepro.footprint import Held

# Of the runs behind reference/: the largest resident set of each cell's process, in megabytes of 1e6 bytes.
MEASURED = Path(__file__).parent / "measured_costs.csv"


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str], plan.Cell]:
    whole = project.load("config")
    found = [cell for scale in ("quick", "small") for cell in plan.cells(whole, scale, list(whole.papers))]
    return {(cell.scale, cell.key): cell for cell in found}


def test_the_peak_of_a_job_is_planned_from_above_and_rarely_above_twice_of_it(cells):
    with MEASURED.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (row["scale"], row["cell"]) in cells]
    assert len(rows) > 250
    planned = []
    for row in rows:
        cell = cells[row["scale"], row["cell"]]
        settings = [run.settings for run in cell.runs] * 2  # a run of an equal cell had that cell's stack
        found = footprint.memory_mb(settings, cell.shape, int(row["stack"]))
        planned.append(found / float(row["peak_mb"]))
    assert sum(ratio < 1 for ratio in planned) <= 0.05 * len(planned)
    assert sum(ratio > 2 for ratio in planned) <= 0.05 * len(planned)
    assert min(planned) > 0.8
    assert max(planned) < 3


def test_more_runs_take_more_memory_up_to_what_is_asked_for(cells):
    cell = cells["small", "momentumrnn/mnist/rmsprop_lstm"]
    one = [cell.runs[0].settings]
    asked = [footprint.memory_mb(one * n, cell.shape) for n in (1, 2, 3, 1000)]
    assert asked == sorted(set(asked))
    assert asked[-1] < footprint.PROCESS_MB + footprint.STACKS_MB + 100
    assert footprint.memory_mb(one * 3, cell.shape, 1) == asked[0]
    assert cell.estimate.memory_mb == asked[2]


def test_a_stack_that_the_user_chose_is_asked_for_as_it_is(cells):
    cell = cells["small", "momentumrnn/mnist/rmsprop_lstm"]
    settings = [cell.runs[0].settings] * 1000
    chosen = footprint.memory_mb(settings, cell.shape, 500)
    assert chosen > footprint.memory_mb(settings, cell.shape) + footprint.STACKS_MB

    found = project.load("config", overrides={"stack": 1})
    same = {one.key: one for one in plan.experiment_cells(found, "small", "momentumrnn", "mnist")}[cell.key]
    assert same.digest == cell.digest and same.content == cell.content
    assert same.estimate.memory_mb == footprint.memory_mb(settings, cell.shape, 1) < cell.estimate.memory_mb


def test_a_single_run_may_need_more_than_is_asked_for_stacks(cells):
    cell = cells["small", "momentumrnn/mnist/rmsprop_lstm"]
    wide = {**cell.runs[0].settings, "model": {**cell.runs[0].settings["model"], "hidden": 4000}}
    assert footprint.memory_mb([wide], cell.shape) > 2 * footprint.STACKS_MB


@pytest.mark.parametrize("name", tables.UPDATES)
def test_what_an_update_holds_is_what_its_stages_say(name):
    from rnnrepro.training.stacks import held

    update = tables.load("update", name)(**tables.UPDATES[name].arguments)
    assert footprint.held(name) == held(update)


def test_an_update_that_is_not_known_holds_more_than_a_simple_one(monkeypatch):
    monkeypatch.delitem(footprint.HELD, "lstm")
    assert footprint.held("lstm") == Held(8, 14)


@pytest.mark.parametrize("name", tables.MATRICES)
def test_matrices_that_are_parameters_as_they_are(name):
    assert tables.load("matrix", name).rectangular == (name in footprint.RECTANGULAR)
