"""What the suite says where it cannot run, and that it leaves a real cluster's configuration alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rnnrepro.errors import Fault

from . import needs
from .cluster import Cluster

ROOT = Path(__file__).parents[2]


def test_a_machine_without_packages_is_told_in_one_line_what_is_missing(tmp_path):
    command = [sys.executable, "-m", "tests.slurm", "--check"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == ""
    assert line.startswith("error: Debian's packages ") and "slurm-client" in line and "apt-get" in line


@pytest.mark.parametrize("name", ["slurm.conf", "slurmdbd.conf", "gres.conf"])
def test_a_real_configuration_is_refused_and_left_as_it_is(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / name).write_text("ClusterName=real\n")
    with pytest.raises(Fault, match="belongs to a real cluster"):
        Cluster(etc=etc).__enter__()
    assert [p.name for p in etc.iterdir()] == [name] and (etc / name).read_text() == "ClusterName=real\n"
    assert list(tmp_path.iterdir()) == [etc]


def test_a_real_configuration_is_refused_before_anything_runs_unless_it_can_be_hidden(tmp_path, monkeypatch):
    (tmp_path / "slurm.conf").write_text("")
    monkeypatch.setattr(needs, "programs_missing", list)
    monkeypatch.setattr(needs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs.refuse_a_real_site, "__defaults__", (tmp_path,))
    monkeypatch.setattr(needs, "namespaces", lambda: True)
    needs.provide()
    monkeypatch.setattr(needs, "namespaces", lambda: False)
    with pytest.raises(Fault, match="no namespace"):
        needs.provide()


def test_links_that_a_killed_suite_left_are_removed_and_no_others(tmp_path):
    (tmp_path / "slurm.conf").symlink_to("/nowhere/rnnrepro-slurm-abc/etc/slurm.conf")
    needs.refuse_a_real_site(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "slurm.conf").symlink_to("/nowhere/cluster/slurm.conf")
    with pytest.raises(Fault, match="belongs to a real cluster"):
        needs.refuse_a_real_site(tmp_path)
    assert (tmp_path / "slurm.conf").is_symlink()


def test_only_root_may(monkeypatch):
    monkeypatch.setattr(needs, "programs_missing", list)
    monkeypatch.setattr(needs.os, "geteuid", lambda: 1000)
    with pytest.raises(Fault, match="need root"):
        needs.provide()


def test_a_cluster_that_does_not_come_up_says_so_and_leaves_nothing(tmp_path, monkeypatch):
    programs, etc, temporary = tmp_path / "bin", tmp_path / "etc", tmp_path / "tmp"
    programs.mkdir()
    temporary.mkdir()
    (programs / "munged").write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    (programs / "munged").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(Fault, match="munged ended"):
        Cluster(etc=etc).__enter__()
    assert not list(etc.iterdir()) and not list(temporary.iterdir())


def test_installing_starts_no_service(tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(needs, "POLICY", policy)
    with needs._no_service_started():
        assert subprocess.run([policy]).returncode == 101
    assert not policy.exists()
    policy.write_text("the machine's own")
    with needs._no_service_started():
        pass
    assert policy.read_text() == "the machine's own"
