"""How far a folder is, whatever state it was left in, and what is said of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnrepro.cli import main
from rnnrepro.watching import as_json, folder, queue, words
from rnnrepro.watching.folder import Place
from rnnrepro.watching.page import SILENT_SECONDS
from rnnrepro.watching.warnings import warnings

from .conftest import OTHER_CODE, gone

ROOT = Path(__file__).parents[2]
NNRNN, EXPRNN, ENRNN, LSTM = (
    "first/copying/nnrnn",
    "first/copying/exprnn",
    "first/adding/enrnn",
    "first/adding/lstm",
)
ELSEWHERE = {"host": "elsewhere", "machine": "another"}


def row(working, key):
    return next(row for row in working.page().rows if row.found.cell.key == key)


def narrow(text: str) -> bool:
    """Whether no line is longer than a terminal, but for a path, which stays whole."""
    return all(len(line) <= 80 or any(len(word) > 40 for word in line.split()) for line in text.splitlines())


def test_a_folder_that_was_never_used_is_said_to_be_one_and_stays_so(working, capsys):
    before = working.files()
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "Nothing has been trained here yet" in said and "0 of 14 runs done" in said and narrow(said)
    assert working.files() == before


def test_every_cell_has_the_status_that_its_files_give_it(working):
    working.results(NNRNN, diverged=1)
    working.job(EXPRNN, running=4, step=3, steps=20, rate=2.0, left=8.5)
    gone(working, ENRNN)
    working.log(LSTM, "a line\nerror: no such thing\n")
    working.begun("second/digits/lstm")
    assert working.status() == {
        NNRNN: "done",
        EXPRNN: "running",
        ENRNN: "died",
        LSTM: "failed",
        "second/digits/lstm": "stopped",
        "second/digits/scornn": "waiting",
    }
    said = words.text(working.page())
    assert narrow(said), said
    assert "2 of 14 runs done (14 %), 4 at work, 1 diverged" in said
    assert "no such thing" in said and "step 3 of 20, 2 steps/s, about 8s left" in said
    assert "1 run diverged" in said and f"{NNRNN} (1 of 2)" in " ".join(said.split())


def test_how_a_job_ended_is_said_with_its_reason_and_its_log(working):
    working.job(LSTM, ended="failed: memory ran out", done=1)
    working.job(ENRNN, ended="stopped: SIGTERM")
    working.job(NNRNN, ended="done", done=2)
    log = working.log(LSTM, "")
    assert (row(working, LSTM).status, row(working, LSTM).why) == ("failed", "memory ran out")
    assert (row(working, ENRNN).status, row(working, ENRNN).why) == ("stopped", "SIGTERM")
    said = words.text(working.page())
    assert "memory ran out" in said and str(log) in said and "To go on" in said


def test_the_command_to_go_on_is_one_for_the_present_folder_and_the_results_that_are_shown(
    working, monkeypatch
):
    def command() -> list[str]:
        said = words.text(working.page())
        return shlex.split(said.partition("trained again:")[2].replace("\\\n", ""))

    folder = str(working.folder)
    at, launcher = ["--directory", folder, "--config", "scale=quick"], ROOT / "workflow/scripts/launch.py"
    assert command() == [sys.executable, str(launcher), "--cores", "all", *at]
    monkeypatch.chdir(ROOT)
    assert command() == ["make", f"ARGS={' '.join(at)}"]
    working.place = Place(*(Path(name, "quick") for name in ("results", "state", "logs")))
    monkeypatch.chdir(folder)
    assert command() == [sys.executable, str(launcher), "--cores", "all", "--config", "scale=quick"]
    launcher = Path("workflow", "scripts", "launch.py")
    launcher.parent.mkdir(parents=True)
    launcher.touch()
    assert command() == ["make", "ARGS=--config scale=quick"]


def test_why_a_job_failed_is_folded_not_cut(working):
    why = "results/quick/runs/first/adding/lstm.parquet: cannot be read (I/O); mend that, or delete it and run again"
    working.job(LSTM, ended=f"failed: {why}")
    said = words.text(working.page())
    assert narrow(said) and why in " ".join(said.split())


def test_finished_records_count_where_the_results_file_is_not_written_yet(working):
    working.results(LSTM, diverged=1).unlink()
    found = row(working, LSTM)
    assert (found.status, found.found.done, found.found.diverged) == ("trained", 2, 1)


def test_results_of_other_settings_are_to_be_trained_again(working):
    working.results(LSTM)
    path = working.folder / "config" / "papers" / "first.yaml"
    path.write_text(path.read_text().replace("steps: 20, evaluate_every: 5", "steps: 25, evaluate_every: 5"))
    changed = type(working)(working.folder)
    found = row(changed, LSTM)
    assert (found.status, found.found.stale, found.found.done) == ("waiting", "settings", 0)
    assert any("other settings" in said for said in warnings(changed.page()))


def test_results_of_other_code_are_trained_again_at_quick_and_stand_at_paper(working, at_paper):
    working.results(NNRNN, code=OTHER_CODE)
    assert (row(working, NNRNN).status, row(working, NNRNN).found.stale) == ("waiting", "code")
    at_paper.results(NNRNN, code=OTHER_CODE)
    found = row(at_paper, NNRNN)
    assert (found.status, found.found.stale, found.found.done) == ("done", "code", 2)
    assert any("only with retrain=stale" in said for said in warnings(at_paper.page()))


def test_a_damaged_results_file_is_said_and_its_runs_counted_from_their_state(working):
    path = working.results(LSTM)
    path.write_bytes(path.read_bytes()[:-40])
    found = row(working, LSTM)
    assert (found.found.stale, found.found.done, found.status) == ("damaged", 2, "trained")
    assert any("cannot be read: 1 results file" in said for said in warnings(working.page()))


def test_what_was_set_aside_or_is_damaged_or_ran_plainly_is_warned_of(working):
    (working.begun(LSTM) / "checkpoint.damaged").write_bytes(b"x")
    (working.place.state / "jobs").mkdir()
    (working.place.state / "jobs" / "broken.json").write_text("{")
    working.results(NNRNN, backend="cpu+plain")
    said = "\n".join(warnings(working.page()))
    assert "set aside as damaged" in said and "1 file" in said and "checkpoint.damaged" in said
    assert "broken.json" in said and "passed over" in said
    assert f"plain scan, several times slower: {NNRNN}" in said


def test_a_job_on_another_machine_is_unknown_once_it_has_been_silent(working):
    working.job(LSTM, **ELSEWHERE)
    working.job(ENRNN, **ELSEWHERE, updated=int(time.time() - SILENT_SECONDS - 60))
    assert (row(working, LSTM).status, row(working, ENRNN).status) == ("running", "unknown")


def test_jobs_of_slurm_are_looked_up_in_its_queue(working, monkeypatch, tmp_path):
    for number, key in enumerate([LSTM, ENRNN, NNRNN], 11):
        working.job(key, **ELSEWHERE, slurm=str(number), updated=1000)
    squeue = tmp_path / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text('#!/bin/sh\necho "$@" > asked\necho "11|RUNNING"\necho "12|TIMEOUT"\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{squeue.parent}:{os.environ['PATH']}")
    found = working.status()
    assert (found[LSTM], found[ENRNN], found[NNRNN]) == ("running", "died", "died")
    assert "--jobs=11,12,13" in (tmp_path / "asked").read_text()
    squeue.write_text("#!/bin/sh\nexit 1\n")  # it does not answer: nothing is known
    assert working.status()[LSTM] == "unknown"


def test_what_squeue_prints_is_read_and_what_else_it_may_print_passed_over():
    assert queue.parsed(["7|RUNNING", " 8|PENDING ", "x|y", "", "9_1|RUNNING", "slurm: error"]) == {
        "7": "RUNNING",
        "8": "PENDING",
    }
    assert queue.at_work("7", {"7": "COMPLETING"}) is True
    assert queue.at_work("7", {"7": "OUT_OF_MEMORY"}) is False
    assert queue.at_work("9", {}) is False and queue.at_work("7", None) is None
    assert queue.queued(["7"], command="there-is-no-such-command") is None
    assert queue.queued(["$(reboot)", ""], command="there-is-no-such-command") == {}


def test_a_queue_that_does_not_answer_is_waited_for_only_so_long(tmp_path):
    slow = tmp_path / "squeue"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    assert queue.queued(["7"], command=str(slow), seconds=0.2) is None


def test_the_time_left_follows_what_finished_cells_took(working):
    took = {}
    for factor in (30.0, 60.0):
        for key in (NNRNN, EXPRNN, ENRNN):
            working.results(key, seconds=factor)
        left = working.page().left
        took[factor] = left.seconds
        assert "3 cells took" in left.basis
    assert took[60.0] == pytest.approx(2 * took[30.0], rel=0.05)
    assert took[30.0] == pytest.approx(90, rel=0.1)  # three cells like those three are left


def test_the_time_left_is_shared_by_the_jobs_at_work_and_not_below_the_longest(working):
    working.job(LSTM, running=2, step=5, steps=20, rate=1.0, left=100.0)
    working.job(ENRNN, running=2, step=5, steps=20, rate=1.0, left=500.0)
    left = working.page().left
    assert left.jobs == 2 and left.seconds >= 500.0 and "jobs at work" in left.basis


def test_a_job_on_what_is_not_in_the_plan_is_shown_as_such(working):
    working.job("first/adding/other", running=1)
    said = words.text(working.page())
    assert "first/adding/other (not of this plan)" in said and "At work: 1 job\n" in said


def test_the_json_says_the_same_and_colour_is_for_terminals_alone(working, capsys):
    working.results(NNRNN)
    working.job(LSTM, running=2)
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {cell["cell"]: cell["status"] for cell in found["cells"]} == working.status()
    assert found["disk_bytes"]["state"] > 0 and json.dumps(as_json.of(working.page()))
    main(["status"])
    assert "\033" not in capsys.readouterr().out
    assert "\033[" in words.text(working.page(), words.painted)


def test_watching_looks_again_until_it_is_interrupted(working, monkeypatch, capsys):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("rnnrepro.cli.status.time.sleep", sleep)
    assert main(["status", "--watch", "3"]) == 0
    assert slept == [3.0, 3.0] and capsys.readouterr().out.count("Scale quick:") == 2


def test_it_works_without_torch_and_leaves_the_folder_as_it_is(working):
    working.results(NNRNN)
    gone(working, LSTM)
    before = working.files()
    code = (
        "import sys; from rnnrepro.cli import main; main(['status']); "
        "sys.exit(bool({'torch', 'pandas', 'numba'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=working.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert working.files() == before


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("fine\n", ""),
        ("x\nerror: one\nmore\n", "one"),
        ("Traceback (most recent call last):\n  File\nKeyError: 'a'\n", "KeyError: 'a'"),
        ("error: " + "y" * 100_000, ""),
        ("\xff" * 50 + "\nerror: \x1b[2Jz\n", " [2Jz"),
    ],
)
def test_the_last_error_of_a_log_is_found_in_its_tail(tmp_path, text, error):
    (tmp_path / "log").write_bytes(text.encode("latin-1"))
    assert folder.last_error(tmp_path / "log") == error
    assert folder.last_error(tmp_path / "none") == ""
