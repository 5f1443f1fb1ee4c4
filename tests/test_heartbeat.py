"""The small file in which a training job says how far it is: whole, bounded, and read whatever it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rnnrepro import heartbeat


def beat(**values) -> heartbeat.Heartbeat:
    found = heartbeat.mine("paper/experiment/arm", "quick")
    for name, value in values.items():
        setattr(found, name, value)
    return found


def test_what_is_written_is_read_again(tmp_path):
    path = heartbeat.place(tmp_path, "paper/experiment/arm")
    said = beat(runs=3, step=7, loss=0.25, notes=["ä note"], started=1.5)
    heartbeat.Writer(path, said, pytest.fail).write()
    said.updated = round(said.updated, 6)
    assert heartbeat.read(path) == said
    assert list(heartbeat.every(tmp_path)) == [(path, said)]
    assert os.listdir(path.parent) == ["arm.json"]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e300, None])
def test_a_loss_that_is_no_number_is_not_said(tmp_path, loss):
    path = tmp_path / "x.json"
    heartbeat.Writer(path, beat(loss=loss, rate=float("inf")), pytest.fail).write()
    assert heartbeat.read(path).loss is None and heartbeat.read(path).rate == 0.0


def test_a_file_stays_small_and_its_notes_are_the_last_few_single_lines(tmp_path):
    said = beat(ended=heartbeat.one_line("failed: " + "\u4e00" * 9999))
    for i in range(50):
        said.note(f"note {i}\x1b[2J " + "\u4e00" * 9999 + "\nmore")
        said.note(f"note {i}\x1b[2J " + "\u4e00" * 9999 + "\nmore")
    path = tmp_path / "x.json"
    heartbeat.Writer(path, said, pytest.fail).write()
    assert path.stat().st_size < heartbeat.LARGEST
    found = heartbeat.read(path)
    assert [note[:7] for note in found.notes] == [f"note {i}" for i in range(45, 50)]
    assert "\x1b" not in "".join(found.notes)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"{}",
        b'{"cell": 3}',
        b'{"cell": "a/b/c", "pid": -1}',
        b'{"cell": "a/b/c", "pid": true}',
        b'{"cell": "a/b/c", "pid": 1e999}',
        b'{"cell": "a/b/c", "left": 1e999}',
        b'{"cell": "a/b/c", "rate": NaN}',
        b'{"cell": "a/b/c", "notes": [1]}',
        b'{"cell": "a/b/c", "notes": {"a": 1}}',
        b'{"cell": null}',
        b'{"cell": "a/b/c", "runs": ' + b"9" * 5000 + b"}",
        b"[" * 8000,
        b" " * 100_000,
    ],
)
def test_a_damaged_file_is_passed_over_with_a_word(tmp_path, damage):
    path = tmp_path / "x.json"
    path.write_bytes(damage)
    found = heartbeat.read(path)
    assert isinstance(found, str) and found and "\n" not in found and len(found) < 250


def test_what_a_later_version_adds_is_left_out_and_what_an_earlier_one_lacks_has_its_default(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"cell": "a/b/c", "colour": "red"}')
    assert heartbeat.read(path) == heartbeat.Heartbeat(cell="a/b/c")


def test_a_missing_or_forbidden_file_is_a_word_too(tmp_path):
    assert "No such file" in heartbeat.read(tmp_path / "none")
    assert "directory" in heartbeat.read(tmp_path)
    assert list(heartbeat.every(tmp_path / "none")) == []


def test_links_are_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.json").write_text('{"cell": "a/b/c"}')
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / heartbeat.FOLDER).mkdir()
    (tmp_path / "state" / heartbeat.FOLDER / "p").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "state" / heartbeat.FOLDER / "x.json").symlink_to(tmp_path / "elsewhere" / "x.json")
    assert list(heartbeat.every(tmp_path / "state")) == []


def test_a_disk_that_takes_nothing_is_said_once_and_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    said = []
    writer = heartbeat.Writer(tmp_path / "file" / "jobs" / "x.json", beat(), said.append)
    writer.write()
    writer.write()
    assert len(said) == 1 and "training goes on" in said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_who_lives_is_told_from_who_died_and_from_a_reused_number():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    its = beat(pid=child.pid, born=heartbeat.born(child.pid))
    assert heartbeat.alive(its) is True
    assert heartbeat.alive(beat(pid=child.pid, born=its.born - 1)) is False
    child.kill()
    while heartbeat.born(child.pid) is not None:  # a zombie is dead before its parent asks
        pass
    assert heartbeat.alive(its) is False
    child.wait()
    assert heartbeat.alive(its) is False


def test_of_another_machine_nothing_is_known_but_after_a_boot_all_are_dead():
    assert heartbeat.alive(beat()) is True
    assert heartbeat.alive(beat(host="elsewhere", machine="other pid:[1]")) is None
    if heartbeat.machine():
        assert heartbeat.alive(beat(machine="another-boot pid:[1]")) is False
        beside = heartbeat.machine().partition(" ")[0] + " pid:[1]"
        assert heartbeat.alive(beat(machine=beside)) is None


def test_the_file_says_which_slurm_job_writes_it(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1234")
    assert heartbeat.mine("a/b/c", "quick").slurm == "1234"
    assert json.dumps(heartbeat.mine("a/b/c", "quick").__dict__)


@pytest.mark.parametrize("length", [10, 150, 400])
def test_a_long_sentence_keeps_its_mend_and_whole_words(length):
    words = [f"word{i}" for i in range(length)]
    said = heartbeat.one_line(f"{' '.join(words)}; mend that, or delete it and run again")
    assert said.endswith("; mend that, or delete it and run again") and len(said) <= 200
    kept, _, cut = said.partition("; ")[0].partition(" …")
    assert kept.split() == words[: len(kept.split())] and cut == "" and len(kept.split()) >= 10
    assert heartbeat.one_line(said) == said


def test_a_long_sentence_without_a_mend_is_cut_behind_a_word():
    said = heartbeat.one_line("cannot be written " * 40 + "; " + "x" * 150)
    assert said.endswith(("cannot …", "be …", "written …")) and 190 <= len(said) <= 200
