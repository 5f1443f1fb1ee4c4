"""What a disk refuses is one line with its mend, wherever below another error it stands."""

from __future__ import annotations

import errno
import os

import pytest

from rnnrepro.watching import disks


def _os_error(number: int, path: str | None = "logs/quick") -> OSError:
    return OSError(number, os.strerror(number), path)


def _below(error: OSError, how: str) -> Exception:
    """An error of a program that came of `error`."""
    if how == "argument":
        return RuntimeError("it failed", error)
    try:
        try:
            raise error
        except OSError as inner:
            raise RuntimeError("it failed") from (inner if how == "cause" else None)
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("how", ["cause", "context", "argument"])
def test_a_full_disk_below_another_error_is_said(how):
    said = disks.words(_below(_os_error(errno.ENOSPC), how))
    assert said == (
        "error: logs/quick: could not be written (No space left on device); make room and run again"
    )


def test_without_a_path_it_is_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert disks.words(_os_error(errno.EROFS, None)).startswith(
        f"error: {tmp_path}: cannot be written (Read-only"
    )


def test_a_program_that_is_not_there_is_left_to_the_error_that_tells_of_it():
    assert disks.words(_below(_os_error(errno.ENOENT, "sbatch"), "cause")) == ""
    assert disks.words(ValueError("a value")) == ""


def test_a_folder_that_was_removed_is_said_and_a_file_that_only_is_read_is_not():
    assert "its folder was removed; run again" in disks.words(_os_error(errno.ENOENT, "logs/quick/a.log"))
    assert disks.words(_os_error(errno.ENOENT, "config/none.yaml")) == ""


def test_a_disk_that_fails_is_not_one_that_is_read_only():
    said = disks.words(_os_error(errno.EIO, "config/a.yaml"))
    assert said == "error: config/a.yaml: the disk fails (Input/output error); mend that, and run again"


def test_the_first_folder_that_takes_nothing_is_named(tmp_path):
    (tmp_path / "logs").write_text("")
    folders = [tmp_path / "none", tmp_path, tmp_path / "logs"]
    assert disks.refused(folders[:2]) == ""
    assert disks.refused(folders).startswith(
        f"error: {tmp_path / 'logs'}: cannot be written (Not a directory)"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "logs"]
