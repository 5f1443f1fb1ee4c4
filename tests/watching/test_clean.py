"""Nothing that is needed, held, linked or unknown is removed, and nothing at all without --yes."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from rnnrepro.cli import main
from rnnrepro.watching import compiled
from rnnrepro.watching.leftovers import KINDS, leftovers

from .conftest import OTHER_CODE, aged, gone

NNRNN, LSTM = "first/copying/nnrnn", "first/adding/lstm"
UNPLANNED = f"{'ab' * 8}-{OTHER_CODE}"


def found(working, days: float = 7.0, follow: bool = True) -> dict[str, list[str]]:
    """{kind: names of what is left over}."""
    kinds: dict[str, list[str]] = {}
    for one in leftovers(list(working.cells.values()), working.place, follow=follow, days=days).found:
        kinds.setdefault(one.kind, []).append(one.path.name)
    return kinds


def cleaned(*options: str) -> None:
    assert main(["clean", "--yes", *options]) == 0


def test_a_finished_folder_holds_nothing_to_remove_and_a_new_one_neither(working, capsys):
    assert main(["clean", "--yes"]) == 0
    working.results(NNRNN)
    working.begun(LSTM)
    gone(working, LSTM)
    before = working.files()
    assert main(["clean", "--yes", "--days", "0"]) == 0
    assert capsys.readouterr().out.count("nothing to remove") == 2
    assert working.files() == before


def test_state_of_no_present_plan_goes_once_it_is_old_and_what_results_came_from_stays(working):
    old = working.state(UNPLANNED)
    working.results(NNRNN)
    working.results(LSTM, code="c" * 12)  # of other code, and its results still stand on it
    assert found(working) == {}
    assert found(working, days=0) == {"unplanned": [UNPLANNED]}
    aged(old, 8)
    assert found(working) == {"unplanned": [UNPLANNED]}
    cleaned()
    assert not old.exists() and len(list(working.place.state.glob("*/record.parquet"))) == 4


def test_state_of_other_code_goes_only_where_the_results_are_complete_without_it(working):
    for run in working.cells[LSTM].runs:
        working.state(f"{run.digest}-{OTHER_CODE}")
    assert found(working, days=0) == {}  # it may save a training yet
    working.results(LSTM)
    assert len(found(working, days=0)["other code"]) == 2
    cleaned("--days", "0")
    left = sorted(path.name for path in working.place.state.glob("*-*"))
    assert left == sorted(
        f"{run.digest}-{working.cells[LSTM].fingerprint}" for run in working.cells[LSTM].runs
    )


def test_while_a_results_file_cannot_be_read_no_state_goes(working, capsys):
    working.state(UNPLANNED)
    path = working.results(LSTM)
    path.write_bytes(path.read_bytes()[:-30])
    assert found(working, days=0) == {}
    main(["clean", "--days", "0"])
    assert "cannot be read" in capsys.readouterr().out


def test_what_was_set_aside_and_a_checkpoint_beside_its_record_go_and_the_record_stays(working):
    cell = working.cells[LSTM]
    both = working.state(f"{cell.runs[0].digest}-{cell.fingerprint}", checkpoint=True)
    half = working.begun(NNRNN)
    (half / "checkpoint.damaged").write_bytes(b"x")
    (half / "record.damaged2").write_bytes(b"x")
    assert found(working) == {
        "aside": ["checkpoint.damaged", "record.damaged2"],
        "checkpoint": ["checkpoint"],
    }
    cleaned()
    assert sorted(os.listdir(both)) == ["lock", "record.parquet"]
    assert sorted(os.listdir(half)) == ["checkpoint", "lock"]


def test_a_checkpoint_beside_a_damaged_record_stays(working):
    cell = working.cells[LSTM]
    both = working.state(f"{cell.runs[0].digest}-{cell.fingerprint}", checkpoint=True)
    (both / "record.parquet").write_bytes(b"PAR1")
    assert found(working) == {}


def test_half_written_files_go_after_an_hour(working):
    folder = working.begun(LSTM)
    parts = [folder / ".checkpoint.x.part", working.place.results / "runs" / ".y.part"]
    parts[1].parent.mkdir(parents=True)
    for part in parts:
        part.write_bytes(b"x")
    assert found(working) == {}
    for part in parts:
        aged(part, 0.1)
    assert found(working) == {"part": [part.name for part in parts]}
    cleaned()
    assert not any(part.exists() for part in parts) and (folder / "checkpoint").exists()


def test_of_files_of_progress_those_of_finished_and_unknown_cells_go(working):
    working.results(NNRNN)
    working.job(NNRNN, ended="done")
    gone(working, LSTM)  # what died is still to be told
    working.job("first/adding/other", ended="stopped: SIGTERM")
    working.job("first/adding/living")
    working.job("first/adding/away", host="elsewhere", machine="another")
    (working.place.state / "jobs" / "broken.json").write_text("{")
    over = ["broken.json", "nnrnn.json", "other.json"]
    assert found(working) == {} and sorted(found(working, days=0)["progress"]) == over
    for path in (working.place.state / "jobs").rglob("*.json"):
        aged(path, 8)
    assert sorted(found(working)["progress"]) == over


def test_logs_of_cells_that_are_gone_go_unless_their_results_are_there(working):
    for name in ("gone", "kept", "young"):
        aged(working.log(f"first/adding/{name}", "x"), 30 if name != "young" else 1)
    aged(working.log(LSTM, "x"), 30)
    kept = working.place.results / "runs" / "first" / "adding" / "kept.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"")
    benchmark = working.folder / "benchmarks" / "quick" / "train" / "first" / "adding" / "gone.tsv"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("x")
    aged(benchmark, 30)
    assert found(working) == {"log": ["gone.log", "gone.tsv"]}


def test_without_yes_nothing_is_removed_and_every_kind_is_listed_with_its_size(working, capsys):
    aged(working.state(UNPLANNED), 30)
    (working.begun(LSTM) / "checkpoint.damaged").write_bytes(b"x" * 100)
    before = working.files()
    assert main(["clean"]) == 0
    said = capsys.readouterr().out
    assert working.files() == before
    assert KINDS["unplanned"] in said and KINDS["aside"] in said and "add --yes" in said and "kB" in said


def test_what_a_trainer_holds_stays(working, capsys):
    held = working.state(UNPLANNED)
    aged(held, 30)
    with open(held / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cleaned()
        assert "a trainer holds it" in capsys.readouterr().out
        assert sorted(os.listdir(held)) == ["lock", "record.parquet"]
    cleaned()
    assert not held.exists()


def test_where_a_lock_cannot_be_kept_what_a_trainer_may_hold_stays(working, capsys, monkeypatch):
    held = working.state(UNPLANNED)
    aged(held, 30)

    def refuse(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    cleaned()
    assert "its file system keeps no locks (No locks available); remove it by hand" in capsys.readouterr().out
    assert sorted(os.listdir(held)) == ["lock", "record.parquet"]


def test_a_link_is_neither_followed_nor_removed_and_unknown_files_keep_their_folder(working, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "record.parquet").write_bytes(b"x")
    working.place.state.mkdir(parents=True)
    (working.place.state / UNPLANNED).symlink_to(outside)
    linked = working.state(f"{'cd' * 8}-{OTHER_CODE}")
    (linked / "checkpoint").symlink_to(outside / "record.parquet")
    mine = working.state(f"{'ef' * 8}-{OTHER_CODE}")
    (mine / "notes.txt").write_text("mine")
    for path in (linked, mine):
        for name in ("lock", "record.parquet"):
            aged(path / name, 30)
    aged(mine / "notes.txt", 30)
    cleaned()
    assert (outside / "record.parquet").exists() and (working.place.state / UNPLANNED).is_symlink()
    assert (linked / "record.parquet").exists() and (mine / "record.parquet").exists()


def test_folders_and_files_of_other_names_are_not_looked_at(working):
    for name in ("my-notes", "jobs-old", "0" * 16):
        (working.place.state / name).mkdir(parents=True)
        (working.place.state / name / "record.parquet").write_bytes(b"x")
        aged(working.place.state / name, 99)
    assert found(working, days=0) == {}


def test_compiled_scans_of_other_versions_go_and_those_of_this_one_stay(working, folder):
    cache = folder / "cache"
    cache.mkdir(mode=0o700)  # as the product makes it, whatever files others may write by the user's umask
    (cache / "__pycache__").mkdir()
    names = {"a" * 16: compiled.environment(), "b" * 16: f"{'0' * 16} numba 0.1", "c" * 16: "no version"}
    for name, version in names.items():
        (cache / f"rnnrepro_scan_{name}.py").write_text(f"x = 1\n# {version}\n")
        (cache / "__pycache__" / f"rnnrepro_scan_{name}.forward-1.py311.nbi").write_bytes(b"x")
    (cache / "__pycache__" / f"rnnrepro_scan_{'d' * 16}.forward-1.py311.1.nbc").write_bytes(b"x")
    (cache / "else.py").write_text("")
    cleaned()
    left = {path.name[14] for path in cache.rglob("rnnrepro_scan_*")}
    assert left == {"a", "c"} and (cache / "else.py").exists()


def test_this_version_is_known_by_the_name_that_compiled_scans_give_themselves():
    kernels = pytest.importorskip("rnnrepro.scan.cpu.kernels")

    assert compiled.environment() == kernels._environment()
