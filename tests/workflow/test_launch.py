"""The launcher clears the lock of a killed Snakemake, and never that of a living one."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import signal
import socket
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
    shell: "echo $$ > part; mv part pid; until [ -e go ]; do sleep 0.1; done; touch {output}"
"""


@pytest.fixture
def launch():
    specification = importlib.util.spec_from_file_location("launch", LAUNCH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["results", "logs", "benchmarks"])
def test_what_no_job_could_write_into_is_named_before_any_begins(launch, tmp_path, name, monkeypatch, capsys):
    launch.check(tmp_path)
    (tmp_path / name).mkdir()
    launch.check(tmp_path)
    with monkeypatch.context() as patch:  # the user of the tests may write anywhere
        patch.setattr(os, "access", lambda place, mode: place != tmp_path / name)
        patch.setattr(signal, "signal", lambda number, handler: None)
        assert launch.main(["--directory", str(tmp_path)]) == 1
    said = f"error: {tmp_path / name}: cannot be written; make it writable and run again"
    assert capsys.readouterr().err.strip() == said
    (tmp_path / name).rmdir()
    (tmp_path / name).write_text("")
    with pytest.raises(launch.Refused, match=f"{name}: not a folder; move it away"):
        launch.check(tmp_path)


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


def wait_for(condition, seconds: float = 300.0) -> None:
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
    left = Writer(tmp_path / "state" / "quick", "paper/experiment/arm", "0123")
    launch.disown(tmp_path)
    with pytest.raises(Fault, match="a pipeline was begun after this training"), left.writing():
        raise AssertionError("it wrote")
    with Writer(tmp_path / "state" / "quick", "paper/experiment/arm", "0123").writing():
        pass


@pytest.fixture
def run(launch, tmp_path, monkeypatch):
    """Runs the launcher's `main` on a folder; it returns 0 where it would become Snakemake."""
    monkeypatch.setattr(launch.signal, "signal", lambda *_: None)
    monkeypatch.setattr(launch.os, "execv", lambda *_: None)
    monkeypatch.setattr(launch.os, "set_inheritable", lambda *_: None)
    return lambda *arguments: launch.main(["-d", str(tmp_path), *arguments]) or 0


@pytest.fixture
def lock(tmp_path):
    """Writes the launcher's lock file, with Snakemake's own lock beside it."""
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").touch()
    place = tmp_path / ".snakemake" / "launch.lock"

    def write(text: str) -> Path:
        place.write_text(text)
        return place

    return write


LOOKS = [
    "-n",
    "-pn",
    "-np",
    "--dry-run",
    "--dryrun",
    "--unlock",
    "--report",
    "--report=a.html",
    "--lint",
    "--list",
]
LOOKS += [
    "-l",
    "--summary",
    "-S",
    "-D",
    "--dag",
    "--rulegraph",
    "--filegraph",
    "--lt",
    "--list-changes",
    "--help",
]


@pytest.mark.parametrize("look", LOOKS)
def test_a_mere_look_leaves_trainers_their_claim(run, tmp_path, look):
    left = Writer(tmp_path / "state" / "quick", "paper/experiment/arm", "0123")
    assert run("--cores", "1", look) == 0
    with left.writing():
        pass


@pytest.mark.parametrize(
    "arguments",
    [["--cores", "1"], ["-c4"], ["-pk"], ["--", "-n"], ["--report-after-run"], ["--rerun-incomplete"]],
)
def test_what_runs_jobs_takes_the_claims(run, tmp_path, arguments):
    left = Writer(tmp_path / "state" / "quick", "paper/experiment/arm", "0123")
    assert run(*arguments) == 0
    with pytest.raises(Fault), left.writing():
        raise AssertionError("it wrote")


@pytest.mark.parametrize("content", ["", "0", "none"])
def test_where_the_process_is_not_known_no_number_is_said(run, lock, capsys, content):
    with open(lock(content)) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run() == 1
    said = capsys.readouterr().err
    assert said.endswith(": wait for it, or stop it\n") and "kill" not in said and "(process" not in said


@pytest.mark.parametrize("held", [True, False])
def test_a_pipeline_begun_on_another_machine_keeps_its_lock(run, lock, capsys, tmp_path, held):
    place = lock("123 elsewhere.example")
    with open(place) as other:
        if held:
            fcntl.flock(other, fcntl.LOCK_EX)
        assert run() == 1
    said = capsys.readouterr().err
    assert "on elsewhere.example (process 123)" in said and said.endswith(f": rm {place}\n")
    assert len(said.splitlines()) == 1
    assert place.read_text() == "123 elsewhere.example"
    assert any((tmp_path / ".snakemake" / "locks").iterdir())
    place.unlink()
    assert run() == 0
    assert not any((tmp_path / ".snakemake" / "locks").iterdir())


def test_a_pipeline_that_has_ended_on_another_machine_is_gone_on_with_here(run, lock, tmp_path):
    place = lock("123 elsewhere.example")
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").unlink()
    assert run() == 0
    assert place.read_text().split()[:2] == [str(os.getpid()), socket.gethostname()]


@pytest.mark.parametrize(
    "content", ["123", f"123 {socket.gethostname()}"], ids=["of an earlier launcher", "here"]
)
def test_the_lock_of_one_killed_on_this_machine_is_removed(run, lock, tmp_path, content):
    lock(content)
    assert run() == 0
    assert not any((tmp_path / ".snakemake" / "locks").iterdir())


def test_results_of_the_future_are_dated_now_and_others_are_left_alone(run, tmp_path, capsys):
    future, past = tmp_path / "results" / "quick" / "future.csv", tmp_path / "results" / "past.csv"
    future.parent.mkdir(parents=True)
    for path, shift in ((future, 86_400), (past, -86_400)):
        path.write_text("")
        os.utime(path, (time.time() + shift, time.time() + shift))
    before = past.stat().st_mtime
    assert run() == 0
    assert abs(future.stat().st_mtime - time.time()) < 60
    assert past.stat().st_mtime == before
    assert "1 results were dated in the future" in capsys.readouterr().err


def test_a_project_in_a_folder_whose_name_snakemake_would_fill_in_is_refused(
    run, launch, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(launch, "PROJECT", tmp_path / "x{y}z" / "clone")
    assert run("--cores", "1") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path}/x{{y}}z/clone: Snakemake takes what stands between braces")
    assert line.endswith("give the folder a name without { and }")
    assert not (tmp_path / ".snakemake").exists()


@pytest.mark.parametrize("name", ["", "Snakefile", "workflow/Snakefile"])
@pytest.mark.parametrize("given", [[], ["-s", "mine"], ["--snakefile=mine"]])
def test_where_there_is_no_other_snakefile_it_is_the_one_beside_the_launcher(
    launch, tmp_path, monkeypatch, name, given
):
    monkeypatch.chdir(tmp_path)
    if name:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    own = ["--snakefile", str(LAUNCH.parents[2] / "Snakefile")]
    assert launch.snakefile(["--cores", "1", *given, "-n"]) == ([] if name or given else own)
    assert Path(own[1]).is_file()


def test_a_folder_without_settings_and_snakefile_is_refused_untouched(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("-n") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"error: {tmp_path}: no config/config.yaml in it; cd {LAUNCH.parents[2]}, or name a folder that has one with"
        " --directory"
    )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").touch()
    assert run("-n") == 0
