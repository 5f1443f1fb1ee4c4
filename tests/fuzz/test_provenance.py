"""Results files that fit their checksum and say anything: whoever reads them has words for it, soon."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnrepro import arms, changes, checksums, plan, project, records
from rnnrepro.cli import main, rerun, verify
from rnnrepro.errors import Fault
from tests.fuzz.damage import FEW, MANY, ending, read
from tests.fuzz.test_settings import mutated

ROOT = Path(__file__).parents[2]
KEY = "enrnn/adding/scornn"
REFERENCE = ROOT / "reference" / "quick" / "runs" / f"{KEY}.parquet"
MADE = records.read(REFERENCE)


@pytest.fixture(scope="module")
def cell():
    cells = plan.experiment_cells(project.load(ROOT / "config"), "quick", "enrnn", "adding")
    return next(cell for cell in cells if cell.key == KEY)


@pytest.fixture(scope="module")
def results(tmp_path_factory, cell):
    place = tmp_path_factory.mktemp("forged") / "results" / "quick"
    (place / cell.path).parent.mkdir(parents=True)
    return place


@pytest.fixture
def untrained(monkeypatch):
    """`rerun` goes as far as the training."""
    monkeypatch.setattr(rerun, "_trained", lambda cell, made, job: None)


def forged(path, text: bytes) -> None:
    found = checksums.metadata(checksums.of_rows(MADE.table), text)
    pq.write_table(MADE.table.replace_schema_metadata(found), path)


def check(cell, results, capsys, text: bytes) -> None:
    """Only a Fault may come of any reader, within bounds of time and without a letter that steers a terminal."""
    path = results / cell.path
    forged(path, text)
    for reader in (
        lambda: records.read(path),
        lambda: records.provenance_of(path),
        lambda: verify._check(path, seal=False),
        lambda: verify._check(path, seal=True),
        lambda: arms.gathered("enrnn/adding", [arms.of_cell(cell, results)] * 2),
        lambda: arms.check_settings([cell], results),
        lambda: "".join(changes.changes(cell, results)).encode(),
    ):
        found = read(reader)
        assert not isinstance(found, Fault) or str(found).isprintable()
    with ending():
        assert main(["rerun", str(path)]) in (2, 75)
    said = capsys.readouterr()
    assert (said.out + said.err).replace("\n", "").isprintable()
    assert said.err.count("\nerror: ") == 0


def told(draw) -> bytes:
    tree = draw(mutated(MADE.provenance))
    return json.dumps(tree).encode()


SAID = st.composite(told)()


@given(text=SAID)
@example(text=b"[" * 200_000)
@example(text=b'{"runs":' * 100_000 + b"1" + b"}" * 100_000)
@example(text=b'{"runs":' * 900 + b"1" + b"}" * 900)
@example(text=b"[1, 2]")
@example(text=b'"runs"')
@example(text=json.dumps({**MADE.provenance, "runs": [5]}).encode())
@example(text=json.dumps({**MADE.provenance, "settings": 7}).encode())
@example(text=json.dumps({**MADE.provenance, "key": "\x1b]0;owned\x07\nerror: x"}).encode())
@FEW
def test_provenance_of_any_form_is_read_or_a_fault(cell, results, untrained, capsys, text):
    check(cell, results, capsys, text)


@pytest.mark.slow
@given(text=SAID)
@MANY
def test_provenance_of_any_form_is_read_or_a_fault_many_times(cell, results, untrained, capsys, text):
    check(cell, results, capsys, text)


def test_what_is_forged_here_is_read_when_it_is_as_written(cell, results, untrained, capsys):
    forged(results / cell.path, json.dumps(MADE.provenance).encode())
    assert arms.of_cell(cell, results).provenance == MADE.provenance
    verify._check(results / cell.path, seal=False)
    assert main(["rerun", str(results / cell.path)]) == 75
