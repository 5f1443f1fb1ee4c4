"""Schedules as functions of a run's past."""

from __future__ import annotations

import pytest

from rnnrepro import tables
from rnnrepro.optim.schedules import Moment, constant, drop, halve_on_plateau

NAN = float("nan")


@pytest.mark.parametrize(
    ("losses", "factor"),
    [
        ([], 1.0),
        ([2.0], 1.0),
        ([2.0, 1.9, 1.8], 1.0),
        ([2.0, 2.1], 0.5),
        ([2.0, 2.0], 0.5),
        ([2.0, 2.1, 2.05], 0.25),
        ([2.0, 2.1, 1.9, 1.95], 0.25),  # a new best does not undo a halving
        ([2.0, NAN, 1.9], 0.5),
        ([NAN, 2.0], 0.5),
    ],
)
def test_the_rate_is_halved_after_each_evaluation_without_a_new_best(losses, factor):
    history = [(10 * (index + 1), loss) for index, loss in enumerate(losses)]
    assert halve_on_plateau(Moment(1000, history=history)) == factor


def test_evaluations_after_the_step_do_not_count():
    history = [(10, 2.0), (20, 3.0), (30, 3.0)]
    factors = [halve_on_plateau(Moment(step, history=history)) for step in (9, 10, 19, 20, 29, 30)]
    assert factors == [1, 1, 1, 0.5, 0.5, 0.25]


def test_the_constant_schedule_ignores_the_past():
    assert constant(Moment(5, history=[(1, 2.0), (2, 3.0)])) == 1.0


@pytest.mark.parametrize("name", tables.SCHEDULES)
def test_every_named_schedule_starts_at_one(name):
    arguments = {**tables.SCHEDULES[name].arguments, "milestones": [2]}
    assert tables.load("schedule", name)(Moment(0, training=arguments)) == 1.0


def test_the_rate_drops_once_each_milestone_is_reached():
    training = {"milestones": [2, 3, 3], "drop_factor": 10.0}
    factors = [drop(Moment(10 * epochs, epochs, training=training)) for epochs in range(5)]
    assert factors == pytest.approx([1, 1, 0.1, 0.001, 0.001])
