"""Updates that descend a lower-level objective: SBO-RNN (Zhang et al., NeurIPS 2021, Eqs. 7–9).

With φ = relu(h W + z) the objective is F(h) = ½ ‖α h − φ‖², its gradient α r − (s ∘ r) Wᵀ for r = α h − φ and
s = 1[φ > 0]. The derivative of s is 0 almost everywhere, so s counts as a constant in the backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import relu, where


def residual(u, h, alpha):
    on = where(u > 0.0, 0.0 * u + 1.0, 0.0 * u)
    r = alpha * h - relu(u)
    return on * r, r, on


def residual_back(da, dr, on, alpha):
    dr_all = dr + da * on
    return -on * dr_all, alpha * dr_all


_RESIDUAL = Stage(residual, residual_back, saves=("r", "on"), gradients=("u", "h"))


def descend(y, h, r, alpha, eta):
    return h - eta * (alpha * r - y)


def descend_back(dh, alpha, eta):
    return eta * dh, dh, -eta * alpha * dh


class BilevelSGD(Update):
    """h' = h − η ∇F(h)."""

    stages = (_RESIDUAL, Stage(descend, descend_back, inputs=("y",), gradients=("y", "h", "r")))

    def __init__(self, eta: float = 1e-3, alpha: float = 1.0) -> None:
        self.eta, self.alpha = eta, alpha

    @property
    def constants(self) -> Mapping[str, float]:
        return {"eta": self.eta, "alpha": self.alpha}


def heavy_ball(y, h, m, r, mu, alpha, eta):
    m_next = mu * m - eta * (alpha * r - y)
    return h + m_next, m_next, m


def heavy_ball_back(dh, dm, m_before, mu, alpha, eta):
    dm_next = dm + dh
    return eta * dm_next, dh, mu * dm_next, -eta * alpha * dm_next, m_before * dm_next


class BilevelHeavyBall(BilevelSGD):
    """m' = μ m − η ∇F(h); h' = h + m'. The state is (h, m); μ is trained and starts at `momentum`."""

    stages = (
        _RESIDUAL,
        Stage(
            heavy_ball,
            heavy_ball_back,
            inputs=("y",),
            saves=("m_before",),
            gradients=("y", "h", "m", "r", "mu"),
        ),
    )
    state = (("h",), ("m",))

    def __init__(self, eta: float = 1e-3, alpha: float = 1.0, momentum: float = 0.5) -> None:
        super().__init__(eta, alpha)
        self.momentum = momentum

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"mu": torch.full((len(generators),), self.momentum, dtype=dtype)}


def nesterov(y, h, m, r, mu, alpha, eta):
    m_next = h - eta * (alpha * r - y)
    step = m_next - m
    return m_next + mu * step, m_next, step


def nesterov_back(dh, dm, step, mu, alpha, eta):
    dm_next = dm + dh + mu * dh
    return eta * dm_next, dm_next, -mu * dh, -eta * alpha * dm_next, step * dh


class BilevelNesterov(BilevelHeavyBall):
    """m' = h − η ∇F(h); h' = m' + μ (m' − m). The state is (h, m); μ is trained and starts at `momentum`."""

    stages = (
        _RESIDUAL,
        Stage(nesterov, nesterov_back, inputs=("y",), saves=("step",), gradients=("y", "h", "m", "r", "mu")),
    )
