import math

import pytest
import torch

from rnnrepro import tasks
from rnnrepro.errors import Fault


def adding(batch=4, seeds=(0, 1), **settings):
    return tasks.build("adding", settings, seeds=list(seeds), batch=batch)


@pytest.mark.parametrize("pool", [None, 9])
@pytest.mark.parametrize("marks", ["halves", "equal_halves"])
@pytest.mark.parametrize("length", [3, 10, 11])
def test_the_target_is_the_sum_of_the_two_marked_numbers(length, marks, pool):
    task = adding(length=length, marks=marks, pool=pool, test=3)
    boundary = (length - 1) // 2 if marks == "halves" else length // 2
    for batch in (task.batch(0), task.batch(3), *task.evaluation("test")):
        for run in range(2):
            for sequence in range(batch.inputs.shape[2]):
                numbers, marked = batch.inputs[run, :, sequence].unbind(-1)
                places = [t for t in range(length) if marked[t] == 1]
                assert set(marked.tolist()) == {0.0, 1.0}
                assert len(places) == 2
                assert places[0] < boundary <= places[1]
                expected = float(numbers[places[0]]) + float(numbers[places[1]])
                assert math.isclose(batch.targets[run, sequence, 0], expected, rel_tol=1e-6)


@pytest.mark.parametrize(("marks", "boundary"), [("halves", 3), ("equal_halves", 4)])
def test_the_marks_are_uniform_on_their_halves(marks, boundary):
    marked = adding(batch=6000, length=8, marks=marks).batch(0).inputs[..., 1]
    share = marked.mean((0, 2))
    expected = torch.tensor([1 / boundary] * boundary + [1 / (8 - boundary)] * (8 - boundary))
    assert torch.allclose(share, expected, atol=0.02)


def test_the_mark_may_come_first():
    plain, turned = adding().batch(3), adding(marks_first=True).batch(3)
    assert plain.inputs.flip(-1).equal(turned.inputs)
    assert plain.targets.equal(turned.targets)


def test_guessing_one_costs_a_sixth():
    task = adding(batch=40_000, length=5)
    batch = task.batch(0)
    loss = task.loss_of(torch.ones_like(batch.targets), batch)
    assert torch.allclose(loss, torch.full((2,), task.chance), atol=0.005)
    assert task.chance == 1 / 6


@pytest.mark.parametrize(("reshuffle", "same_order"), [(False, True), (True, False)])
def test_a_pool_is_all_visited_each_epoch_in_order_or_in_a_new_one(reshuffle, same_order):
    task = adding(batch=5, length=4, pool=20, reshuffle=reshuffle)
    assert task.steps_per_epoch == 4
    epochs = [torch.cat([task.batch(4 * e + i).targets[0, :, 0] for i in range(4)]) for e in range(3)]
    assert torch.equal(epochs[0], epochs[1]) == same_order
    assert torch.equal(epochs[1], epochs[2]) == same_order
    for epoch in epochs:
        assert torch.equal(epoch.sort().values, epochs[0].sort().values)
        assert epoch.unique().numel() == 20


def test_enrnns_pool_gives_its_epochs():
    assert adding(batch=50, length=10, pool=100_000, seeds=[0]).steps_per_epoch * 6 == 12_000


def test_the_test_comes_in_chunks_and_is_apart_from_training():
    task = adding(test=1200, length=6, batch=500)
    chunks = list(task.evaluation("test"))
    assert [chunk.inputs.shape[2] for chunk in chunks] == [500, 500, 200]
    assert not torch.equal(chunks[0].inputs, task.batch(0).inputs)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"length": 2}, "length 2 is too short"),
        ({"marks": "halfs"}, "unknown marks 'halfs'; did you mean 'halves'"),
    ],
)
def test_impossible_settings_are_faults(settings, said):
    with pytest.raises(Fault, match=f"adding: {said}"):
        adding(**settings)
