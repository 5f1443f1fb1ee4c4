"""The learning rules step by step, for one run and one trial: what the fast forms are held against.

All in row convention (`state @ W`), in the type of number of what is given (float64 in the tests). With t = 1 … T,

    u(t) = h(t−1) W + x(t) U,   h(t) = (1 − 1/τ) h(t−1) + (1/τ) tanh u(t),   y(t) = h(t) V,   ε(t) = y*(t) − y(t),

and L = 1/(2T) Σ_t |ε(t)|² (Murray 2019, Eqs. 1–2). Every rule gives increments at a rate of 1, down the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnnrepro import tables


@dataclass(frozen=True)
class Weights:
    """W (N, N), U (D, N) and V (N, K), or increments of them."""

    recurrent: Tensor
    drive: Tensor
    readout: Tensor

    def moved(self, step: Weights, rate: float) -> Weights:
        """These and `rate` times the step."""
        return Weights(*(own + rate * more for own, more in zip(self.all(), step.all(), strict=True)))

    def all(self) -> tuple[Tensor, Tensor, Tensor]:
        """W, U and V."""
        return self.recurrent, self.drive, self.readout


@dataclass(frozen=True)
class Trial:
    """A network before a trial, and the trial: inputs x (T, D), targets y* (T, K), h(0) (N,), B (N, K), τ in steps."""

    weights: Weights
    feedback: Tensor
    inputs: Tensor
    targets: Tensor
    start: Tensor
    tau: float = 10.0

    def entering(self, t: int, lag: int) -> Tensor:
        """x(t − lag) for t from 0; nothing (zeros) before the trial."""
        return self.inputs[t - lag] if t >= lag else torch.zeros_like(self.inputs[0])

    def step(self, h: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """h(t) and φ′(u(t)) from h(t−1), t from 0."""
        c = torch.tanh(h @ self.weights.recurrent + self.inputs[t] @ self.weights.drive)
        return h + (c - h) / self.tau, 1 - c**2

    def error(self, h: Tensor, t: int) -> Tensor:
        """ε(t) (K,)."""
        return self.targets[t] - h @ self.weights.readout

    def back(self, feedback: str) -> Tensor:
        """The matrix (N, K) through which errors reach the units, by a word of `tables.FEEDBACKS`."""
        return self.feedback if feedback == "fixed" else self.weights.readout


def rtrl(trial: Trial, feedback: str = "transpose") -> Weights:
    """Real-time recurrent learning: P[j, b, a] = ∂h_j/∂W_ba and Q are carried forward in time (Eqs. 3–4, 10–14).

    N³ numbers and N⁴ operations a step: for tests alone. `feedback` "fixed" sends errors back through B.
    """
    (W, U, _), tau, h = trial.weights.all(), trial.tau, trial.start
    units, total = len(h), _none(trial.weights)
    P, Q = h.new_zeros(units, units, units), h.new_zeros(units, len(U), units)
    own = torch.eye(units, dtype=h.dtype)
    for t in range(len(trial.inputs)):
        before, (h, slope) = h, trial.step(h, t)
        P, Q = (
            (1 - 1 / tau) * trace
            + slope[:, None, None] / tau * torch.einsum("kj,kba->jba", W, trace)
            + torch.einsum("ja,a,b->jba", own, slope, arriving) / tau
            for trace, arriving in ((P, before), (Q, trial.inputs[t]))
        )
        error = trial.error(h, t)
        credit = trial.back(feedback) @ error
        step = Weights(*(torch.einsum("j,jba->ba", credit, trace) for trace in (P, Q)), torch.outer(h, error))
        total = total.moved(step, 1 / len(trial.inputs))
    return total


def rflo(trial: Trial, *, x_lag: int = 1, online: float = 0.0) -> Weights:
    """Random feedback, local online learning: eligibility traces p (N, N) and q (D, N), forward in time (Eqs. 5–6).

    q reads x(t − `x_lag`): 1 as the article prints it, 0 as the derivative has it. With a rate `online` above 0 the
    network moves by that times each step's increment at once; it ends at `online` times what is returned from where it
    began. Otherwise it moves after the trial alone, as in all figures.
    """
    tau, h, total = trial.tau, trial.start, _none(trial.weights)
    p, q = (torch.zeros_like(weight) for weight in (trial.weights.recurrent, trial.weights.drive))
    for t in range(len(trial.inputs)):
        before, (h, slope) = h, trial.step(h, t)
        p = (1 - 1 / tau) * p + torch.outer(before, slope) / tau
        q = (1 - 1 / tau) * q + torch.outer(trial.entering(t, x_lag), slope) / tau
        error = trial.error(h, t)
        credit = trial.feedback @ error
        step = _none(trial.weights).moved(
            Weights(p * credit, q * credit, torch.outer(h, error)), 1 / len(trial.inputs)
        )
        total = total.moved(step, 1.0)
        if online:
            trial = replace(trial, weights=trial.weights.moved(step, online))
    return total


def backward(trial: Trial, rule: str, *, x_lag: int = 0) -> Weights:
    """The increments at a trial's end of a row of `tables.RULES`, by one recursion backward in time.

    z(t) = (1 − 1/τ) z(t+1) + F ε(t) + κ/τ W [φ′(u(t+1)) ∘ z(t+1)], κ = 1 for full credit and 0 for local, F = V or B
    (from Appendix Eqs. 20–23). With `x_lag` 1, U learns from x(t−1). Raises Fault for an unknown rule.
    """
    row, tau, steps = tables.row("rule", rule), trial.tau, len(trial.inputs)
    kappa = 1.0 if row.credit == "full" else 0.0
    W, F = trial.weights.recurrent, trial.back(row.feedback)
    states, slopes = [trial.start], []
    for t in range(steps):
        h, slope = trial.step(states[-1], t)
        states.append(h)
        slopes.append(slope)
    z = later = torch.zeros_like(trial.start)  # later: φ′(u) ∘ z one step on
    total = _none(trial.weights)
    for t in reversed(range(steps)):
        error = trial.error(states[t + 1], t)
        z = (1 - 1 / tau) * z + F @ error + kappa / tau * (W @ later)
        later = slopes[t] * z
        found = Weights(
            torch.outer(states[t], later) / tau,
            torch.outer(trial.entering(t, x_lag), later) / tau,
            torch.outer(states[t + 1], error),
        )
        total = total.moved(found, 1 / steps)
    return total


def _none(like: Weights) -> Weights:
    return Weights(*(torch.zeros_like(weight) for weight in like.all()))
