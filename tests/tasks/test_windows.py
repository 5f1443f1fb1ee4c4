"""Windows of drawn length: their law, their order, and that any of them can be had by itself."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rnnrepro.tasks.shapes import shape
from rnnrepro.tasks.windows import Windows

WORDS = {"kind": "words", "length": 70, "vary_length": True}


def drawn(positions: int, length: int, epochs: int) -> list:
    windows = Windows(positions, length, vary=True)
    return [windows.window(step) for step in range(windows.steps(epochs))]


@pytest.mark.parametrize("vary", [False, True])
@pytest.mark.parametrize(("positions", "length"), [(1, 70), (4, 70), (5000, 70), (5040, 70), (37, 5)])
def test_each_epoch_reads_every_position_once_and_in_order(vary, positions, length):
    windows = Windows(positions, length, vary)
    read, epoch = [], []
    for step in range(windows.steps(3)):
        window = windows.window(step)
        if window.start == 0 and epoch:
            read, epoch = [*read, epoch], []
        epoch += range(window.start, window.start + window.length)
        assert window.length > 0
    assert [*read, epoch] == [list(range(positions))] * 3


@pytest.mark.parametrize("vary", [False, True])
def test_epochs_are_complete_after_their_steps_and_not_before(vary):
    windows = Windows(3001, 20, vary)
    for epochs in range(1, 6):
        steps = windows.steps(epochs)
        assert [windows.epochs(step) for step in (steps - 1, steps)] == [epochs - 1, epochs]
    assert windows.epochs(0) == 0 and windows.steps(0) == 0


def test_lengths_follow_the_law_of_awd_lstm_and_scale_the_step():
    lengths, paces = [], []
    for epoch in range(40):
        windows = Windows(50_000, 70, vary=True)
        first, end = windows.steps(epoch), windows.steps(epoch + 1)
        found = [windows.window(step) for step in range(first, end - 1)]  # the last one is cut
        lengths += [window.length for window in found]
        paces += [window.pace for window in found]
    lengths = np.array(lengths)
    np.testing.assert_allclose(paces, lengths / 70)
    short = lengths < 52.5
    n = len(lengths)
    assert abs(short.mean() - 0.05) < 4 * (0.05 * 0.95 / n) ** 0.5
    # The whole part of a Normal(m, 5) has the mean m − 1/2 and the variance 25 + 1/12.
    for chosen, mean in ((lengths[~short], 69.5), (lengths[short], 34.5)):
        assert abs(chosen.mean() - mean) < 4 * 5 / len(chosen) ** 0.5
        assert abs(chosen.std() - (25 + 1 / 12) ** 0.5) < 4 * 5 / (2 * len(chosen)) ** 0.5


def test_no_window_is_shorter_than_five_but_the_last_and_its_pace_is_that_of_its_draw():
    windows = Windows(2000, 6, vary=True)
    found = [windows.window(step) for step in range(windows.steps(1))]
    assert min(window.length for window in found[:-1]) == 5
    assert sum(window.length == 5 for window in found) > len(found) / 4
    assert all(window.pace >= 5 / 6 for window in found)


def test_any_window_can_be_asked_for_first_and_epochs_differ():
    expected = drawn(2000, 50, 4)
    order = list(range(len(expected)))
    random.Random(0).shuffle(order)
    for step in order:
        assert Windows(2000, 50, vary=True).window(step) == expected[step]
    windows = Windows(2000, 50, vary=True)
    first, second = windows.steps(1), windows.steps(2) - windows.steps(1)
    assert [w.length for w in expected[:first]] != [w.length for w in expected[first : first + second]]


def test_a_plan_of_the_treebanks_words_has_the_steps_of_awd_lstm():
    planned = shape(WORDS, 20)
    assert (planned.inputs, planned.outputs, planned.length) == (10_000, 10_000, 70)
    assert planned.steps(500) == pytest.approx(343_000, rel=0.005)  # about 687 an epoch
    assert planned.steps(1) == planned.steps_per_epoch
    again = shape(WORDS | {"text": "ptb_word"}, 20)
    assert again.steps(500) == planned.steps(500)


def test_windows_do_not_depend_on_how_many_streams_there_are_but_where_they_end():
    few, many = drawn(1000, 30, 1), drawn(4000, 30, 1)
    assert [w.length for w in few[:-1]] == [w.length for w in many[: len(few) - 1]]
