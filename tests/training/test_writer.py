"""Of trainers of different results only those of the kind begun last write."""

from __future__ import annotations

import errno
import fcntl
import os
import threading

import pytest

from rnnrepro.errors import Fault
from rnnrepro.training.writer import Writer

KEY = "nnrnn/copying/nnrnn.gain=1.0"
OLD, NEW = "0123456789abcdef", "fedcba9876543210"


def test_a_trainer_alone_writes_as_often_as_it_likes(tmp_path):
    writer = Writer(tmp_path, KEY, NEW)
    for _ in range(2):
        with writer.writing():
            pass


def test_the_earlier_of_two_trainers_does_not_write_and_says_why(tmp_path):
    earlier, later = Writer(tmp_path, KEY, OLD), Writer(tmp_path, KEY, NEW)
    with (
        pytest.raises(Fault, match=rf"{KEY}: another training .*\(process {os.getpid()}\)"),
        earlier.writing(),
    ):
        raise AssertionError("it wrote")
    with later.writing():
        pass


def test_two_trainers_of_the_same_results_may_both_write_them(tmp_path):
    for writer in [Writer(tmp_path, KEY, NEW), Writer(tmp_path, KEY, NEW)]:
        with writer.writing():
            pass


def test_a_claim_that_a_pipeline_has_taken_holds_no_more(tmp_path):
    writer = Writer(tmp_path, KEY, NEW)
    writer.place.write_text("")
    with pytest.raises(Fault, match=f"{KEY}: a pipeline was begun after"), writer.writing():
        raise AssertionError("it wrote")


def test_results_of_different_cells_are_written_by_different_trainers(tmp_path):
    writers = [Writer(tmp_path, key, NEW) for key in (KEY, f"{KEY}0", "nnrnn/copying/rnn")]
    for writer in writers:
        with writer.writing():
            pass


def test_no_trainer_begins_while_another_writes(tmp_path):
    writer, begun = Writer(tmp_path, KEY, OLD), threading.Event()
    other = threading.Thread(target=lambda: (Writer(tmp_path, KEY, NEW), begun.set()))
    with writer.writing():
        other.start()
        assert not begun.wait(0.3)
    assert begun.wait(60)
    with pytest.raises(Fault), writer.writing():
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match=r"file/writers/.*cannot be written"):
        Writer(tmp_path / "file", KEY, NEW)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_with_the_mend(tmp_path, monkeypatch, number):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said = f"{tmp_path}: its file system keeps no locks ({os.strerror(number)}); name another folder with --state"
    with pytest.raises(Fault) as fault:
        Writer(tmp_path, KEY, NEW)
    assert str(fault.value) == said
