"""A job's file of progress counts its runs, says how it ended, and never stops a training; a log stays short."""

from __future__ import annotations

import threading
import time

import pytest

from rnnrepro import heartbeat
from rnnrepro.errors import Fault
from rnnrepro.training import job as jobs
from rnnrepro.training import loop
from rnnrepro.training import progress as said
from rnnrepro.training.store import RunStore


def beat_of(root, cell, part="") -> heartbeat.Heartbeat:
    found = heartbeat.read(heartbeat.place(root, cell.key, part))
    assert isinstance(found, heartbeat.Heartbeat), found
    return found


def test_a_finished_job_says_how_many_runs_are_done_and_diverged(cells, tmp_path, job):
    cell = cells["adding/rnn"]
    jobs.train(cell, job(tmp_path))
    found = beat_of(tmp_path, cell)
    assert (found.runs, found.done, found.diverged, found.running) == (6, 6, 3, 0)
    assert found.ended == "done" and found.step == 20 and found.steps == 20
    assert found.memory_mb > 10 and found.cell == cell.key and found.scale == "quick"
    jobs.train(cell, job(tmp_path))  # nothing left: what is done is counted from its records
    found = beat_of(tmp_path, cell)
    assert (found.runs, found.done, found.diverged, found.ended) == (6, 6, 3, "done")


def test_a_job_at_work_says_its_step_speed_and_what_is_left(cells, tmp_path, monkeypatch, job):
    monkeypatch.setattr(said, "_FILE_SECONDS", 0.0)
    cell, seen, step = cells["adding/rnn"], [], loop.train_step

    def looked_at(state):
        seen.append(beat_of(tmp_path, cell))
        return step(state)

    monkeypatch.setattr(loop, "train_step", looked_at)
    jobs.train(cell, job(tmp_path, stack=2))
    assert seen[0].running == 6 and not seen[0].ended and heartbeat.alive(seen[0])
    middle = seen[10]
    assert middle.running == 2 and middle.step == 10 and middle.rate > 0 and middle.loss > 0
    # its own ten steps, and two stacks of twenty after it
    assert middle.left == pytest.approx(50 / middle.rate, rel=1e-3)
    assert {beat.backend for beat in seen[1:]} <= {"cpu", "plain"}


def test_a_stopped_job_says_why_and_a_failed_one_its_line(cells, tmp_path, monkeypatch, job):
    cell = cells["adding/lstm"]
    assert jobs.train(cell, job(tmp_path, steps=4)) is None
    found = beat_of(tmp_path, cell)
    assert (found.ended, found.done, found.runs) == ("stopped: the test says so", 0, 3)

    def fails(state):
        raise Fault("no such thing\nsecond line")

    monkeypatch.setattr(loop, "train_step", fails)
    with pytest.raises(Fault):
        jobs.train(cell, job(tmp_path))
    assert beat_of(tmp_path, cell).ended == "failed: no such thing"


def test_some_runs_alone_have_a_file_of_their_own(cells, tmp_path, job):
    cell = cells["adding/lstm"]
    jobs.train(cell, job(tmp_path), cell.runs[1:2])
    assert beat_of(tmp_path, cell, "seed1").runs == 1
    assert not heartbeat.place(tmp_path, cell.key).exists()


def test_what_was_set_aside_stands_among_the_notes(cells, tmp_path, job):
    cell = cells["adding/lstm"]
    jobs.train(cell, job(tmp_path, steps=6))
    damaged = next(tmp_path.glob("*/checkpoint"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    jobs.train(cell, job(tmp_path))
    assert any("set aside" in note for note in beat_of(tmp_path, cell).notes)


def test_training_goes_on_where_no_progress_can_be_written(cells, tmp_path, tables, job):
    cell = cells["adding/lstm"]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / heartbeat.FOLDER).write_text("not a folder")
    work, lines = job(tmp_path / "full"), []
    work.say = lines.append
    assert tables(jobs.train(cell, work)) == tables(whole)
    assert sum("progress cannot be written" in line for line in lines) == 1


def test_a_lock_that_was_removed_while_it_was_waited_for_is_taken_anew(tmp_path):
    store = RunStore(tmp_path, "0" * 16, "1" * 12)
    with store.locked(pytest.fail):
        waiting: list[str] = []
        taken = threading.Event()

        def second() -> None:
            with store.locked(waiting.append):
                taken.set()

        thread = threading.Thread(target=second)
        thread.start()
        while not waiting:
            time.sleep(0.01)
        (store.folder / "lock").unlink()  # as `rnnrepro clean` does, which holds it then
        store.folder.rmdir()
    thread.join(300)
    assert taken.is_set() and (store.folder / "lock").exists()


def test_a_log_of_weeks_has_some_thousand_lines():
    now, lines = 0.0, 0
    while now < 28 * 86400:
        now += said.pause(now)
        lines += 1
    assert 1000 < lines < 5000
    assert said.pause(0) == 10 and said.pause(10**9) == 600
