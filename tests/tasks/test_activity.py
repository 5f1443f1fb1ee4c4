"""Which windows a run learns from, what is made of them, and how answers are judged."""

import numpy as np
import pytest
import torch

from rnnrepro import streams, tasks
from rnnrepro.datasets.activity import ACTIVITIES
from rnnrepro.errors import Fault
from rnnrepro.tasks.activity import merged, moments
from rnnrepro.tasks.shares import shares


@pytest.fixture
def build(uci_har, tmp_path):
    def make(batch=4, seeds=(0, 1), **settings):
        return tasks.build("activity", settings, seeds=list(seeds), batch=batch, data=tmp_path)

    return make


def seen(task, run, split=None):
    """All windows (n, T, D) and classes of a run: those of an epoch, or of a split."""
    batches = (
        [task.batch(step) for step in range(task.steps_per_epoch)]
        if split is None
        else task.evaluation(split)
    )
    batches = list(batches)
    windows = torch.cat([b.inputs[run].transpose(0, 1) for b in batches])
    return windows.numpy(), torch.cat([b.targets[run] for b in batches]).numpy()


def drawn(seed, count=60):
    return streams.generator("activity", seed, "windows").permutation(count)


def normalised(signals, learnt):
    readings = signals[learnt].astype(np.float32).astype(np.float64).reshape(-1, 9)
    return (signals - readings.mean(0)) / readings.std(0)


def in_order(windows):
    return windows[np.lexsort(windows[:, 0].T)]


@pytest.mark.parametrize(
    ("there", "fraction", "validation", "expected"),
    [
        (7352, 0.01, 0.0, (73, 0)),
        (7352, 0.1, 0.0, (735, 0)),
        (7352, 1.0, 0.0, (7352, 0)),
        (7352, 1.0, 0.2, (5882, 1470)),
        (7352, 0.01, 0.2, (59, 14)),
        (2400, 0.1, 0.0, (240, 0)),
        (100, 0.29, 0.0, (29, 0)),
        (10, 1.0, 0.7, (3, 7)),
    ],
)
def test_shares_are_whole_windows_rounded_down(there, fraction, validation, expected):
    assert shares(there, fraction, validation) == expected


@pytest.mark.parametrize(
    ("fraction", "validation", "said"),
    [
        (0.0, 0.0, "fraction 0.0: expected a share of the training examples, above 0"),
        (1.1, 0.0, "fraction 1.1: expected a share"),
        (float("nan"), 0.0, "fraction nan"),
        (1.0, 1.0, "validation 1.0: expected a share of those chosen, at least 0 and below 1"),
        (1.0, -0.1, "validation -0.1"),
        (0.01, 0.0, "fraction 0.01 and validation 0.0 of 60 examples leave none to train on"),
    ],
)
def test_shares_out_of_range_are_faults(fraction, validation, said):
    with pytest.raises(Fault, match=said):
        shares(60, fraction, validation)


def test_a_run_learns_from_windows_drawn_by_its_seed_normalised_by_their_own_moments(build, uci_har):
    task = build(batch=3, seeds=(4, 9), fraction=0.5, validation=0.2)
    signals, labels = uci_har["train"]
    for run, seed in enumerate((4, 9)):
        learnt, held_out = drawn(seed)[:24], drawn(seed)[24:30]
        expected = normalised(signals, learnt)
        windows, _ = seen(task, run)
        assert windows.shape == (24, 7, 9)
        np.testing.assert_allclose(in_order(windows), in_order(expected[learnt]), rtol=1e-4, atol=1e-5)
        assert np.allclose(windows.reshape(-1, 9).mean(0), 0, atol=1e-5)
        assert np.allclose(windows.reshape(-1, 9).std(0), 1, atol=1e-5)
        windows, classes = seen(task, run, "validation")
        np.testing.assert_allclose(windows, expected[held_out], rtol=1e-4, atol=1e-5)
        assert classes.tolist() == np.isin(labels[held_out], [1, 3, 5]).astype(int).tolist()
        test, of_test = uci_har["test"]
        windows, classes = seen(task, run, "test")
        readings = signals[learnt].reshape(-1, 9)
        np.testing.assert_allclose(windows, (test - readings.mean(0)) / readings.std(0), rtol=1e-4, atol=1e-5)
        assert classes.tolist() == np.isin(of_test, [1, 3, 5]).astype(int).tolist()


def test_windows_stay_with_their_classes_through_the_epochs(build, uci_har):
    task = build(batch=60, seeds=(2,), classes=6)
    signals, labels = uci_har["train"]
    known = normalised(signals, np.arange(60))
    orders = []
    for epoch in range(2):
        batch = task.batch(epoch)
        windows = batch.inputs[0].transpose(0, 1).numpy()
        which = [int(np.abs(known - window).sum((1, 2)).argmin()) for window in windows]
        assert sorted(which) == list(range(60))
        assert batch.targets[0].tolist() == (labels[which] - 1).tolist()
        orders.append(which)
    assert orders[0] != orders[1]


def test_a_batch_that_ends_an_epoch_goes_on_with_the_next(build):
    task = build(batch=8, seeds=(0,), fraction=0.2)  # twelve windows
    first = torch.cat([task.batch(step).inputs for step in range(3)], 2)[0].transpose(0, 1)
    assert task.steps_per_epoch == 1
    for epoch in (first[:12], first[12:]):
        assert len(epoch.unique(dim=0)) == 12


def test_a_run_that_is_taken_keeps_its_windows_held_out_ones_too(build):
    stack = build(seeds=(4, 9), fraction=0.5, validation=0.2)
    taken = stack.take([1])
    for split in (None, "validation", "test"):
        for of_stack, alone in zip(seen(stack, 1, split), seen(taken, 0, split), strict=True):
            assert np.array_equal(of_stack, alone)


def test_a_smaller_fraction_is_part_of_a_larger_one(build):
    few, more = build(fraction=0.1), build(fraction=0.5)
    assert few._chosen.tolist() == more._chosen[:, :6].tolist()
    assert few._chosen[0].tolist() != few._chosen[1].tolist()


def test_activities_are_merged_as_har_2_has_them():
    upstream = {
        "WALKING": 1,
        "WALKING_UPSTAIRS": 2,
        "WALKING_DOWNSTAIRS": 3,
        "SITTING": 4,
        "STANDING": 5,
        "LAYING": 6,
    }
    assert tuple(upstream) == tuple(name.upper() for name in ACTIVITIES)
    found = dict(zip(upstream, merged(np.arange(6), 2).tolist(), strict=True))
    assert {name for name, group in found.items() if group == 0} == {"SITTING", "LAYING", "WALKING_UPSTAIRS"}
    assert {name for name, group in found.items() if group == 1} == {
        "STANDING",
        "WALKING",
        "WALKING_DOWNSTAIRS",
    }
    assert merged(np.arange(6), 6).tolist() == list(range(6))


def test_moments_are_over_windows_and_steps_and_a_constant_signal_is_centred_alone():
    windows = np.array([[[1.0, 0.1], [3.0, 0.1]], [[5.0, 0.1], [7.0, 0.1]]], np.float32)
    mean, deviation = moments(windows)
    assert mean.tolist() == [4.0, np.float32(0.1)]
    assert deviation.tolist() == [np.float32(np.sqrt(5.0)), 1.0]


@pytest.mark.parametrize("classes", [2, 6])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_guessing_all_classes_alike_costs_the_chance_level(build, classes, loss):
    task = build(classes=classes, loss=loss)
    assert task.chance == pytest.approx(
        {"squared_error": {2: 0.25, 6: 5 / 36}, "cross_entropy": {2: np.log(2), 6: np.log(6)}}[loss][classes]
    )
    found = task.loss_of(torch.zeros(2, 4, classes), task.batch(0))
    assert torch.allclose(found, torch.full((2,), task.chance))
    assert task.metrics == ({"squared_error": "mse"}.get(loss, loss), "accuracy")


def test_the_squared_error_and_its_gradient_are_those_of_probabilities(build):
    task = build(seeds=(0,), classes=6)
    batch = task.batch(0)
    outputs = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: task.loss_of(x, batch), (outputs,))
    p = np.exp(outputs[0].detach().numpy())
    p /= p.sum(1, keepdims=True)
    error = p - np.eye(6)[batch.targets[0]]
    assert task.loss_of(outputs, batch).item() == pytest.approx((error**2).mean(), rel=1e-12)
    by_hand = 2 / 24 * p * (error - (p * error).sum(1, keepdims=True))
    task.loss_of(outputs, batch).sum().backward()
    np.testing.assert_allclose(outputs.grad[0].numpy(), by_hand, rtol=1e-10, atol=1e-15)
    measured = task.measure(outputs.detach(), batch)
    assert measured["accuracy"][0].item() == (p.argmax(1) == batch.targets[0].numpy()).sum()
    assert measured["accuracy"][1] == 4
    assert measured["mse"][1] == 24


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classes": 3}, "activity: classes 3: expected 2 or 6"),
        ({"loss": "squared_eror"}, "activity: unknown loss 'squared_eror'; did you mean 'squared_error'"),
        ({"signals": "mnist"}, "unknown data set of activity 'mnist'"),
        ({"fraction": 0.001}, "of 60 examples leave none to train on"),
    ],
)
def test_impossible_settings_are_faults(build, settings, said):
    with pytest.raises(Fault, match=said):
        build(**settings)


def test_missing_files_are_a_fault_that_names_the_command(tmp_path):
    with pytest.raises(Fault, match="found nothing; run `rnnrepro data fetch uci_har`"):
        tasks.build("activity", {}, seeds=[0], batch=2, data=tmp_path)


def test_provenance_says_how_many_windows_there_were(build):
    task = build(fraction=0.5, validation=0.1)
    assert task.facts == {"windows": {"train": 27, "validation": 3, "test": 13}}
