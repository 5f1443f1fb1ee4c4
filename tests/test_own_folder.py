import os
import subprocess
import sys

import pytest

from rnnrepro import own_folder
from rnnrepro.errors import Fault


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    monkeypatch.delenv("RNNREPRO_CACHE", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("name", ["RNNREPRO_CACHE", "NUMBA_CACHE_DIR", None])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o755, 0o700])
def test_a_folder_of_compiled_code_that_others_may_write_to_is_refused(name, mode, monkeypatch, tmp_path):
    folder = tmp_path / "rnnrepro"
    folder.mkdir()
    folder.chmod(mode)
    if name:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
        monkeypatch.setenv(name, str(folder))
    if not mode & 0o022:
        own_folder.check_caches()
        return
    with pytest.raises(Fault, match=f"others may write to it.*name another folder with {name or 'RNNREPRO'}"):
        own_folder.check_caches()


def test_a_folder_that_is_not_there_is_made_for_its_user_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    before = os.umask(0o002)
    try:
        own_folder.check_caches()
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    own_folder.check_caches()


def test_what_is_below_it_counts_too_unless_nobody_can_get_there(tmp_path):
    below = tmp_path / "rnnrepro" / "__pycache__"
    below.mkdir(parents=True)
    below.chmod(0o777)
    (tmp_path / "rnnrepro").chmod(0o700)
    own_folder.check_caches()
    (tmp_path / "rnnrepro").chmod(0o755)
    with pytest.raises(Fault, match="__pycache__: others may write"):
        own_folder.check_caches()


def test_another_users_folder_is_refused_and_roots_is_not(monkeypatch, tmp_path):
    (tmp_path / "rnnrepro").mkdir(mode=0o700)
    owner = os.stat(tmp_path).st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    if owner == 0:
        own_folder.check_caches()
        os.chown(tmp_path / "rnnrepro", 4712, -1)
    with pytest.raises(Fault, match="it belongs to another user"):
        own_folder.check_caches()


@pytest.mark.parametrize("named", ["RNNREPRO_CACHE", "XDG_CACHE_HOME", "HOME"])
def test_the_folder_is_where_compiled_scans_are_kept(named, monkeypatch, tmp_path):
    from rnnrepro.scan.source import cache_folder

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv(named, str(tmp_path / "named"))
    folder = own_folder.cache_folder()
    assert (tmp_path / "named") in (folder, *folder.parents) and not folder.exists()
    assert folder.resolve() == cache_folder()


def test_a_user_without_a_home_names_a_folder(monkeypatch, tmp_path):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", homeless)
    for name in ("NUMBA_CACHE_DIR", "RNNREPRO_CACHE"):
        with pytest.raises(Fault, match="no home folder: name a folder for caches with XDG_CACHE_HOME"):
            own_folder.check_caches()
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    own_folder.check_caches()
    assert own_folder.cache_folder() == tmp_path


def test_the_command_line_says_so_in_one_line_and_runs_nothing(tmp_path):
    tmp_path.chmod(0o777)
    command = [sys.executable, "-m", "rnnrepro", "data", "list"]
    environment = {**os.environ, "RNNREPRO_CACHE": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {tmp_path}: others may write to it")
    assert done.stderr.count("\n") == 1
