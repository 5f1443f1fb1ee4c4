"""Tasks whose targets are signals: periodic output, interval matching, reaches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnrepro import models, tasks
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch


def made(kind, batch=2, seeds=(0, 1), **settings):
    return tasks.build(kind, settings, seeds=list(seeds), batch=batch)


def test_the_loss_is_half_the_squared_error_of_a_trial_summed_over_its_outputs():
    outputs = torch.tensor(
        [[[[3.0, 1.0], [0.0, 0.0]], [[0.0, 2.0], [1.0, 1.0]]]]
    )  # one run, two steps, two trials
    batch = Batch(torch.zeros(1, 2, 2, 1), torch.zeros(1, 2, 2, 2))
    task = made("interval", seeds=[0])
    of_trials = [(9 + 1 + 4) / (2 * 2), (1 + 1) / (2 * 2)]
    assert task.loss_of(outputs, batch).tolist() == [sum(of_trials) / 2]
    summed = made("interval", seeds=[0], summed=True)
    assert summed.loss_of(outputs, batch).tolist() == [sum(of_trials)]
    for one in (task, summed):
        total, count = one.measure(outputs, batch)["half_squared_error"]
        assert total.tolist() == [sum(of_trials) * 2] and count == 4


def test_the_periodic_target_is_the_papers_sum_of_sines():
    targets = made("periodic", length=50).batch(0).targets
    for t in range(1, 51):
        expected = sum(math.sin(n * math.pi * t / 50) * w for n, w in ((2, 1), (4, 0.5), (8, 0.25)))
        assert torch.allclose(targets[:, t - 1], torch.tensor(expected, dtype=torch.float32), atol=1e-6)


@pytest.mark.parametrize("length", [9, 20, 200, 1601])
def test_an_output_of_zero_costs_what_the_periodic_task_says(length):
    task = made("periodic", length=length)
    batch = task.batch(0)
    assert task.loss_of(torch.zeros_like(batch.targets), batch).tolist() == pytest.approx(
        [21 / 64] * 2, rel=1e-5
    )


def descent(backend):
    """The losses of a few steps down the gradient."""
    task = made("periodic", length=10, batch=1)
    network = models.build(
        "leaky_rnn",
        input_size=0,
        hidden_size=12,
        output_size=1,
        arguments={"start": {"init": "constant(0.1)"}},
        generators=[torch.Generator().manual_seed(seed) for seed in range(2)],
    )
    network.use(backend)
    batch, losses = task.batch(0), []
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(6):
        loss = task.loss_of(network(batch.inputs)[0], batch)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        losses.append(loss.detach())
    assert network.layers[0].drive.weight.grad.shape == (2, 0, 12)
    return torch.stack(losses)


def test_a_network_without_inputs_runs_and_learns_on_either_scan():
    plain, fast = descent("plain"), descent("cpu")
    torch.testing.assert_close(plain, fast, rtol=1e-5, atol=1e-6)
    assert (plain.diff(dim=0) < 0).all()


def gaussian(centre, steps, width):
    return torch.tensor([math.exp(-((t - centre) ** 2) / (2 * width**2)) for t in range(1, steps + 1)])


def test_the_third_pulse_is_as_late_as_the_second_was():
    task = made("interval", batch=20, shortest=30, longest=60, test_every=7)
    for batch in (task.batch(0), *task.evaluation("test")):
        for run in range(2):
            for trial in range(batch.inputs.shape[2]):
                target = batch.targets[run, :, trial, 0]
                assert len(target) == 50 + 2 * 60 + 60
                delay = (int(target.argmax()) + 1 - 50) / 2
                assert delay in range(30, 61)
                ready_set = gaussian(50, 230, 15) + gaussian(50 + delay, 230, 15)
                assert torch.allclose(batch.inputs[run, :, trial, 0], ready_set, atol=1e-6)
                assert torch.allclose(target, gaussian(50 + 2 * delay, 230, 15), atol=1e-6)


def test_the_delays_are_uniform_and_new_in_each_trial():
    task = made("interval", batch=4000, shortest=3, longest=6, first=4, width=0.5)
    delays = (task.batch(2).targets[..., 0].argmax(1) + 1 - 4) / 2
    for run in delays:
        assert torch.allclose(
            torch.bincount(run.long(), minlength=7)[3:] / 4000, torch.tensor(0.25), atol=0.04
        )
    assert not torch.equal(task.batch(1).targets, task.batch(2).targets)


def test_the_test_has_each_delay_once_in_order():
    (batch,) = made("interval", shortest=30, longest=59, test_every=10).evaluation("test")
    assert ((batch.targets[1, :, :, 0].argmax(0) + 1 - 50) / 2).tolist() == [30, 40, 50]


def test_the_best_constant_costs_what_the_interval_task_says():
    task = made("interval", shortest=30, longest=60, test_every=1)
    (batch,) = task.evaluation("test")  # every delay once: the distribution itself
    assert task.loss_of(batch.targets.mean().expand_as(batch.targets), batch).tolist() == pytest.approx(
        [task.chance] * 2, rel=1e-5
    )


SIDES = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


def test_each_reach_ends_on_a_neighbouring_corner_of_the_square_and_the_rest_is_still():
    task = made("reach", batch=5, move=20, hold=7)
    cursor = torch.zeros(2, 5, 2, dtype=torch.float64)
    seen = set()
    for step in range(540):  # into the second block of the walk
        batch = task.batch(step)
        assert (batch.inputs == batch.inputs[:, :1]).all()
        assert not batch.targets[:, 20:].any()
        moved = batch.targets.double().sum(1) / task.side
        assert np.allclose(moved.numpy(), SIDES[batch.inputs[:, 0].numpy()], atol=1e-6)
        cursor += moved
        assert cursor.min() > -0.01 and cursor.max() < 1.01
        cursor = cursor.round()
        seen |= {
            (*corner, move)
            for corner, move in zip(
                map(tuple, cursor.view(-1, 2).tolist()), batch.inputs[:, 0].flatten().tolist(), strict=True
            )
        }
    assert len(seen) == 8  # each corner is entered along both its sides


def test_a_later_reach_can_be_asked_for_first():
    in_order, at_once = (
        made("reach", move=2, hold=0, batch=1, seeds=[4]),
        made("reach", move=2, hold=0, batch=1, seeds=[4]),
    )
    for step in range(1026):
        expected = in_order.batch(step)
    assert torch.equal(at_once.batch(1025).inputs, expected.inputs)


def test_the_velocity_of_a_reach_is_a_raised_cosine():
    task = made("reach", move=40, hold=10, peak=1.5)
    right = next(task.evaluation("test")).targets[0, :, 0]
    expected = [0.75 * (1 - math.cos(2 * math.pi * t / 40)) for t in range(1, 41)] + [0.0] * 10
    assert torch.allclose(right[:, 0], torch.tensor(expected), atol=1e-6) and not right[:, 1].any()
    assert float(right.max()) == 1.5 and task.side == pytest.approx(0.75 * 40)


def test_the_test_goes_around_the_square_once():
    batches = list(made("reach").evaluation("test"))
    assert [int(batch.inputs[1, 0, 0]) for batch in batches] == [0, 1, 2, 3]
    assert torch.cat([batch.targets for batch in batches], 1).sum(1).abs().max() < 1e-4


@pytest.mark.parametrize("carried", [True, False])
def test_the_state_goes_on_where_it_is_carried(carried):
    task = made("reach", carried=carried)
    assert task.carries_state is carried
    assert [task.batch(step).reset for step in range(3)] == [True, not carried, not carried]
    assert [batch.reset for batch in task.evaluation("test")] == [True] + 3 * [not carried]


def test_an_output_of_zero_costs_what_the_reaches_say():
    task = made("reach", move=30, hold=12, peak=0.8)
    batch = task.batch(0)
    assert task.loss_of(torch.zeros_like(batch.targets), batch).tolist() == pytest.approx([task.chance] * 2)


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("periodic", {"length": 8}, "length is a whole number from 9 on, not 8"),
        ("periodic", {"length": 20.5}, "length is a whole number from 9 on, not 20.5"),
        ("interval", {"longest": 20}, "the longest delay, 20, is below the shortest, 30"),
        ("interval", {"first": 0}, "first is a whole number from 1 on, not 0"),
        ("interval", {"tail": -1}, "tail is a whole number from 0 on, not -1"),
        ("interval", {"width": 0.0}, "width is a standard deviation in steps, above 0"),
        ("reach", {"move": 1}, "move is a whole number from 2 on, not 1"),
        ("reach", {"peak": -1.0}, "peak is a velocity above 0"),
    ],
)
def test_impossible_settings_are_faults(kind, settings, said):
    with pytest.raises(Fault, match=f"{kind}: {said}"):
        made(kind, **settings)


REACHES = {"move": 6, "hold": 4, "peak": 2.0}


def test_a_sequence_is_its_reaches_one_after_the_other():
    task = made("reach_sequence", **REACHES, order=[1, 0, 3, 2])
    (batch,) = task.evaluation("test")
    (reach,) = list(made("reach", **REACHES).evaluation("test"))[:1]
    speed = reach.targets[0, :, 0, 0]
    assert task.side == pytest.approx(float(speed.sum()))
    for i, (x, y) in enumerate([(0, 1), (1, 0), (0, -1), (-1, 0)]):
        found = batch.targets[1, 10 * i : 10 * (i + 1), 0]
        torch.testing.assert_close(found, torch.outer(speed, torch.tensor([x, y]).float()))
    assert task.loss_of(torch.zeros_like(batch.targets), batch).tolist() == pytest.approx([task.chance] * 2)


def test_the_error_of_a_path_is_the_distance_of_the_cursor_in_sides():
    task = made("reach_sequence", batch=2, **REACHES)
    batch = task.batch(0)
    outputs = batch.targets.clone()
    outputs[0, 0, 0] += torch.tensor([0.3, 0.4]) * task.side  # half a side off from the first step on
    outputs[1, 20:21, 1, 0] += 0.5 * task.side  # half a side for the second half of the trial
    total, count = task.measure(outputs, batch)["path_error"]
    assert count == 2 and total.tolist() == pytest.approx([0.5, 0.5 * 0.5**0.5], rel=1e-6)


def test_the_path_of_a_still_cursor_is_off_by_where_the_target_is():
    task = made("reach_sequence", **REACHES)
    batch = task.batch(0)
    total, count = task.measure(torch.zeros_like(batch.targets), batch)["path_error"]
    target = batch.targets[0, :, 0].double().cumsum(0) / task.side
    assert float(target.max()) == pytest.approx(1.0) and float(target.min()) == pytest.approx(0.0, abs=1e-6)
    assert (total / count)[0] == pytest.approx(float(target.square().sum(-1).mean().sqrt()))


def test_a_loop_walks_the_square_by_what_it_picks():
    task = made("reach_loop", batch=1, seeds=(0, 1, 2), **REACHES)
    scene = task.first(3)
    assert scene.action.tolist() == [0] * 3 and scene.place.tolist() == [[1, 0]] * 3
    assert task.allowed(scene).tolist() == [[False, True, True, False]] * 3
    choices = torch.tensor([1, 2, 1])
    assert task.reward(scene, choices).tolist() == [True, False, True]
    scene = task.moved(scene, choices)
    assert scene.place.tolist() == [[1, 1], [0, 0], [1, 1]]
    assert task.allowed(scene).tolist()[1] == [True, True, False, False]
    part = task.next(scene)
    assert part.inputs[:, :, 0].tolist() == [[1] * 10, [2] * 10, [1] * 10]
    ends = task.side * torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(part.targets.sum(1)[:, 0], ends)
    right = task.right(torch.tensor([[0, 1, 2, 3, 0], [0, 1, 2, 1, 0], [0, 2, 0, 2, 0]]))
    assert right.tolist() == [[True] * 4, [True, True, False, False], [False] * 4]


def test_the_parts_of_a_loop_make_the_whole_sequence():
    task = made("reach_loop", batch=1, **REACHES, order=[1, 0, 3, 2])
    (whole,) = task.evaluation("test")
    parts = [task.batch(step) for step in range(4)]
    for name in ("inputs", "targets"):
        assert torch.equal(torch.cat([getattr(p, name) for p in parts], 1), getattr(whole, name))
    assert [p.reset for p in parts] == [True, False, False, False]
    (sequence,) = made("reach_sequence", **REACHES, order=[1, 0, 3, 2]).evaluation("test")
    assert torch.equal(whole.targets, sequence.targets)


@pytest.mark.parametrize(
    ("kind", "order", "message"),
    [
        ("reach_sequence", [0, 4], "order lists reaches, numbers from 0 to 3"),
        ("reach_sequence", [], "order lists reaches"),
        ("reach_sequence", [2, 0], "leave the square or do not end where they began"),
        ("reach_sequence", [0, 1, 2], "leave the square or do not end where they began"),
        ("reach_loop", [0, 2, 0, 2], "each reach leads to one other"),
    ],
)
def test_orders_that_no_cursor_can_follow_are_faults(kind, order, message):
    with pytest.raises(Fault, match=message):
        made(kind, order=order)
