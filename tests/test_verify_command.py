"""`rnnrepro verify` names every damaged file, removes them if asked, and seals files of earlier versions."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnrepro import checksums, records
from rnnrepro.cli import main
from tests import provenances

COST = dict.fromkeys(records.COST_SCHEMA.names) | {"paper": "p", "steps": 3}


@pytest.fixture
def place(tmp_path):
    """A results folder of two cells with their cost tables, and a checkpoint."""
    for arm in ("a", "b.gain=1.02"):
        key = f"p/e/{arm}"
        table = records.assembled([])
        said = provenances.of_cell(key=key, scale="quick")
        records.write(tmp_path / f"results/quick/runs/{key}.parquet", table, said)
        records.write_costs(tmp_path / f"results/quick/costs/{key}.parquet", [COST], scale="quick", key=key)
    (tmp_path / "state/quick/0-1").mkdir(parents=True)
    (tmp_path / "state/quick/0-1/checkpoint").write_bytes(checksums.before(b"content"))
    return tmp_path


def verify(place, *options: str) -> int:
    return main(["verify", *options, str(place)])


def flip(path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_whole_files_are_counted(place, capsys):
    assert verify(place) == 0
    assert capsys.readouterr().out == "5 files, 0 with a fault, 0 removed\n"


def test_damaged_files_are_named_and_removed_only_when_asked(place, capsys):
    hurt = [place / "results/quick/runs/p/e/a.parquet", place / "state/quick/0-1/checkpoint"]
    flip(hurt[0], -6)
    flip(hurt[1], -2)
    assert verify(place) == 1 and all(path.exists() for path in hurt)
    said = capsys.readouterr()
    assert all(str(path) in said.err for path in hurt) and "5 files, 2 with a fault, 0 removed" in said.out
    assert verify(place, "--remove") == 0 and not any(path.exists() for path in hurt)
    assert "2 removed: run again" in capsys.readouterr().out
    assert verify(place) == 0


def test_files_of_earlier_versions_are_sealed_as_they_are_and_never_removed(place, capsys):
    whole = {path: records.read(path) for path in place.rglob("*.parquet")}
    for path, found in whole.items():
        text = {checksums.TEXT: found.table.schema.metadata[checksums.TEXT]}
        pq.write_table(found.table.replace_schema_metadata(None if "costs" in path.parts else text), path)
        os.utime(path, ns=(10**18, 10**18))
    assert verify(place, "--remove") == 1 and all(path.exists() for path in whole)
    assert "5 files, 4 with a fault, 0 removed" in capsys.readouterr().out
    assert verify(place, "--seal") == 0 and verify(place) == 0
    for path, found in whole.items():
        assert records.read(path).provenance == found.provenance and records.read(path).table == found.table
        assert path.stat().st_mtime_ns == 10**18


def test_a_damaged_file_and_somebody_elses_are_not_sealed(place, capsys):
    other, hurt = place / "other.parquet", place / "results/quick/runs/p/e/a.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    flip(hurt, -6)
    assert verify(place, "--seal") == 1
    assert "6 files, 2 with a fault" in capsys.readouterr().out


def test_a_place_that_is_not_there_is_a_fault(tmp_path, capsys):
    assert verify(tmp_path / "nowhere") == 2
    assert "nowhere: no such file or folder" in capsys.readouterr().err


@pytest.mark.parametrize("seal", [[], ["--seal"]])
def test_a_place_with_nothing_to_look_at_is_a_fault(tmp_path, seal, capsys, monkeypatch):
    assert verify(tmp_path, *seal) == 2
    assert f"nothing to look at: no results, state or claims below {tmp_path}" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main(["verify", *seal]) == 2
    assert "below results/ or state/" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"runs": [{"point": "", "seed": 0}]}, "found one without digest"),
        ({"runs": [5]}, "expected runs with names, found int"),
        ({"settings": 7}, "expected dict as 'settings'"),
        ({"task": {}}, "found none with the kind of its task"),
        ({"model": "\x1b]0;owned\x07"}, "with a control character"),
    ],
)
def test_a_file_that_fits_its_checksum_and_is_not_as_we_write_them_is_found(place, changed, said, capsys):
    path = place / "results/quick/runs/p/e/a.parquet"
    records.write(path, records.assembled([]), {**records.read(path).provenance, **changed})
    assert verify(place) == 1
    assert f"{path}: damaged results file (" in (found := capsys.readouterr().err)
    assert said in found and "\x1b" not in found


def test_a_whole_file_in_the_wrong_place_is_found(place, capsys):
    folder = place / "results/quick/runs/p/e"
    (folder / "a.parquet").write_bytes((folder / "b.gain=1.02.parquet").read_bytes())
    record = place / "state/quick/0-1/record.parquet"
    records.write(record, records.rows([]), {"digest": "0", "fingerprint": "2"})
    assert verify(place) == 1
    said = capsys.readouterr().err
    assert f"{folder / 'a.parquet'}: it is of p/e/b.gain=1.02, put in the wrong place" in said
    assert f"{record}: it is of run 0, put in the wrong place" in said
