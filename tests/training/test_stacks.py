"""Stacks follow from memory; one that memory does not hold is split, and no run's numbers tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rnnrepro import footprint, records
from rnnrepro.errors import Fault
from rnnrepro.scan import BACKENDS
from rnnrepro.tasks.sizes import shape
from rnnrepro.training import job as jobs
from rnnrepro.training import loop, memory, stacks

CPU = torch.device("cpu")
FAILURES = [
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
]


def failing(monkeypatch, most: int, error: Exception, from_step: int = 0) -> list[int]:
    """Steps of more than `most` runs fail for want of memory, from a step on; the sizes that were tried."""
    step, tried = loop.train_step, []

    def short_of_memory(state):
        tried.append(len(state.settings))
        if len(state.settings) > most and state.step >= from_step:
            raise error
        return step(state)

    monkeypatch.setattr(loop, "train_step", short_of_memory)
    return tried


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_stack_without_enough_memory_is_split_and_ends_with_the_same_rows(
    cells, tmp_path, monkeypatch, error, tables, job
):
    cell = cells["adding/rnn"]  # six runs, of which three diverge and leave
    whole = jobs.train(cell, job(tmp_path / "whole"))
    said: list[str] = []
    tried = failing(monkeypatch, 2, error)
    split = job(tmp_path / "split")
    split.say = said.append
    assert tables(jobs.train(cell, split)) == tables(whole)
    assert tried[:2] == [6, 3]  # halved, and halved again
    assert sum("memory ran out" in text for text in said) == 2


def test_finished_runs_are_kept_and_the_others_go_on_from_their_saved_state(
    cells, tmp_path, monkeypatch, tables, job
):
    cell = cells["adding/enrnn"]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    assert jobs.train(cell, job(tmp_path / "split"), cell.runs[:1]) is not None
    assert jobs.train(cell, job(tmp_path / "split", steps=7)) is None
    said: list[str] = []
    tried = failing(monkeypatch, 1, MemoryError(), from_step=9)
    split = job(tmp_path / "split")
    split.say = said.append
    assert tables(jobs.train(cell, split)) == tables(whole)
    assert sum("going on from step 7" in text for text in said) == 3  # the two together, then each alone
    assert tried == [2] * 3 + [1] * 13 * 2
    costs = [record.provenance["cost"]["stack"] for record in jobs.train(cell, split)]
    assert costs == [1, 1, 1]


def test_one_run_alone_without_memory_is_a_fault_with_its_mend(cells, tmp_path, monkeypatch, job):
    failing(monkeypatch, 0, MemoryError())
    with pytest.raises(Fault, match=r"one run alone .* another machine"):
        jobs.train(cells["adding/lstm"], job(tmp_path))


def test_other_errors_are_not_taken_for_want_of_memory(cells, tmp_path, monkeypatch, job):
    failing(monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        jobs.train(cells["adding/lstm"], job(tmp_path))


@pytest.mark.parametrize("name", ["adding/rnn", "adding/urnn_fc"])
def test_a_diverging_neighbour_changes_no_bit_of_the_runs_that_stay(cells, tmp_path, name, tables, job):
    cell = cells[name]
    together = jobs.train(cell, job(tmp_path / "together"))
    stay = [run for run in cell.runs if run.point == "rate=0.001"]
    alone = jobs.train(cell, job(tmp_path / "alone"), stay)
    kept = [record for record, run in zip(together, cell.runs, strict=True) if run in stay]
    assert len(kept) == 3
    assert tables(kept) == tables(alone)


def test_auto_takes_all_runs_where_they_fit_and_records_the_stack(cells, tmp_path, monkeypatch, job):
    cell = cells["adding/lstm"]
    need = stacks.bytes_of_run(cell.runs[0].settings, cell.shape, "plain")
    for free, expected in ((10**12, 3), (2 * 2.5 * need, 2), (0, 1)):
        monkeypatch.setattr(memory, "free", lambda device, free=free: int(free))
        root = tmp_path / str(expected)
        found = jobs.train(cell, job(root, backend="plain"))
        sizes = [record.provenance["cost"]["stack"] for record in found]
        assert max(sizes) == expected
        jobs.write_cell(cell, found, root / "cell.parquet", root / "costs.parquet")
        assert records.pq.read_table(root / "costs.parquet")["stack"].to_pylist() == sizes


@pytest.mark.parametrize("backend", ["plain", "auto"])
def test_provenance_says_which_scan_ran_and_the_log_says_it_once(cells, tmp_path, backend, job):
    cell, said = cells["adding/lstm"], []
    work = job(tmp_path, backend=backend)
    work.say = said.append
    found = jobs.train(cell, work)
    ran = stacks.backend_of(cell.runs[0].settings, backend, CPU)
    assert ran in ("plain", "cpu")
    assert {record.provenance["backend"] for record in found} == {ran}
    assert {record.provenance["threads"] for record in found} == {1}
    assert sum(f"backend {ran} on cpu" in text for text in said) == 1
    jobs.write_cell(cell, found, tmp_path / "cell.parquet", None)
    assert records.read(tmp_path / "cell.parquet").provenance["backend"] == ran


def test_a_run_that_two_forms_of_the_scan_have_trained_says_both(cells, tmp_path, monkeypatch, job):
    cell = cells["adding/lstm"]
    assert jobs.train(cell, job(tmp_path, backend="plain", steps=7)) is None
    monkeypatch.setattr("rnnrepro.training.state.chosen", lambda *_: "cpu")
    found = jobs.train(cell, job(tmp_path, backend="plain"))
    assert {record.provenance["backend"] for record in found} == {"cpu+plain"}


def test_a_backend_of_another_device_is_refused_before_anything_is_trained(cells, tmp_path, job):
    with pytest.raises(Fault, match="backend 'gpu' cannot run on the device cpu"):
        jobs.train(cells["adding/lstm"], job(tmp_path, backend="gpu"))
    with pytest.raises(Fault, match=r"unknown backend 'plan'.*'plain'"):
        jobs.train(cells["adding/lstm"], job(tmp_path, backend="plan"))
    assert "auto" in BACKENDS


def test_the_memory_of_a_run_is_that_of_its_largest_phase_and_of_the_data_of_all(cells):
    cell = cells["adding/lstm"]
    settings = cell.runs[0].settings
    alone = stacks.bytes_of_run(settings, cell.shape, "plain")
    task = {**settings["task"], "length": 600, "pool": None}
    later = {**settings, "phases": [{"task": task, "rule": {}, "steps": 5, "splits": ["test"]}]}
    longer = stacks.bytes_of_run({**settings, "task": task}, shape(task, 4), "plain")
    assert stacks.bytes_of_run(later, cell.shape, "plain") == longer + cell.shape.pool_bytes > 10 * alone
    shorter = {**later, "phases": [{**later["phases"][0], "task": {**task, "length": 2}}]}
    assert stacks.bytes_of_run(shorter, cell.shape, "plain") == alone


def test_parts_are_few_equal_and_in_order():
    assert stacks.even(list(range(10)), 7) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert stacks.even(list(range(3)), 5) == [[0, 1, 2]]
    assert [len(part) for part in stacks.even(list(range(11)), 4)] == [3, 4, 4]


@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_control_group_counts_with_its_cached_files_as_free(tmp_path, version):
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    names = names if version == 1 else ("memory.max", "memory.current", "inactive_file")
    top = tmp_path / "memory" if version == 1 else tmp_path
    for folder, limit, used, cached in ((top / "a", 1000, 900, 50), (top / "a" / "b", "max", 300, 0)):
        folder.mkdir(parents=True)
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text(f"{used}\n")
        (folder / "memory.stat").write_text(f"anon 7\n{names[2]} {cached}\n")
    own = tmp_path / "cgroup"
    own.write_text("4:cpu,memory:/a/b\n3:pids:/x\n" if version == 1 else "0::/a/b\n")
    assert memory._of_cgroups(own, tmp_path) == 150
    own.write_text("0::/elsewhere\n")
    assert memory._of_cgroups(own, tmp_path) > 10**15
    assert 0 < memory.free(CPU) < 10**15


SLURM = {"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "4"}


@pytest.mark.parametrize(
    ("environment", "megabytes"),
    [
        ({}, None),
        ({"SLURM_MEM_PER_NODE": "4000"}, None),  # left over in a shell that is no job
        (SLURM, None),
        (SLURM | {"SLURM_MEM_PER_NODE": "0"}, None),
        (SLURM | {"SLURM_MEM_PER_NODE": "many"}, None),
        (SLURM | {"SLURM_MEM_PER_NODE": "4000"}, 4000),
        (SLURM | {"SLURM_MEM_PER_CPU": "1000"}, 4000),
    ],
)
def test_what_slurm_gives_a_job_is_its_limit_whether_or_not_a_control_group_says_so(environment, megabytes):
    found = memory._of_slurm(environment)
    if megabytes is None:
        assert found >= 1 << 60
    else:
        own = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert (megabytes << 20) - found == pytest.approx(own, rel=0.2)


def test_a_job_takes_half_of_what_it_shares_and_most_of_what_is_its_own(monkeypatch):
    giga = 10**9
    monkeypatch.setattr(memory, "_of_machine", lambda: 100 * giga)
    monkeypatch.setattr(memory, "_of_cgroups", lambda: 10 * giga)
    monkeypatch.setattr(memory, "_of_address_space", lambda: 1 << 60)
    for slurm, expected in ((1 << 60, 5), (20 * giga, 8), (5 * giga, 4)):
        monkeypatch.setattr(memory, "_of_slurm", lambda slurm=slurm: slurm)
        assert memory.usable(CPU) == pytest.approx(expected * giga)
    monkeypatch.setattr(memory, "_of_machine", lambda: 6 * giga)
    assert memory.usable(CPU) == 3 * giga  # another's share of an overbooked node is left alone


def test_a_stack_fits_into_the_memory_that_the_plan_asks_for(cells, monkeypatch):
    cell = cells["adding/lstm"]
    settings = [{**run.settings, "seed": run.seed} for run in cell.runs] * 100
    asked = footprint.memory_mb(settings, cell.shape) * 10**6
    monkeypatch.setattr(memory, "_of_cgroups", lambda: asked - 500 * 10**6)  # what the process itself takes
    monkeypatch.setattr(memory, "_of_slurm", lambda: asked - 500 * 10**6)
    assert stacks.most(settings[0], cell.shape, "cpu", CPU) >= len(settings)


PEAK = """
import json, sys, torch
from rnnrepro.training.loop import train_step
from rnnrepro.training.state import begin
torch.set_num_threads(1)
settings, backend = json.load(sys.stdin)
state = begin(settings, [str(i) for i in range(len(settings))], data=None, device=torch.device("cpu"),
              backend=backend)
def status(key):
    with open("/proc/self/status") as lines:
        return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024
# What is compiled, imported or allocated once is no run's.
small = {**settings[0], "training": {**settings[0]["training"], "batch": 2}}
train_step(begin([small], ["w"], data=None, device=torch.device("cpu"), backend=backend))
before = status("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
for _ in range(2):
    train_step(state)
print(status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
@pytest.mark.parametrize("backend", ["plain", "auto"])
@pytest.mark.parametrize(
    ("name", "hidden"),
    [("adding/rnn", 160), ("adding/lstm", 64), ("text/lstm", 64), ("text/lstm of three layers", 96)],
    ids=lambda value: str(value),
)
def test_the_estimated_memory_of_a_step_is_that_measured_to_a_factor_of_two(cells, name, hidden, backend):
    cell, layers = cells[name.partition(" ")[0]], name.endswith("layers")
    settings = json.loads(json.dumps(cell.runs[0].settings))
    settings["model"]["hidden"] = hidden
    settings["training"] |= {"batch": 64, "splits": []}
    settings["analyses"] = {}
    if layers:
        settings["model"]["network"] |= {"layers": 3, "last": 64, "tied": True}
        settings["model"]["embedding"]["size"] = 64
        settings["model"]["dropout"] = dict.fromkeys(settings["model"]["dropout"], 0.2)
    length = {"length": 200} if name.startswith("adding") else {"length": 100, "train": None}
    settings["task"] |= length | ({"pool": None} if name.startswith("adding") else {})
    shape = jobs.stacks.Shape(**{**vars(cell.shape), "length": length["length"], "pool_bytes": 0})
    if name.startswith("text"):
        shape = jobs.stacks.Shape(**{**vars(shape), "readouts": shape.length})
    text = json.dumps([[{**settings, "seed": seed} for seed in range(4)], backend])
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PEAK], input=text, text=True, check=True, capture_output=True, env=environment
    )
    ran = stacks.backend_of(settings, backend, CPU)
    estimated = 4 * stacks.bytes_of_run(settings, shape, ran)
    assert int(done.stdout) / 2 < estimated < int(done.stdout) * 2


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "CUDA error: unspecified launch failure\nCUDA kernel errors might be reported elsewhere"
        ),
        getattr(torch, "AcceleratorError", RuntimeError)("CUDA error: device is lost"),
        RuntimeError("No CUDA GPUs are available"),
    ],
)
def test_a_card_that_fails_is_one_sentence_and_the_state_is_kept(
    cells, tmp_path, job, tables, monkeypatch, error
):
    cell = cells["adding/lstm"]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    monkeypatch.setattr(jobs, "CHECKPOINT_SECONDS", 0.0)
    fit = jobs.fit

    def fails(state, on_step, on_end):
        def step(now):
            stop = on_step(now)
            if now.step == 7:
                raise error
            return stop

        return fit(state, on_step=step, on_end=on_end)

    with (
        monkeypatch.context() as patched,
        pytest.raises(Fault, match=r"the GPU failed \([^\n]*\); the saved"),
    ):
        patched.setattr(jobs, "fit", fails)
        jobs.train(cell, job(tmp_path / "lost"))
    going_on = job(tmp_path / "lost")
    going_on.say = (said := []).append
    assert tables(jobs.train(cell, going_on)) == tables(whole)
    assert any("going on from step 7" in text for text in said)
