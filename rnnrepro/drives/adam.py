"""Inputs accumulated and normalised as by Adam and RMSProp (Nguyen et al., NeurIPS 2020, Section 2).

As in the authors' code there is no correction of the first steps and no factor 1 − μ. The 1e-16 stands inside the root:
where g has been exactly 0 so far v/√(s + 1e-16) is 0, and its derivative in g is up to 1e8 ε, which is finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.drives.biases import TwoBiases
from rnnrepro.drives.filters import constant, filter_of, number_a_run
from rnnrepro.drives.projection import Embedded, Z, factored

_SMALL = 1e-16


class RMSProp(TwoBiases):
    """z_t = ε g_t / √(s_t + 1e-16) + b_h, s_t = β s_{t−1} + (1 − β) g_t², g_t = x_t U + b_x.

    `epsilon` and `beta` in [0, 1) are one number or one a run; the biases and `forget` as in `TwoBiases`. The state
    is s, (S, B, M). Raises Fault.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        outside: str | None = None,
        forget: float = 0.0,
        epsilon: float | Sequence[float] = 0.6,
        beta: float | Sequence[float] = 0.9,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        start = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias, "outside": outside}
        super().__init__(
            input_size, hidden_size, width, generators=generators, **start, forget=forget, dtype=dtype
        )
        runs = len(generators)
        self.numbers("epsilon", number_a_run("epsilon", epsilon, runs))
        self.numbers("beta", number_a_run("beta", beta, runs, low=0, below=1))

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        g = factored(x, self.weight, self.bias).dense()
        s = self.squares(g, state[0] if state else None)
        return self.behind(_OverRoot.apply(self.epsilon[:, None, None, None] * g, s)), (s[:, -1],)

    def squares(self, g: Tensor, start: Tensor | None) -> Tensor:
        """s (S, T, B, M) of g (S, T, B, M), from s before the first step."""
        return filter_of(constant(self.beta, g.shape[1]), 1 - self.beta, g)(_Square.apply(g), start)


class Adam(RMSProp):
    """z_t = v_t / √(s_t + 1e-16) + b_h, v_t = μ v_{t−1} + ε g_t, and s_t and g_t as in `RMSProp`.

    `mu` in [0, 1), `epsilon` and `beta` are one number or one a run. The state is (v, s), (S, B, M) each. Raises Fault.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        outside: str | None = None,
        forget: float = 0.0,
        mu: float | Sequence[float] = 0.6,
        epsilon: float | Sequence[float] = 0.6,
        beta: float | Sequence[float] = 0.1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        start = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias, "outside": outside}
        own = {"forget": forget, "epsilon": epsilon, "beta": beta, "dtype": dtype}
        super().__init__(input_size, hidden_size, width, generators=generators, **start, **own)
        self.numbers("mu", number_a_run("mu", mu, len(generators), low=0, below=1))

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        g = factored(x, self.weight, self.bias).dense()
        before = state or (None, None)
        v = filter_of(constant(self.mu, g.shape[1]), self.epsilon, g)(g, before[0])
        s = self.squares(g, before[1])
        return self.behind(_OverRoot.apply(v, s)), (v[:, -1], s[:, -1])


class _OverRoot(torch.autograd.Function):
    """v / √(s + 1e-16); half as many passes through memory as the derivative that autograd puts together."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, s: Tensor) -> Tensor:
        root = (s + _SMALL).sqrt_()
        z = v / root
        ctx.save_for_backward(z, root)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor, Tensor]:
        z, root = ctx.saved_tensors
        dv = dz / root
        return dv, (dv * z).div_(root).mul_(-0.5)


class _Square(torch.autograd.Function):
    """g², in the same sense."""

    @staticmethod
    def forward(ctx: Any, g: Tensor) -> Tensor:
        ctx.save_for_backward(g)
        return g * g

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, ds: Tensor) -> Tensor:
        (g,) = ctx.saved_tensors
        return (ds * g).mul_(2.0)
