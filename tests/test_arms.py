"""A cell's file is read only if it is this cell's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rnnrepro import arms, records
from rnnrepro.errors import Fault
from tests import provenances

CELL = SimpleNamespace(scale="quick", key="p/e/a", path="runs/p/e/a.parquet", cost_path="costs/p/e/a.parquet")


def written(folder, **said) -> None:
    provenance = provenances.of_cell(**{"scale": "quick", "key": "p/e/a", **said})
    records.write(folder / CELL.path, records.assembled([]), provenance)
    records.write_costs(folder / CELL.cost_path, [], scale=provenance["scale"], key=provenance["key"])


def test_its_own_files_are_read(tmp_path):
    written(tmp_path)
    assert arms.of_cell(CELL, tmp_path).key == "p/e/a" and arms.costs_of_cell(CELL, tmp_path) == []


@pytest.mark.parametrize("said", [{"key": "p/e/b"}, {"scale": "small"}])
@pytest.mark.parametrize("read", [arms.of_cell, arms.costs_of_cell])
def test_those_of_another_cell_or_scale_are_refused(tmp_path, said, read):
    written(tmp_path, **said)
    with pytest.raises(Fault, match="put in the wrong place; delete it and run again"):
        read(CELL, tmp_path)


def test_a_cost_table_is_no_results_file_nor_the_other_way_round(tmp_path):
    written(tmp_path)
    runs, costs = tmp_path / CELL.path, tmp_path / CELL.cost_path
    for read, path, other in ((arms.of_cell, runs, costs), (arms.costs_of_cell, costs, runs)):
        whole = path.read_bytes()
        path.write_bytes(other.read_bytes())
        with pytest.raises(Fault, match="other columns"):
            read(CELL, tmp_path)
        path.write_bytes(whole)
