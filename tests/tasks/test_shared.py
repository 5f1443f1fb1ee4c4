"""The points of a grid at one seed share their data: each run reads what it would read alone."""

from __future__ import annotations

import copy

import pytest
import torch

from rnnrepro import tasks
from rnnrepro.tasks.shared import Shared

CASES = {
    "copying": ({"symbols": 4, "alphabet": 3, "blanks_before_cue": 5, "blanks_after_cue": 4, "test": 130}, 6),
    "adding": ({"length": 9, "pool": 23, "test": 40}, 5),
    "pixels": ({"train": 100, "validation": 20, "test": 30}, 8),
    "characters": ({"text": "python_docs", "length": 30, "train": 5000, "validation": 900, "test": 800}, 16),
}
SEEDS = (7, 3, 7, 7, 3)


@pytest.fixture(params=CASES)
def make(request):
    settings, batch = CASES[request.param]
    return lambda *seeds: tasks.build(request.param, settings, seeds=seeds, batch=batch)


def same(ours, i, theirs):
    return (
        torch.equal(ours.inputs[i : i + 1], theirs.inputs)
        and torch.equal(ours.targets[i : i + 1], theirs.targets)
        and ours.reset == theirs.reset
    )


def test_each_run_has_the_batches_that_it_has_alone(make):
    shared, alone = make(*SEEDS), [make(seed) for seed in SEEDS]
    assert isinstance(shared, Shared) and shared.task.seeds == [7, 3] and shared.seeds == list(SEEDS)
    for step in (0, 1, 4, 11):
        batch = shared.batch(step)
        assert all(same(batch, i, task.batch(step)) for i, task in enumerate(alone))


def test_evaluations_are_spread_over_the_runs(make):
    shared, alone = make(*SEEDS), [make(seed) for seed in SEEDS]
    assert shared.evaluation_splits == alone[0].evaluation_splits != ()
    for split in shared.evaluation_splits:
        for batch, *singles in zip(
            shared.evaluation(split), *(task.evaluation(split) for task in alone), strict=True
        ):
            assert all(same(batch, i, single) for i, single in enumerate(singles))


def test_runs_that_leave_take_data_that_no_other_needs_with_them(make):
    shared = make(*SEEDS).take([4, 1])
    assert shared.task.seeds == [3] and shared.rows == [0, 0]
    alone = make(3)
    assert all(same(shared.batch(5), i, alone.batch(5)) for i in range(2))
    again = make(*SEEDS).take([3, 4]).take([0])
    assert again.task.seeds == [7] and same(again.batch(2), 0, make(7).batch(2))


def test_losses_and_measures_are_the_tasks_own_run_by_run(make):
    shared = make(7, 3, 7)
    batch = shared.batch(0)
    shape = (
        batch.targets.shape if shared.loss == "squared_error" else (*batch.targets.shape, shared.output_size)
    )
    outputs = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    for i, seed in enumerate((7, 3, 7)):
        alone, one = make(seed), outputs[i : i + 1]
        single = alone.batch(0)
        assert torch.equal(shared.loss_of(outputs, batch)[i], alone.loss_of(one, single)[0])
        for name, (total, count) in shared.measure(outputs, batch).items():
            total_alone, count_alone = alone.measure(one, single)[name]
            assert torch.equal(total[i], total_alone[0]) and count == count_alone


def test_a_copy_is_a_task_of_its_own_and_seeds_without_a_double_need_none(make):
    shared = make(7, 7)
    assert same(copy.copy(shared).batch(1), 1, make(7).batch(1))
    assert not isinstance(make(7, 3), Shared)
