"""Files of ours that are not as we wrote them: each is a Fault, or says what it said before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnrepro import checksums, heartbeat, published, records, reported
from rnnrepro.claims import table as claims
from rnnrepro.errors import Fault
from rnnrepro.training.store import RunStore
from tests.fuzz.damage import FEW, MANY, damaged, read

ROOT = Path(__file__).parents[2]
REPORTED = b"".join((ROOT / "config" / "reported" / "nnrnn.csv").read_bytes().splitlines(True)[:30])
CURVES = b"".join(
    next((ROOT / "config" / "reported").glob("*_curves.csv")).read_bytes().splitlines(True)[:30]
)
CLAIMS = b"".join((ROOT / "reference" / "quick" / "claims.csv").read_bytes().splitlines(True)[:12])
HISTORY = [(step, "test", "cross_entropy", 0, 1.0 / (step + 1)) for step in range(200)]
STATE = {"step": 3, "optimiser": {}, "carried": {}, "averages": {}, "history": [], "seconds": 1.5}
PROVENANCE = {
    "key": "p/e/a",
    "scale": "quick",
    "digest": "d" * 16,
    "fingerprint": "f" * 12,
    "text": "words " * 50,
}


class Short(dict):
    """Bytes by name; a failure need not print them all."""

    def __repr__(self):
        return f"{len(self)} files"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder, and the bytes of a results file, a checkpoint and a file of progress."""
    place = tmp_path_factory.mktemp("ours")
    records.write(place / "a.parquet", records.rows(HISTORY), PROVENANCE)
    store = RunStore(place, "d" * 16, "f" * 12)
    store.folder.mkdir()
    store.save({**STATE, "network": {"W": torch.eye(3)}})
    beat = heartbeat.mine("p/e/a", "quick")
    heartbeat.Writer(place / "beat.json", beat, print).write()
    return place, Short(
        results=(place / "a.parquet").read_bytes(),
        checkpoint=store.checkpoint.read_bytes(),
        progress=(place / "beat.json").read_bytes(),
    )


def check_results(whole, data):
    place, contents = whole
    path = place / "b.parquet"
    path.write_bytes(data.draw(damaged(contents["results"])))
    found = read(lambda: records.read(path))
    if not isinstance(found, Fault):
        assert found.table.equals(records.rows(HISTORY)) and found.provenance == PROVENANCE
    said = read(lambda: records.provenance_of(path))
    assert isinstance(said, Fault) or said == PROVENANCE


def check_checkpoint(whole, data, *, resealed):
    """With `resealed` the checksum is made to fit, as only someone who means it would."""
    place, contents = whole
    store = RunStore(place, "e" * 16, "f" * 12)
    shutil.rmtree(store.folder, ignore_errors=True)
    store.folder.mkdir()
    inner = contents["checkpoint"][32:]
    bad = data.draw(damaged(inner if resealed else contents["checkpoint"]))
    store.checkpoint.write_bytes(checksums.before(bad) if resealed else bad)
    told = []
    found = read(lambda: store.load(told.append))
    # it names another run, or is damaged: set aside, and the run starts again
    assert found is None or isinstance(found, Fault)
    assert isinstance(found, Fault) or (told and (store.folder / "checkpoint.damaged").exists())


def check_progress(whole, data):
    place, contents = whole
    path = place / "bad.json"
    path.write_bytes(data.draw(damaged(contents["progress"])))
    found = read(lambda: heartbeat.read(path))
    assert isinstance(found, (str, heartbeat.Heartbeat))
    if not isinstance(found, str):
        assert isinstance(heartbeat.alive(found), (bool, type(None)))


CSV = {
    "reported": (REPORTED, reported.read),
    "curves": (CURVES, published.read),
    "claims": (CLAIMS, claims.read),
}


def check_csv(whole, kind, data):
    content, reader = CSV[kind]
    path = whole[0] / f"{kind}.csv"
    path.write_bytes(data.draw(damaged(content)))
    found = read(lambda: reader(path))
    assert isinstance(found, (list, Fault))


def test_what_is_damaged_here_is_read_when_it_is_whole(whole):
    place, _ = whole
    assert records.read(place / "a.parquet").provenance == PROVENANCE
    assert RunStore(place, "d" * 16, "f" * 12).load(print)["step"] == 3
    assert isinstance(heartbeat.read(place / "beat.json"), heartbeat.Heartbeat)
    for kind, (content, reader) in CSV.items():
        (place / f"{kind}.csv").write_bytes(content)
        assert len(reader(place / f"{kind}.csv")) > 5


@given(data=st.data())
@FEW
def test_damaged_results_are_a_fault_or_the_same(whole, data):
    check_results(whole, data)


@pytest.mark.parametrize("resealed", [False, True])
@given(data=st.data())
@FEW
def test_a_damaged_checkpoint_is_set_aside(whole, resealed, data):
    check_checkpoint(whole, data, resealed=resealed)


@given(data=st.data())
@FEW
def test_damaged_progress_is_words_or_progress(whole, data):
    check_progress(whole, data)


@pytest.mark.parametrize("kind", CSV)
@given(data=st.data())
@FEW
def test_a_damaged_table_is_rows_or_a_fault(whole, kind, data):
    check_csv(whole, kind, data)


@pytest.mark.slow
@given(data=st.data())
@MANY
def test_damaged_files_of_ours_many_times(whole, data):
    kind = data.draw(st.sampled_from(["results", "checkpoint", "resealed", "progress", *CSV]))
    if kind in CSV:
        check_csv(whole, kind, data)
    elif kind == "results":
        check_results(whole, data)
    elif kind == "progress":
        check_progress(whole, data)
    else:
        check_checkpoint(whole, data, resealed=kind == "resealed")


class Pwned:
    def __reduce__(self):
        return (print, ("pwned",))


def test_a_checkpoint_with_code_in_it_runs_none(whole, capsys):
    place, _ = whole
    store = RunStore(place, "c" * 16, "f" * 12)
    store.folder.mkdir(exist_ok=True)
    store.save({**STATE, "network": Pwned()})
    assert store.load(lambda _: None) is None
    assert "pwned" not in capsys.readouterr().out
