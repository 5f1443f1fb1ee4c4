"""How networks learn and what they answer: against references step by step, finite differences and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro import tables, tasks
from rnnrepro.analysis.feedback import agreement, alignment, learned_spectrum
from rnnrepro.models.interaction import greedy
from rnnrepro.rules import reference

LEARNING = ("alignment", "credit_angle", "weight_change", "outputs")
RULES = ("rflo", "local_only", "random_feedback_only")


def periodic(seeds):
    return tasks.build("periodic", {"length": 40}, seeds=seeds, batch=1)


def interval(seeds, **settings):
    given = {"width": 3.0, "first": 6, "shortest": 5, "longest": 11, "tail": 9, "test_every": 3, **settings}
    return tasks.build("interval", given, seeds=seeds, batch=4)


def reach(seeds, carried):
    return tasks.build("reach", {"move": 6, "hold": 4, "carried": carried}, seeds=seeds, batch=1)


def leaky(make, task, seeds, kind="rflo", trains="all", **arguments):
    rule = {"kind": kind, "feedback": "normal(1.0)", "trains": trains}
    start = {"init": "constant(0.1)", "trained": False}
    return make.network(
        "leaky_rnn", task, seeds, hidden=6, rule=rule, start=start, readout={"bias": None}, **arguments
    )


def analyse(name, network, task):
    return tables.load("analysis", name)(network, task)


def test_the_alignment_of_a_network_is_that_of_its_read_out_and_feedback(make):
    task = periodic([0, 1])
    net = leaky(make, task, [0, 1])
    found = analyse("alignment", net, task)["alignment"]
    expected = alignment(net.readout.detach().numpy(), net.feedback.numpy())
    assert found.shape == (2, 1) and found[:, 0] == pytest.approx(expected, rel=1e-12)
    assert analyse("alignment", make.network("leaky_rnn", task, [0]), task) == {}


def trial_of(net, batch, i=0):
    """The trial of run `i` as the step-wise rules take it."""
    recurrence = net.recurrence
    W = net.build()[0][i].detach()
    drive = torch.zeros(batch.inputs.shape[-1], len(W), dtype=W.dtype)
    weights = reference.Weights(W, drive, net.readout[i].detach())
    x, y = batch.inputs[i, :, 0].double(), batch.targets[i, :, 0].double()
    return reference.Trial(weights, net.feedback[i], x, y, recurrence.start[i], 10.0)


@pytest.mark.parametrize("kind", RULES)
def test_the_angle_is_that_of_the_increments_that_the_rules_make_step_by_step(make, kind):
    task = periodic([3])
    net = leaky(make, task, [3], kind)
    trial = trial_of(net, task.batch(0))
    own, exact = (reference.backward(trial, rule).recurrent.numpy()[None] for rule in (kind, "bptt"))
    found = analyse("credit_angle", net, task)
    assert found["credit_angle"][0, 0] == pytest.approx(agreement([own], [exact])[0], rel=1e-6)
    assert found["loss_change"][0, 0] == pytest.approx(-(own * exact).sum(), rel=1e-6)
    assert 0 < abs(found["credit_angle"][0, 0]) < 0.999


def test_the_change_of_the_loss_is_that_of_a_small_step_of_the_recurrent_matrix(make):
    task = periodic([4])
    net = leaky(make, task, [4], "rflo")
    before, batch, small = net.build()[0].detach(), task.batch(0), 1e-5
    step = reference.backward(trial_of(net, batch), "rflo").recurrent

    def loss(move):
        outputs, _ = net(batch.inputs, W=(before + move * step,))
        return float(task.loss_of(outputs, batch).detach())

    slope = (loss(small) - loss(-small)) / (2 * small)
    assert analyse("credit_angle", net, task)["loss_change"][0, 0] == pytest.approx(slope, rel=1e-4)


def test_a_network_that_follows_the_gradient_or_whose_matrix_is_fixed_has_no_angle(make):
    task = periodic([0])
    assert analyse("credit_angle", leaky(make, task, [0], "bptt"), task) == {}
    assert analyse("credit_angle", leaky(make, task, [0], "rflo", trains="readout"), task) == {}


def test_the_network_learns_by_its_own_rule_after_the_angle_was_measured(make):
    task = periodic([0])
    net = leaky(make, task, [0], "rflo")
    analyse("credit_angle", net, task)
    assert net.errors_by_feedback and [layer.credit for layer in net.layers] == ["local"]
    assert all(value.grad is None for value in net.parameters())


def test_what_is_stored_of_the_matrix_gives_the_singular_values_of_its_change(make):
    task = periodic([0, 1])
    net = leaky(make, task, [0, 1])
    before = analyse("weight_change", net, task)
    move = torch.ones_like(net.layers[0].matrix.weight)
    with torch.no_grad():
        net.layers[0].matrix.weight += 0.5 * move
    after = analyse("weight_change", net, task)
    assert after["recurrent_shape"].tolist() == [[6, 6], [6, 6]]
    both = (found["recurrent_weight"].reshape(2, 6, 6) for found in (after, before))
    values = learned_spectrum(*both)
    assert values[:, 0] == pytest.approx([3.0, 3.0]) and (values[:, 1:] < 1e-12).all()


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("kind", RULES)
def test_a_run_is_measured_alone_as_in_a_stack(make, name, kind):
    seeds = [11, 12, 13]

    def found(own):
        net = leaky(make, periodic(own), own, kind)
        return analyse(name, net.float(), periodic(own))

    stacked = found(seeds)
    assert stacked.keys() <= tables.METRICS.keys() and stacked
    for run, seed in enumerate(seeds):
        for metric, values in found([seed]).items():
            assert values.dtype == np.float64 and values.ndim == 2
            np.testing.assert_array_equal(values[0], stacked[metric][run])


def test_outputs_are_those_that_the_test_judges_beside_their_targets(make):
    task = interval([0])
    net = leaky(make, task, [0])
    found = analyse("outputs", net.float(), task)
    (batch,) = task.evaluation("test")
    shape = found["output_shape"][0].astype(int)
    assert shape.tolist() == [3, 6 + 22 + 9, 1]
    kept = net(batch.inputs)[0][0].detach().numpy().transpose(1, 0, 2)
    np.testing.assert_array_equal(found["output"].reshape(shape), kept)
    np.testing.assert_array_equal(found["target"].reshape(shape)[2, :, 0], batch.targets[0, :, 2, 0])


def test_trials_that_carry_the_state_on_are_one_long_trial(make):
    shapes = {}
    for carried in (True, False):
        task = reach([0], carried)
        found = analyse("outputs", leaky(make, task, [0]).float(), task)
        shapes[carried] = found["output_shape"][0].tolist()
        path = found["target"].reshape(found["output_shape"][0].astype(int)).sum(1)
        wanted = [[0, 0]] if carried else np.multiply([(1, 0), (0, 1), (-1, 0), (0, -1)], task.side)
        np.testing.assert_allclose(path, wanted, atol=1e-6)
    assert shapes == {True: [1, 40, 2], False: [4, 10, 2]}


def test_outputs_of_a_network_with_a_loop_are_those_of_the_round_that_it_chooses(make):
    task = tasks.build("reach_loop", {"move": 6, "hold": 4}, seeds=[0, 1], batch=1)
    net = leaky(make, task, [0, 1]).float()
    told = analyse("outputs", net, task)
    net.give_loop(torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(3)))
    found, chosen = analyse("outputs", net, task), greedy(net, task)
    shape = found["output_shape"][0].astype(int)
    np.testing.assert_array_equal(found["output"].reshape(2, *shape)[:, 0], chosen.outputs[:, :, 0].detach())
    np.testing.assert_array_equal(found["target"], told["target"])
    assert not task.right(chosen.actions).all() and (found["output"] != told["output"]).any()


def test_tasks_that_ask_for_no_signals_have_no_outputs_and_no_peaks(make):
    task = make.adding([0])
    net = make.network("rnn", task, [0])
    assert analyse("outputs", net, task) == {} == analyse("peak_times", net, task)
    assert analyse("peak_times", net, interval([0], test_every=0)) == {}


class Late:
    """Answers with a bump so many steps after the second pulse, and a higher one before it."""

    def __init__(self, task, after):
        self.task, self.after = task, after

    def __call__(self, inputs, every):
        answers = torch.zeros(*inputs.shape[:3], 1)
        for i, delay in enumerate(self.task.delays):
            second = self.task.first + delay - 1  # steps count from 1
            answers[:, second, i] = 2.0
            answers[:, second + self.after(delay), i] = 1.0
        return answers, None


def test_the_peak_is_timed_from_the_second_pulse_and_what_comes_before_does_not_count():
    task = interval([0, 1])
    found = analyse("peak_times", Late(task, lambda delay: delay), task)
    assert found["peak_delay"].tolist() == found["peak_time"].tolist() == [[5, 8, 11]] * 2
    assert found["peak_error"].tolist() == [[0], [0]]
    late = analyse("peak_times", Late(task, lambda delay: delay + 3 if delay > 5 else 1), task)
    assert late["peak_time"][0].tolist() == [1, 11, 14]
    assert late["peak_error"][0, 0] == pytest.approx((4 + 3 + 3) / 3)


def test_a_target_peaks_at_its_delay():
    task = interval([0])
    (batch,) = task.evaluation("test")
    found = analyse("peak_times", lambda inputs, every: (batch.targets, None), task)
    assert found["peak_time"].tolist() == found["peak_delay"].tolist() == [[5, 8, 11]]
