"""Inputs accumulated with momentum (Nguyen et al., NeurIPS 2020, Section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.drives.biases import TwoBiases
from rnnrepro.drives.filters import constant, filter_of, number_a_run
from rnnrepro.drives.projection import Embedded, Z


class Momentum(TwoBiases):
    """z_t = v_t + b_h, v_t = μ v_{t−1} + ε g_t, g_t = x_t U + b_x.

    `mu` in [0, 1) and `epsilon` are one number or one a run; the biases and `forget` as in `TwoBiases`. With μ = 0
    and ε = 1 it is an affine drive with two biases. The state is v, (S, B, M). Raises Fault.
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
        dtype: torch.dtype = torch.float32,
    ) -> None:
        start = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias, "outside": outside}
        super().__init__(
            input_size, hidden_size, width, generators=generators, **start, forget=forget, dtype=dtype
        )
        runs = len(generators)
        self.numbers("mu", number_a_run("mu", mu, runs, low=0, below=1))
        self.numbers("epsilon", number_a_run("epsilon", epsilon, runs))

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        through = filter_of(constant(self.mu, x.shape[1]), self.epsilon, self.weight)
        v, last = self.filtered(x, through, state[0] if state else None)
        return self.behind(v), (last,)
