"""The launcher clears the lock of a killed Snakemake, and never that of a living one."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnrepro.errors import Fault
from rnnrepro.training.writer import Writer

LAUNCH = Path(__file__).parents[2] / "workflow" / "scripts" / "launch.py"
SNAKEFILE = """
rule slow:
    output: "done"
    shell: "echo $$ > pid; until [ -e go ]; do sleep 0.1; done; touch {output}"
"""


@pytest.fixture
def launch():
    specification = importlib.util.spec_from_file_location("launch", LAUNCH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """A folder with a pipeline of one job, which waits for the file `go`; its processes are ended afterwards."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    started: list[subprocess.Popen] = []
    yield tmp_path, started
    (tmp_path / "go").touch()
    for process in started:
        process.kill()
        process.wait()


def start(folder, started, *command: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, *command, "--cores", "1", "--rerun-incomplete"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    return process


def wait_for(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "arguments", [["-d", "{}"], ["--directory", "{}"], ["--directory={}", "--cores", "2"]]
)
def test_the_folder_is_the_one_that_snakemake_will_work_in(launch, tmp_path, arguments):
    given = [a.format(tmp_path) for a in arguments]
    assert launch.working_folder([*given, "-n", "--config", "scale=small", "--", "target"]) == tmp_path


def test_without_a_folder_it_is_the_current_one(launch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert launch.working_folder(["--cores", "all"]) == tmp_path


def test_the_lock_of_a_killed_pipeline_is_removed_although_its_job_lives_on(folder):
    place, started = folder
    first = start(place, started, str(LAUNCH))
    wait_for((place / "pid").exists)
    first.send_signal(signal.SIGKILL)
    first.wait()
    job = int((place / "pid").read_text())
    os.kill(job, 0)  # raises if the job went with Snakemake: then this test would show nothing
    assert any((place / ".snakemake" / "locks").iterdir())
    second = start(place, started, str(LAUNCH))
    (place / "go").touch()
    _, said = second.communicate(timeout=300)
    assert second.returncode == 0, said
    assert "Removing the lock" in said
    assert (place / "done").exists()


@pytest.mark.parametrize("command", [[str(LAUNCH)], ["-m", "snakemake"]], ids=["launched", "started by hand"])
def test_a_living_pipeline_keeps_its_lock_and_the_second_says_whose_it_is(folder, command):
    place, started = folder
    first = start(place, started, *command)
    wait_for((place / "pid").exists)
    second = start(place, started, str(LAUNCH))
    _, said = second.communicate(timeout=300)
    assert second.returncode == 1
    assert f"(process {first.pid})" in said and len(said.splitlines()) == 1
    assert any((place / ".snakemake" / "locks").iterdir())
    (place / "go").touch()
    assert first.wait(timeout=300) == 0


def test_a_snakemake_inside_a_job_of_a_cluster_is_no_pipeline(launch, tmp_path):
    script = "import time; print('ready', flush=True); time.sleep(60)"
    (tmp_path / "snakemake").write_text(script)

    def found(*words: str) -> int | None:
        process = subprocess.Popen(
            [sys.executable, "snakemake", *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        try:
            process.stdout.readline()
            return launch.snakemake_in(tmp_path) and process.pid
        finally:
            process.kill()
            process.wait()

    assert found("--cores", "1") is not None
    assert found("--cores", "1", "--mode", "remote") is None


def test_trainers_left_behind_write_no_more_results_once_the_next_pipeline_starts(launch, tmp_path):
    left = Writer(tmp_path / "state" / "quick", "paper/experiment/arm")
    launch.disown(tmp_path)
    with pytest.raises(Fault, match="a pipeline was begun after this training"), left.writing():
        raise AssertionError("it wrote")
    with Writer(tmp_path / "state" / "quick", "paper/experiment/arm").writing():
        pass
