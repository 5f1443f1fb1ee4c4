"""`why` says in words what has changed since a result was made."""

from __future__ import annotations

import dataclasses

from rnnrepro import changes, plan, project, records
from tests import provenances


def made(cell: plan.Cell, folder, **changed) -> None:
    runs = [provenances.of_run(r.point, r.seed) for r in cell.runs]
    settings = {k: v for k, v in cell.runs[0].settings.items() if k != "seed"}
    said = {"key": cell.key, "runs": runs, "settings": settings, "modules": cell.modules, **changed}
    records.write(folder / cell.path, records.rows([]), provenances.of_cell(**said))


def cell() -> plan.Cell:
    found = plan.experiment_cells(project.load("config"), "quick", "enrnn", "adding")
    return next(c for c in found if c.arm == "scornn")


def test_a_missing_file_is_the_reason(tmp_path):
    (reason,) = changes.changes(cell(), tmp_path)
    assert "does not exist yet" in reason


def test_nothing_changed_gives_no_reason(tmp_path):
    made(cell(), tmp_path)
    assert changes.changes(cell(), tmp_path) == []


def test_a_changed_setting_is_named_with_both_values(tmp_path):
    settings = project.merged(
        {k: v for k, v in cell().runs[0].settings.items() if k != "seed"}, {"training": {"steps": 7}}
    )
    made(cell(), tmp_path, settings=settings)
    assert changes.changes(cell(), tmp_path) == ["setting training.steps: 7 → 1600"]


def test_changed_code_and_added_runs_are_named(tmp_path):
    one = cell()
    modules = {**one.modules, "rnnrepro.matrices.cayley": "old"}
    made(dataclasses.replace(one, runs=one.runs[:-1]), tmp_path, modules=modules)
    assert changes.changes(one, tmp_path) == [
        "run added: seed 4",
        "training code changed: rnnrepro.matrices.cayley",
    ]
