"""What `why` counts: cells that the pipeline would train, apart from those whose files it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rnnrepro import cli, plan, project, records

CONFIG = str(Path(__file__).parent / "workflow" / "config")


@pytest.fixture
def why(tmp_path, monkeypatch, capsys):
    """Returns what the command prints of an exhibit of two cells."""
    monkeypatch.chdir(tmp_path)

    def said() -> list[str]:
        assert cli.main(["why", "--config", CONFIG, "results/quick/first/table_adding.html"]) == 0
        return capsys.readouterr().out.splitlines()

    return said


def test_files_without_a_checksum_are_not_counted_as_trained_again(why, tmp_path):
    enrnn, lstm = (
        tmp_path / "results" / "quick" / cell.path
        for cell in plan.experiment_cells(project.load(CONFIG), "quick", "first", "adding")
    )
    enrnn.parent.mkdir(parents=True)
    earlier, strange = {b"rnnrepro": b"{}"}, {}
    for path, known in ((enrnn, earlier), (lstm, strange)):
        pq.write_table(records.rows([]).replace_schema_metadata(known), path)
    *reasons, trained, apart = why()
    assert "verify --seal" in reasons[1] and "not one of ours" in reasons[3]
    assert trained == "0 of 2 cells would be trained"
    assert apart == "2 cannot be used, and are trained again only once their files are deleted"
    enrnn.write_bytes(b"PAR1 no more")
    lstm.unlink()
    assert why()[-1] == "2 of 2 cells would be trained"
