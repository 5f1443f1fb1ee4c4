"""The commands `claims` and `metrics` on the results of the invented paper."""

from __future__ import annotations

import argparse
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnrepro import plan, records
from rnnrepro.claims import table
from rnnrepro.cli import claims, metrics
from rnnrepro.errors import Fault
from rnnrepro.project import load


def run(command, *words: object) -> int:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def test_claims_are_judged_and_written(config, results, tmp_path, capsys):
    path = tmp_path / "claims.csv"
    assert run(claims, "--config", config, "--scale", "quick", "--results", results, "--output", path) == 0
    found = {v.claim: v for v in table.read(path)}
    assert {name: v.verdict for name, v in found.items()} == {
        "solves": "supported",
        "better": "supported",
        "reversed": "not supported",
        "unrun": "not run",
    }
    assert found["better"].p == pytest.approx(1 / 252) and found["better"].n == {"enrnn": 5, "scornn": 5}
    said = capsys.readouterr().out
    assert "alpha/reversed: not supported" in said and "1 of 5 runs of RNN diverged" in said
    assert said.rstrip().endswith("quick: 2 supported, 1 not supported, 1 not run")


def test_claims_without_results_are_not_run_and_say_so(config, tmp_path, capsys):
    assert run(claims, "--config", config, "--scale", "quick", "--results", tmp_path) == 0
    assert "no results of alpha/adding/enrnn yet" in capsys.readouterr().out


def test_claims_leave_no_half_written_file(config, results, tmp_path):
    path = tmp_path / "claims.csv"
    path.mkdir()
    with pytest.raises(Fault, match="what stands in its place must go"):
        run(claims, "--config", config, "--scale", "quick", "--results", results, "--output", path)
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_hold_every_row_of_every_cell_with_its_status(config, results, tmp_path):
    path = tmp_path / "metrics.parquet"
    assert run(metrics, "--config", config, "--scale", "quick", "--results", results, "--output", path) == 0
    cells = [records.read(results / cell.path) for cell in plan.cells(load(config), "quick")]
    assert records.read(path).provenance["cells"] == [cell.key for cell in plan.cells(load(config), "quick")]
    found = pq.read_table(path)
    assert found.schema.names == ["scale", *records.SCHEMA.names, "status"]
    assert found.num_rows == sum(cell.table.num_rows for cell in cells)
    assert pq.ParquetFile(path).num_row_groups == len(cells)
    copied = pa.concat_tables([cell.table.cast(records.SCHEMA) for cell in cells]).replace_schema_metadata(
        None
    )
    assert found.select(records.SCHEMA.names).replace_schema_metadata(None).equals(copied)
    frame = found.to_pandas()
    lost = frame[frame["status"] == "diverged"]
    assert set(zip(lost["experiment"], lost["model"], lost["seed"], strict=True)) == {("copying", "rnn", 1)}
    assert set(frame["scale"]) == {"quick"}


def test_metrics_of_the_same_results_are_the_same_bytes(config, results, tmp_path):
    for name in ("first", "second"):
        run(
            metrics, "--config", config, "--scale", "quick", "--results", results, "--output", tmp_path / name
        )
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_metrics_of_rows_whose_run_is_not_named_are_a_fault(config, results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    path = tmp_path / "results" / plan.cells(load(config), "quick")[0].path
    made = records.read(path)
    records.write(path, made.table, {**made.provenance, "runs": made.provenance["runs"][1:]})
    words = ["--config", config, "--scale", "quick", "--results", path.parents[3]]
    with pytest.raises(Fault, match=f"{path}: it has rows of runs that it does not name, such as"):
        run(metrics, *words, "--output", tmp_path / "metrics.parquet")


def test_metrics_name_the_first_cell_without_results(config, tmp_path):
    with pytest.raises(
        Fault, match=r"of \d+ cells have no results, the first .*nnrnn\.parquet; train them first"
    ):
        run(metrics, "--config", config, "--scale", "quick", "--results", tmp_path)
    assert not list(tmp_path.iterdir())
