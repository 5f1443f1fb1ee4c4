"""A pipeline killed in the middle of a training, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnrepro import records

from .conftest import ROOT, Folder, tiny_folder

CELL = "first/copying/nnrnn"
TARGET = f"results/quick/runs/{CELL}.parquet"
LOG = f"logs/quick/train/{CELL}.log"

pytestmark = pytest.mark.slow


def longer(place: Path) -> Folder:
    """The tiny configuration with enough steps in one experiment to be caught in the middle of it."""
    place.mkdir()
    folder = tiny_folder(place)
    folder.edit(
        "config/papers/first.yaml", "steps: 20, evaluate_every: 10", "steps: 4000, evaluate_every: 400"
    )
    return folder


def launch(folder: Folder) -> subprocess.Popen:
    """The pipeline as `make` starts it."""
    command = [
        sys.executable,
        "workflow/scripts/launch.py",
        "--cores",
        "1",
        "--directory",
        str(folder.place),
        "--",
        TARGET,
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trainers(folder: Folder) -> list[int]:
    """The trainers at work in the folder; what a trainer forks is no other one."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            if (
                words[1:4] == ["-m", "rnnrepro", "train"]
                and (entry / "cwd").resolve() == folder.place.resolve()
            ):
                stat = (entry / "stat").read_text()
                found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        except OSError:
            continue
    return [process for process, parent in found.items() if parent not in found]


def killed_while_training(folder: Folder) -> list[int]:
    """Start the pipeline, hold its trainers once they train, `kill -9` Snakemake; the trainers it leaves behind."""
    pipeline = launch(folder)
    log = folder.place / LOG
    end = time.monotonic() + 300
    while not (log.exists() and "steps to go" in log.read_text()):
        assert time.monotonic() < end and pipeline.poll() is None, "it did not begin to train"
        time.sleep(0.02)
    left = trainers(folder)
    for trainer in left:
        os.kill(trainer, signal.SIGSTOP)  # however fast it is, it is half-way when the next pipeline starts
    pipeline.send_signal(signal.SIGKILL)
    pipeline.wait()
    assert left, "the trainer ended before Snakemake was killed: raise the number of steps"
    return left


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The rows of the cell when nothing stops it."""
    folder = longer(tmp_path_factory.mktemp("never stopped") / "folder")
    pipeline = launch(folder)
    said, _ = pipeline.communicate(timeout=300)
    assert pipeline.returncode == 0, said
    return records.read(folder.place / TARGET).table


@pytest.mark.parametrize("trainer_dies_too", [False, True])
def test_no_run_is_trained_by_two_and_the_rows_are_those_of_one_never_stopped(
    tmp_path, expected, trainer_dies_too
):
    folder = longer(tmp_path / "killed")
    (left,) = killed_while_training(folder)
    if trainer_dies_too:
        os.kill(left, signal.SIGKILL)
    again = launch(folder)
    log, most, waited, end = folder.place / LOG, 0, False, time.monotonic() + 600
    while again.poll() is None:
        most = max(most, len(trainers(folder)))
        if not waited and log.exists() and "waiting for it" in log.read_text():
            waited = True
            os.kill(left, signal.SIGCONT)
        assert time.monotonic() < end, "the second pipeline does not end"
        time.sleep(0.05)
    said = again.stdout.read()
    assert again.returncode == 0, said
    assert "Removing the lock of a pipeline that was killed" in said
    if trainer_dies_too:
        assert most == 1
    else:
        assert waited and "steps to go" not in log.read_text().split("waiting for it")[1]
    assert records.read(folder.place / TARGET).table.equals(expected)
    assert not trainers(folder)
