"""Where a file system keeps no locks, each who needs one says so with a mend of its own, and does nothing without."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from rnnrepro import locks
from rnnrepro.datasets.fetch import fetch
from rnnrepro.errors import Fault
from rnnrepro.training import apart


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def refused(request, monkeypatch):
    """No file can be locked; why, in words."""

    def refuse(*_arguments):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    return os.strerror(request.param)


def test_a_lock_that_cannot_be_kept_is_named_with_the_mend(tmp_path, refused):
    with (tmp_path / "lock").open("w") as file, pytest.raises(Fault) as fault:
        locks.take(file.fileno(), tmp_path, "do this")
    assert str(fault.value) == f"{tmp_path}: its file system keeps no locks ({refused}); do this"


def test_a_lock_that_another_holds_is_no_fault_of_the_file_system(tmp_path):
    with (tmp_path / "lock").open("w") as mine, (tmp_path / "lock").open("w") as other:
        locks.take(mine.fileno(), tmp_path, "do this")
        with pytest.raises(BlockingIOError):
            locks.take(other.fileno(), tmp_path, "do this", wait=False)


def test_compiled_scans_without_a_lock_are_told_before_any_is_compiled(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path))
    with pytest.raises(Fault, match=f"{tmp_path}: .* no locks .*RNNREPRO_CACHE"):
        apart.compile_apart(apart.Wanted("rnnrepro.none", "", "none", ()), print)


def test_the_lock_of_compiled_scans_may_be_held_by_another(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path))
    with (tmp_path / "compiling.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        apart.check_lock()


def test_a_data_set_is_not_fetched_without_a_lock(tmp_path, refused):
    with pytest.raises(Fault, match=r"no locks .*; name another folder for `data`"):
        fetch("mnist", tmp_path, mirror=tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".lock"]
