"""Results files: a declared schema, provenance beside the rows, never half-written, never mistaken for ours."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import bounded, checksums, records
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


def several(path) -> bytes:
    """A file of a hundred rows, some of them not numbers, and its bytes."""
    values = [float("nan") if i % 7 == 0 else 0.1 * i for i in range(100)]
    table = records.rows([(i, "train" if i % 3 else "test", "mse", 0, v) for i, v in enumerate(values)])
    records.write(path, table, PROVENANCE)
    return path.read_bytes()


def as_rows(found) -> list[str]:
    """Rows that may be compared: not a number equals itself here."""
    return [repr(row) for row in found.table.to_pylist()]


def test_no_flipped_bit_is_read_as_another_number(tmp_path):
    path = tmp_path / "a.parquet"
    data = several(path)
    whole, refused = records.read(path), 0
    for place in range(0, len(data), 17):
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        try:
            found = records.read(path)
        except Fault:
            refused += 1
        else:  # bits that nothing hangs on: statistics, the name of the writer
            assert as_rows(found) == as_rows(whole) and found.provenance == PROVENANCE
    assert refused > len(data) // 17 // 4


def test_a_number_changed_behind_the_files_back_is_damage(tmp_path):
    path = tmp_path / "a.parquet"
    several(path)
    table = pq.read_table(path)
    changed = table.set_column(4, "value", pa.array([*table["value"].to_pylist()[:-1], 9.8]))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(checksums.Damaged, match=r"a\.parquet: damaged \(its rows.*delete it and run again"):
        records.read(path)


def test_provenance_changed_behind_the_files_back_is_damage_even_where_no_rows_are_read(tmp_path):
    path = tmp_path / "a.parquet"
    several(path)
    table = pq.read_table(path)
    text = table.schema.metadata[checksums.TEXT].replace(b"diverged", b"finished")
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, checksums.TEXT: text}), path)
    for read in (records.read, records.provenance_of):
        with pytest.raises(checksums.Damaged, match="its provenance"):
            read(path)


def test_a_file_without_a_checksum_is_refused_and_told_what_to_do(tmp_path):
    path = tmp_path / "a.parquet"
    several(path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({checksums.TEXT: b"{}"}), path)
    for read in (records.read, records.provenance_of):
        with pytest.raises(Fault, match=r"no checksum.*rnnrepro verify --seal .*a\.parquet"):
            read(path)


@given(st.lists(st.integers(0, 60), max_size=4), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_checksum_is_of_the_rows_however_they_are_cut(cuts, changed):
    words = [None if i % 11 == 5 else "ab" * (i % 4) for i in range(60)]
    columns = {
        "text": pa.array(words),
        "number": pa.array([None if i % 9 == 2 else i / 7 for i in range(60)]),
        "yes": pa.array([i % 2 == 0 for i in range(60)]),
    }
    table = pa.table(columns)
    edges = [0, *sorted(cuts), 60]
    cut = pa.concat_tables([table.slice(a, b - a) for a, b in pairwise(edges)])
    assert checksums.of_rows(cut) == checksums.of_rows(table)
    other = [
        {"text": pa.array(["ab", *words[1:]])},
        {"number": pa.array([0.5, *columns["number"].to_pylist()[1:]])},
        {"yes": pa.array([False] * 60)},
        {"text": pa.array([None, *words[1:]])},
    ][changed]
    assert checksums.of_rows(pa.table({**columns, **other})) != checksums.of_rows(table)


def test_what_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def fails(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(records.pq, "read_metadata", fails)
    with pytest.raises(Fault, match=r"cannot be read \(Input/output error\)") as caught:
        records.read(tmp_path / "a.parquet")
    assert not isinstance(caught.value, checksums.Damaged)


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


def test_a_folder_that_takes_no_files_is_not_said_to_be_gone(tmp_path, monkeypatch):
    def fails(**_options):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(records.tempfile, "mkstemp", fails)  # as below /proc
    with pytest.raises(Fault, match=r"x\.parquet: no file can be made in .*; name another folder"):
        records.atomically(tmp_path / "x.parquet", lambda part: None)


def test_not_a_number_is_kept_in_rows_but_not_in_provenance(tmp_path):
    records.write(tmp_path / "a.parquet", records.rows([(2, "train", "mse", 0, float("nan"))]), PROVENANCE)
    assert str(records.read(tmp_path / "a.parquet").table["value"][0].as_py()) == "nan"
    with pytest.raises(ValueError, match="JSON"):
        records.write(tmp_path / "b.parquet", records.rows([ROW]), {"x": float("nan")})


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (OSError(28, "No space left on device"), "make room and run again"),
        (OSError("[Errno 28] Error writing bytes to file. Detail: No space left on device"), "make room"),
        (OSError(30, "Read-only file system"), "make its folder writable"),
        (OSError(21, "Is a directory"), "what stands in its place must go"),
        (OSError(2, "No such file or directory"), "its folder was removed; run again"),
    ],
)
def test_what_keeps_a_file_from_being_written_is_said_with_its_mend(tmp_path, error, mend):
    def fails(part):
        raise error

    with pytest.raises(Fault, match=mend):
        records.atomically(tmp_path / "a.txt", fails)


def test_a_disk_that_is_full_for_arrow_is_said_to_be_full(tmp_path):
    code = (
        "import resource, sys; from rnnrepro import records\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "try: records.write(sys.argv[1], records.rows([(1, 'train', 'mse', 0, 0.5)]), {})\n"
        "except records.Fault as fault: print(fault)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.parquet")], capture_output=True, text=True, check=True
    ).stdout
    assert "make room and run again" in said and os.listdir(tmp_path) == []


def sealed(path, table, text: bytes = b"{}") -> None:
    """A file that fits its checksum, as anybody can make one."""
    found = checksums.metadata(checksums.of_rows(table), text)
    pq.write_table(table.replace_schema_metadata(found), path, compression="zstd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[" * 200_000 + b"]" * 200_000, "recursion"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, "at most 20 levels"),
        (b"[1, 2]", "found list"),
        (b'"runs"', "found str"),
        (b'{"runs": [5]}', "runs with names, found int"),
        (b'{"runs": [{"seed": true}]}', "expected int as 'seed' of a run, found bool"),
        (b'{"versions": {"torch": 2}}', "expected str as 'torch' of versions"),
        (rb'{"key": "\u001b]0;x\u0007"}', "with a control character"),
        (rb'{"key": "x\nerror: y"}', "with a control character"),
        (b'{"note": "\xc2\x9b2J"}', "with a control character"),
        (rb'{"note": "\ud800"}', "with a control character"),
    ],
)
def test_provenance_of_another_form_is_damage_though_it_fits_its_checksum(tmp_path, text, said):
    sealed(tmp_path / "a.parquet", records.rows([ROW]), text)
    for read in (records.read, records.provenance_of):
        with pytest.raises(checksums.Damaged, match=said) as caught:
            read(tmp_path / "a.parquet")
        assert str(caught.value).isprintable()


def test_words_in_several_lines_and_alphabets_are_read(tmp_path):
    said = {"note": "two\nlines of β, 😀", "label": r"\beta \u001b", "title": "ü"}
    records.write(tmp_path / "a.parquet", records.rows([ROW]), said)
    assert records.read(tmp_path / "a.parquet").provenance == said


def test_a_file_of_more_rows_or_bytes_than_any_of_ours_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    sealed(path, records.rows([ROW] * 1000))
    monkeypatch.setattr(records.pq, "read_table", None)
    for name, most in (("ROWS", 999), ("UNPACKED_BYTES", 100)):
        with monkeypatch.context() as within:
            within.setattr(bounded, name, most)
            with pytest.raises(Fault, match=f"at most {most}") as caught:
                records.read(path)
            assert not isinstance(caught.value, checksums.Damaged)  # which `verify --remove` would remove


def test_all_metrics_may_be_longer_than_a_results_file_and_are_checked_group_by_group(tmp_path, monkeypatch):
    path = tmp_path / "metrics.parquet"
    table = records.rows([ROW] * 1000)
    groups = checksums.Rows(table.schema)
    with pq.ParquetWriter(path, table.schema) as writer:
        for start in range(0, 1000, 250):
            writer.write_table(table.slice(start, 250))
            groups.add(table.slice(start, 250))
        writer.add_key_value_metadata(checksums.metadata(groups.hexdigest(), b'{"cells": ["a/b/c"]}'))
    monkeypatch.setattr(bounded, "ROWS", 250)
    assert records.checked(path) == {"cells": ["a/b/c"]}
    with pytest.raises(Fault, match="at most 250 rows, found 1,000"):
        records.read(path)
    monkeypatch.setattr(bounded, "ROWS", 249)
    with pytest.raises(Fault, match="at most 249 rows, found 250"):
        records.checked(path)


def test_rows_of_all_metrics_that_do_not_fit_their_checksum_are_damage(tmp_path):
    path = tmp_path / "metrics.parquet"
    table = records.rows([ROW] * 4)
    for text in (b'{"cells": []}', b'{"key": "a"}'):
        pq.write_table(table.replace_schema_metadata(checksums.metadata("0" * 64, text)), path)
        with pytest.raises(checksums.Damaged, match="its rows do not fit"):
            records.checked(path)
    sealed(path, table)
    assert records.checked(path) == records.read(path).provenance


def test_a_text_that_stands_for_gigabytes_is_not_written_out(tmp_path):
    path = tmp_path / "a.parquet"
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"a": long}), path, store_schema=False)
    with pytest.raises(ValueError, match="texts of at most"):
        bounded.read(path, pq.read_metadata(path))


def test_columns_of_other_kinds_are_damage(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"a": [[1, 2]]})
    pq.write_table(table.replace_schema_metadata(checksums.metadata("0", b"{}")), path)
    with pytest.raises(checksums.Damaged, match="columns of numbers and texts"):
        records.read(path)


def test_a_folder_and_what_was_never_a_results_file_are_not_said_to_be_deleted(tmp_path):
    (tmp_path / "config.yaml").write_text("seeds: 3\n")
    with pytest.raises(Fault, match="a folder; name a file in it"):
        records.read(tmp_path)
    with pytest.raises(Fault, match=r"config\.yaml: no results file") as caught:
        records.read(tmp_path / "config.yaml")
    assert "delete" not in str(caught.value) and not isinstance(caught.value, checksums.Damaged)
