"""Alignment of read-out and feedback, angles between increments, and the theory of the linear network."""

from __future__ import annotations

import numpy as np
import pytest

from rnnrepro.analysis.feedback import agreement, alignment, learned_spectrum
from rnnrepro.analysis.feedback_theory import eligibility, loss_change
from rnnrepro.errors import Fault


def test_the_alignment_is_the_cosine_of_the_entries() -> None:
    rng = np.random.default_rng(0)
    V, B = rng.normal(size=(2, 5, 30, 2))
    found = alignment(V, B)
    assert found.shape == (5,)
    for run in range(5):
        v, b = V[run].ravel(), B[run].ravel()
        assert found[run] == pytest.approx(v @ b / np.linalg.norm(v) / np.linalg.norm(b), rel=1e-13)
    assert alignment(V, 3 * V) == pytest.approx(np.ones(5)) and alignment(V, -V) == pytest.approx(-np.ones(5))
    assert alignment(np.array([[1.0], [0.0]]), np.array([[0.0], [2.0]])) == 0


def test_matrices_that_have_nothing_to_do_with_each_other_are_as_far_apart_as_said() -> None:
    V, B = np.random.default_rng(1).normal(size=(2, 4000, 30, 1))
    assert alignment(V, B).std() == pytest.approx(30**-0.5, rel=0.05)


def test_increments_of_several_matrices_are_one_vector() -> None:
    rng = np.random.default_rng(2)
    W, dW = rng.normal(size=(2, 3, 6, 6))
    V, dV = rng.normal(size=(2, 3, 6, 1))
    one, other = (
        np.concatenate((W.reshape(3, -1), V.reshape(3, -1)), 1),
        np.concatenate((dW.reshape(3, -1), dV.reshape(3, -1)), 1),
    )
    expected = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(one, other, strict=True)]
    assert agreement([W, V], [dW, dV]) == pytest.approx(expected, rel=1e-13)
    assert np.isnan(agreement([0 * W], [dW])).all()
    with pytest.raises(Fault, match=r"matrices of shapes \[\(3, 6, 6\)\] and \[\(3, 6, 1\)\] have no angle"):
        agreement([W], [V])


def test_a_change_of_low_rank_has_as_many_singular_values() -> None:
    rng = np.random.default_rng(3)
    start, left, right = (
        rng.normal(size=(2, 20, 20)),
        rng.normal(size=(2, 20, 3)),
        rng.normal(size=(2, 3, 20)),
    )
    found = learned_spectrum((start + left @ right).astype(np.float32), start.astype(np.float32))
    assert found.shape == (2, 20) and (np.diff(found) <= 0).all()
    assert (found[:, 2] > 1).all() and (found[:, 3:] < 1e-4).all()
    assert (found**2).sum(1) == pytest.approx(((left @ right) ** 2).sum((1, 2)), rel=1e-4)


def test_the_trace_of_a_steady_state_comes_up_as_the_time_constant_says() -> None:
    times = np.linspace(0, 30, 1201)
    assert eligibility(times, 5.0) @ np.ones(1201) == pytest.approx(1 - np.exp(-times / 5), abs=1e-5)


def steady(times: np.ndarray, w: np.ndarray, b: np.ndarray, tau: float, rate: float) -> float:
    """The closed form for C = c and y* constant: both traces are c (1 − e^{−t/τ})."""
    T, (y, c) = times[-1], (0.7, 0.4)
    mean = 1 - tau / T * (1 - np.exp(-T / tau))
    return -rate * len(w) / T * c * (y**2 + c * w @ w) * (w @ b) * mean**2


def test_units_that_stand_still_have_the_closed_form() -> None:
    rng, times = np.random.default_rng(4), np.linspace(0, 40, 801)
    w, b = rng.normal(size=(2, 12)) / 3
    found = loss_change(times, np.full(801, 0.7), lambda lag: 0.4 + 0 * lag, w, b, tau=6.0, rate=0.02)
    assert found == pytest.approx(steady(times, w, b, 6.0, 0.02), rel=1e-4)


NETWORKS = 1500


def simulated(networks, times, target, theta, w, b, g, tau, rate, rng):
    """ΔL₂ of each of many networks as it is defined: their W, their units, exact sensitivities, traces, Euler steps."""
    units, n, step, T = len(w), len(times), times[1], times[-1]
    W = g / units**0.5 * rng.normal(size=(networks, units, units))
    h = np.empty((n, networks, units))  # each unit a stationary Ornstein-Uhlenbeck process: C(t) = e^{−|t|/θ}
    h[0] = rng.normal(size=(networks, units))
    keep = np.exp(-step / theta)
    for i in range(1, n):
        h[i] = keep * h[i - 1] + (1 - keep**2) ** 0.5 * rng.normal(size=(networks, units))
    weight = np.full(n, step / T)
    weight[[0, -1]] /= 2
    errors = (target[:, None] - h @ w) * weight[:, None]
    p, local = np.zeros((2, networks, units))
    for i in range(n):
        p = p + step / tau * (h[i] - p)
        local = local + errors[i, :, None] * p
    # Σ_t ε(t) w·P(t) is one recursion backward in time, as P answers to h(u) by e^{(W − 1)(t − u)/τ}.
    back, change = np.zeros((networks, units)), 0.0
    for i in reversed(range(n)):
        back = back + step / tau * ((back[:, None] @ W)[:, 0] - back) + errors[i, :, None] * w
        change = change + step / tau * (back @ b) * (h[i] * local).sum(1)
    return -rate / T * change


def test_the_mean_over_random_networks_is_what_the_theory_says() -> None:
    """To sampling and 3 %: what the theory leaves out is of order 1/N, and an Euler step is a twentieth of τ."""
    rng, units, theta = np.random.default_rng(5), 60, 2.0
    times = np.linspace(0, 6, 121)
    target = np.sin(2 * np.pi * times / 6)
    w = rng.uniform(-1, 1, units) / units**0.5
    b = 0.3 * rng.normal(size=units) + 2 * w * units**0.5
    expected = loss_change(times, target, lambda lag: np.exp(-abs(lag) / theta), w, b, tau=1.0, rate=0.1)
    found = simulated(NETWORKS, times, target, theta, w, b, 0.5, 1.0, 0.1, rng)
    spread = found.std(ddof=1) / NETWORKS**0.5
    assert expected < 0 and spread < 0.03 * abs(expected)
    assert found.mean() == pytest.approx(expected, abs=3 * spread + 0.03 * abs(expected))


def test_the_loss_falls_with_an_aligned_feedback_and_rises_with_an_opposed_one() -> None:
    times = np.linspace(0, 10, 101)
    w = np.random.default_rng(6).normal(size=20)
    rest = {"tau": 1.0, "rate": 0.1}
    along, against = (
        loss_change(times, np.cos(times), lambda lag: np.exp(-(lag**2)), w, sign * w, **rest)
        for sign in (1, -1)
    )
    assert along < 0 and against == -along


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, 1.0, 1.0], "rise from 0"),
        ([1.0, 2.0, 3.0], "rise from 0"),
        ([0.0, 1.0], r"the target has shape \(3,\)"),
    ],
)
def test_times_that_do_not_rise_from_zero_are_faults(times: list[float], said: str) -> None:
    with pytest.raises(Fault, match=said):
        loss_change(np.array(times), np.zeros(3), np.exp, np.ones(2), np.ones(2), tau=1.0, rate=1.0)
