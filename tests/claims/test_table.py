"""claims.csv: what was written is read, and what is not that is told."""

from __future__ import annotations

import csv
import random

import pytest

from rnnrepro.checksums import Damaged
from rnnrepro.claims import table
from rnnrepro.claims.verdicts import Verdict
from rnnrepro.errors import Fault

FOUND = [
    Verdict(
        paper="p",
        claim=name,
        text="A text,\nof two lines",
        source="ours",
        scale="quick",
        kind="reaches",
        verdict=verdict,
        n={"lstm": 2},
        p=0.25,
    )
    for name, verdict in (("a", "supported"), ("b", "not supported"))
]


@pytest.fixture
def path(tmp_path):
    """A table of two verdicts."""
    table.write(tmp_path / "claims.csv", FOUND)
    return tmp_path / "claims.csv"


@pytest.mark.parametrize("found", [FOUND, []], ids=["two", "none"])
def test_what_was_written_is_read(path, found):
    table.write(path, found)
    assert table.read(path) == found


def test_a_table_of_an_earlier_version_has_no_checksum_and_is_read(path):
    with path.open(newline="") as file:
        rows = [row[:-1] for row in csv.reader(file)]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert table.read(path) == FOUND


def test_every_other_verdict_or_number_is_told(path):
    path.write_text(path.read_text().replace(",not supported,", ",inconclusive,"))
    with pytest.raises(Damaged, match=r"claims.csv: damaged .*; delete it and run again"):
        table.read(path)


def test_a_table_cut_short_anywhere_is_told(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            table.read(path)


def test_a_flipped_bit_anywhere_is_told_or_changes_nothing(path):
    whole, rng = path.read_bytes(), random.Random(0)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            found = table.read(path)
        except Damaged:
            continue
        assert found == FOUND


def test_a_table_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(Fault, match="cannot be read"):
        table.read(tmp_path / "claims.csv")
