"""Murray 2019 as it is configured, held to the reproduction card's recursion in NumPy and double precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rnnrepro import plan, project
from rnnrepro.training import loop
from rnnrepro.training.state import begin

CONFIG = Path(__file__).parents[2] / "config"
PROJECT = project.load(CONFIG)
RULES = {"bptt": (1, False), "rflo": (0, True), "local_only": (0, False), "random_feedback_only": (1, True)}
"""κ, and whether errors go back through B (card, section 3.2)."""
TRIALS = 6


def trained(cell: plan.Cell, seeds: int = 2):
    """The first trials of a cell: losses (trials, S), and W, W_out and B as they were before, (S, ...)."""
    runs = cell.runs[:seeds]
    names = [str(run.seed) for run in runs]
    state = begin([run.settings for run in runs], names, data=None, device=torch.device("cpu"))
    W, V = state.network.build()[0], state.network.readout
    start = [
        each.detach().double().numpy().copy() for each in (W.mT, V[..., 0], state.network.feedback[..., 0])
    ]
    losses = [loop.train_step(state)["loss"].numpy() for _ in range(TRIALS)]
    return np.array(losses), start


def recursion(W, V, B, period: int, rate: float, rule: str, tau: float = 10.0) -> list[float]:
    """The loss of each trial of one network: h(0) = 0.1, targets at t = 1 … T, steps at the trial's end."""
    kappa, fixed = RULES[rule]
    phase = 2 * np.pi * np.arange(1, period + 1) / period
    target = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(4 * phase)
    losses = []
    for _ in range(TRIALS):
        h, slopes = [np.full(len(V), 0.1)], []
        for _ in range(period):
            c = np.tanh(W @ h[-1])
            slopes.append(1 - c**2)
            h.append((1 - 1 / tau) * h[-1] + c / tau)
        states = np.array(h)
        error = target - states[1:] @ V
        losses.append(0.5 * (error**2).mean())
        F, z, dW, back = (B if fixed else V), np.zeros(len(V)), np.zeros_like(W), 0.0
        for t in reversed(range(period)):
            z = (1 - 1 / tau) * z + F * error[t] + kappa / tau * back
            dW += np.outer(slopes[t] * z, states[t])
            back = W.T @ (slopes[t] * z)
        W, V = W + rate / (period * tau) * dW, V + rate / period * error @ states[1:]
    return losses


@pytest.mark.parametrize("rule", RULES)
def test_the_first_trials_are_those_of_the_cards_recursion(rule):
    cells = {cell.arm: cell for cell in plan.experiment_cells(PROJECT, "quick", "rflo", "periodic_200")}
    losses, start = trained(cells[rule])
    rate = cells[rule].runs[0].settings["optimiser"]["main"]["rate"]
    for run, (W, V, B) in enumerate(zip(*start, strict=True)):
        expected = recursion(W, V, B, 200, rate, rule)
        np.testing.assert_allclose(losses[:, run], expected, rtol=2e-4)
        assert abs(expected[-1] / expected[0] - 1) > 5e-3  # it has moved


def test_rules_start_from_the_same_weights_and_the_same_feedback():
    cells = plan.experiment_cells(PROJECT, "quick", "rflo", "periodic_200")
    first, *others = (trained(cell, 1)[1] for cell in cells)
    assert others
    for start in others:
        assert all(np.array_equal(one, other) for one, other in zip(first, start, strict=True))


def test_the_grid_of_the_rules_in_between_is_the_articles_at_small_too():
    for scale in ("small", "paper"):
        found = plan.experiment_cells(PROJECT, scale, "rflo", "periodic_800")
        for arm in ("local_only", "random_feedback_only"):
            rates = [c.runs[0].settings["optimiser"]["main"]["rate"] for c in found if c.arm == arm]
            assert rates == [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]


def test_fig_2_is_run_at_paper_scale_as_part_of_small():
    paper, small = (
        {cell.key: cell.digest for cell in plan.cells(PROJECT, scale, ["rflo"]) if "/periodic_" in cell.key}
        for scale in ("paper", "small")
    )
    assert small and small.items() <= paper.items()
    assert {f"rflo/periodic_{t}/{rule}" for t in (200, 400, 800, 1600) for rule in ("bptt", "rflo")} <= set(
        small
    )
