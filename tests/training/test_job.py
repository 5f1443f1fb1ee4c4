"""A run's rows are the same however it was stopped, stacked or shared; nothing finished is trained again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnrepro import records
from rnnrepro.errors import Fault
from rnnrepro.training import job as jobs
from rnnrepro.training.store import RunStore

CELLS = [
    "adding/enrnn",
    "adding/dtriv",
    "adding/lstm",
    "adding/rnn",
    "adding/urnn_fc",
    "text/lstm",
    "language/lstm",
]


@pytest.mark.parametrize("name", CELLS)
def test_a_run_stopped_at_any_step_ends_with_the_same_rows_as_one_never_stopped(
    cells, tmp_path, name, tables, job
):
    whole = jobs.train(cells[name], job(tmp_path / "whole"))
    for steps in (1, 4, 5, 13):
        root = tmp_path / f"stopped{steps}"
        assert jobs.train(cells[name], job(root, steps=steps)) is None
        assert tables(jobs.train(cells[name], job(root))) == tables(whole)


@pytest.mark.parametrize("name", CELLS)
def test_a_run_alone_has_the_same_rows_as_in_a_stack(cells, tmp_path, name, tables, job):
    together = jobs.train(cells[name], job(tmp_path / "together"))
    alone = jobs.train(cells[name], job(tmp_path / "alone", stack=1))
    assert tables(alone) == tables(together)


def test_a_run_that_diverges_keeps_its_history_and_leaves_its_neighbours_alone(cells, tmp_path, job):
    cell = cells["adding/rnn"]
    found = jobs.train(cell, job(tmp_path))
    by_point = {}
    for run, record in zip(cell.runs, found, strict=True):
        by_point.setdefault(run.point, []).append(record.provenance["status"])
        assert record.table.num_rows > 0
    assert by_point == {"rate=0.001": ["finished"] * 3, "rate=1e+35": ["diverged"] * 3}


def test_analyses_are_made_at_the_ends_and_where_they_say_so_at_each_evaluation(cells, tmp_path, job):
    frames = [record.table.to_pandas() for record in jobs.train(cells["adding/enrnn"], job(tmp_path))]
    for frame in frames:
        steps = frame[frame.split == "analysis"].groupby("metric").step.unique().map(list).to_dict()
        assert steps["eigenvalue_real"] == [0, 20]
        assert all(
            steps[metric] == [0, 5, 10, 15, 20] for metric in ("gradient_h0", "spectral_radius", "latch")
        )
        latch = frame[frame.metric == "latch"].sort_values("step").value
        assert latch.is_monotonic_increasing and set(latch) <= {0.0, 1.0}


def test_an_added_seed_trains_that_seed_alone(cells, tmp_path, job):
    cell = cells["adding/lstm"]
    jobs.train(cell, job(tmp_path), cell.runs[:2])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/record.parquet")}
    found = jobs.train(cell, job(tmp_path))
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/record.parquet")}
    assert len(before) == 2 and len(after) == 3 and len(found) == 3
    assert before.items() <= after.items()
    again, said = job(tmp_path), []
    again.say = said.append
    assert len(jobs.train(cell, again)) == 3
    assert said == [f"{cell.key}: nothing left to train, every run of it is finished"]


def test_stopped_runs_at_different_steps_go_on_from_their_own(cells, tmp_path, tables, job):
    cell = cells["adding/enrnn"]
    jobs.train(cell, job(tmp_path / "mixed", steps=3), cell.runs[:1])
    jobs.train(cell, job(tmp_path / "mixed", steps=7), cell.runs[1:])
    mixed = jobs.train(cell, job(tmp_path / "mixed"))
    assert tables(mixed) == tables(jobs.train(cell, job(tmp_path / "plain")))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:99] + b"\xff" + data[100:]]
)
@pytest.mark.parametrize("kept", ["checkpoint", "record.parquet"])
def test_damaged_state_is_said_and_set_aside_and_the_run_starts_again(
    cells, tmp_path, damage, kept, tables, job
):
    cell = cells["adding/lstm"]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    jobs.train(cell, job(tmp_path / "hurt", steps=6 if kept == "checkpoint" else 10**9))
    for path in (tmp_path / "hurt").glob(f"*/{kept}"):
        data = path.read_bytes()
        path.write_bytes(damage(data) if kept == "checkpoint" else data[: len(data) // 2])
    said = []
    again = job(tmp_path / "hurt")
    again.say = said.append
    assert tables(jobs.train(cell, again)) == tables(whole)
    assert sum("set aside" in text for text in said) == 3


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_checkpoints_that_go_after_their_stack_was_gathered_are_trained_afresh(
    cells, tmp_path, tables, job, monkeypatch, gone
):
    cell, root, told = cells["adding/lstm"], tmp_path / "hurt", []
    whole = jobs.train(cell, job(tmp_path / "whole"))
    jobs.train(cell, job(root, steps=6))
    gather, begin = jobs._stacks, jobs.begin

    def gathered(*arguments):
        stacks = gather(*arguments)
        if not told:
            for path in sorted(root.glob("*/checkpoint"))[:gone]:
                path.unlink()
        return stacks

    def begun(settings, names, **rest):
        told.append(len(names))
        return begin(settings, names, **rest)

    monkeypatch.setattr(jobs, "_stacks", gathered)
    monkeypatch.setattr(jobs, "begin", begun)
    assert tables(jobs.train(cell, job(root))) == tables(whole)
    assert sorted(told) == sorted({3} if gone == 3 else {gone, 3 - gone})


def test_a_checkpoint_of_other_code_is_continued_only_when_asked(cells, tmp_path, job, monkeypatch):
    cell = cells["adding/lstm"]
    with monkeypatch.context() as earlier:
        earlier.setattr(type(cell), "fingerprint", "0123456789ab")
        jobs.train(cell, job(tmp_path, steps=6))
    said = []
    going_on = job(tmp_path, any_code=True)
    going_on.say = said.append
    jobs.train(cell, going_on)
    assert any("stale" in text for text in said) and any("going on from step 6" in text for text in said)
    fresh = job(tmp_path)
    fresh.say = said.append
    said.clear()
    jobs.train(cell, fresh)
    assert not any("going on" in text for text in said)


def test_the_cell_file_holds_every_run_with_its_provenance(cells, tmp_path, job):
    cell = cells["adding/rnn"]
    found = jobs.train(cell, job(tmp_path / "state"))
    jobs.write_cell(cell, found, tmp_path / "cell.parquet", tmp_path / "costs.parquet")
    cell_records = records.read(tmp_path / "cell.parquet")
    assert cell_records.key == "made_up/adding/rnn"
    assert set(cell_records.status) == {(run.point, run.seed) for run in cell.runs}
    frame = cell_records.frame()
    assert set(frame.columns) == set(records.SCHEMA.names)
    finished = frame[(frame.point == "rate=0.001") & (frame.split == "train") & (frame.metric == "mse")]
    assert len(finished) == 3 * 20
    assert records.pq.read_table(tmp_path / "costs.parquet").num_rows == 6


def test_a_full_disk_ends_no_training_but_the_end_of_it(cells, tmp_path, tables, job, monkeypatch):
    cell = cells["adding/lstm"]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    monkeypatch.setattr(jobs, "CHECKPOINT_SECONDS", 0.0)
    full, save = [True], RunStore.save

    def saves(store, content):
        if full[0]:
            raise Fault("no room; make room and run again")
        save(store, content)

    monkeypatch.setattr(RunStore, "save", saves)
    going_on = job(tmp_path / "full")
    going_on.say = (said := []).append
    assert tables(jobs.train(cell, going_on)) == tables(whole)
    assert [text for text in said if "room" in text] == [
        "no room; make room and run again; until then training goes on without new checkpoints"
    ]
    with pytest.raises(Fault, match="no room"):
        jobs.train(cell, job(tmp_path / "stopped", steps=6))
    full[0] = False
    assert jobs.train(cell, job(tmp_path / "stopped", steps=6)) is None
    assert tables(jobs.train(cell, job(tmp_path / "stopped"))) == tables(whole)


def _command(folder: Path, state: Path, cell: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "rnnrepro",
        "train",
        "made_up/adding",
        "--model",
        cell,
        "--config",
        str(folder),
        "--state",
        str(state),
        "--output",
        str(state / "out.parquet"),
        "--set",
        "device=cpu",
    ]


# `rnnrepro train`, which waits half-way until the file `go` is there: no machine is too fast to be caught at it.
HELD = """
import sys, time
from pathlib import Path
from rnnrepro.cli import main
from rnnrepro.training import job, loop
place, step, made = Path(sys.argv[1]), loop.train_step, []
def held(state):
    made.append(state.step)
    if len(made) == 200:
        (place / "held").touch()
        while not (place / "go").exists():
            time.sleep(0.01)
    return step(state)
loop.train_step, job.CHECKPOINT_SECONDS = held, 0.0
sys.exit(main(sys.argv[2:]))
"""


def _stopped_half_way(command: list[str], place: Path, number: int, environment: dict[str, str]) -> int:
    """The exit status of the training that gets the signal half-way."""
    first = subprocess.Popen(
        [sys.executable, "-c", HELD, str(place), *command[3:]],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (place / "held").exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.01)
    first.send_signal(number)
    (place / "go").touch()
    first.communicate(timeout=300)
    return first.returncode


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_process_loses_nothing_and_two_never_train_the_same_run(folder, tmp_path, number, rows_of):
    text = (folder / "papers" / "made_up.yaml").read_text().replace("steps: 20", "steps: 400")
    (folder / "papers" / "made_up.yaml").write_text(text)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(_command(folder, tmp_path / "whole", "lstm"), check=True, env=environment)
    command = _command(folder, tmp_path / "killed", "lstm")
    assert _stopped_half_way(command, tmp_path, number, environment) == (
        -9 if number == signal.SIGKILL else 75
    )
    pair = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600)[1] for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert (
        sum("steps to go" in text for text in said) == sum("going on from step" in text for text in said) == 1
    )
    killed, whole = (rows_of(records.read(tmp_path / name / "out.parquet")) for name in ("killed", "whole"))
    assert killed == whole
