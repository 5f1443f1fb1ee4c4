"""Results files: a declared schema, provenance beside the rows, never half-written, never mistaken for ours."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import records
from rnnrepro.errors import Fault

ROW = (1, "train", "mse", 0, 0.5)
PROVENANCE = {"key": "p/e/a", "runs": [{"point": "", "seed": 3, "status": "diverged"}]}


def test_what_is_written_is_read_with_its_provenance(tmp_path):
    records.write(tmp_path / "sub" / "a.parquet", records.rows([ROW]), PROVENANCE)
    found = records.read(tmp_path / "sub" / "a.parquet")
    assert found.table.to_pylist() == [
        dict(zip(("step", "split", "metric", "index", "value"), ROW, strict=True))
    ]
    assert found.key == "p/e/a" and found.status == {("", 3): "diverged"}
    assert records.provenance_of(tmp_path / "sub" / "a.parquet") == PROVENANCE


def test_a_cell_is_its_runs_one_after_the_other_under_the_declared_schema():
    who = {"paper": "p", "experiment": "e", "model": "m", "slice": "", "point": ""}
    table = records.assembled([({**who, "seed": seed}, records.rows([ROW] * 2)) for seed in (0, 1)])
    assert table.schema == records.SCHEMA
    assert table["seed"].to_pylist() == [0, 0, 1, 1]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PAR1" + b[4:-8]])
def test_a_damaged_file_is_one_clear_fault(tmp_path, damage):
    path = tmp_path / "a.parquet"
    records.write(path, records.rows([ROW]), PROVENANCE)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Fault, match="damaged"):
        records.read(path)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_a_fault_and_nothing_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "a.parquet"
    path.write_bytes(data)
    with pytest.raises(Fault):
        records.read(path)


def test_somebody_elses_parquet_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(Fault, match="not one of ours"):
        records.read(tmp_path / "a.parquet")


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fails(part):
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(Fault, match="No space left"):
        records.atomically(path, fails)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_place_that_cannot_be_made_is_a_fault_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="cannot be written"):
        records.atomically(tmp_path / "file" / "a.txt", lambda part: None)


def test_not_a_number_is_kept_in_rows_but_not_in_provenance(tmp_path):
    records.write(tmp_path / "a.parquet", records.rows([(2, "train", "mse", 0, float("nan"))]), PROVENANCE)
    assert str(records.read(tmp_path / "a.parquet").table["value"][0].as_py()) == "nan"
    with pytest.raises(ValueError, match="JSON"):
        records.write(tmp_path / "b.parquet", records.rows([ROW]), {"x": float("nan")})
