"""Inputs accumulated and normalised as by Adam and RMSProp (Nguyen et al., NeurIPS 2020, Section 2).

As in the authors' code there is no correction of the first steps and no factor 1 − μ. The 1e-16 stands inside the root:
where g has been exactly 0 so far v/√(s + 1e-16) is 0, and its derivative in g is up to 1e8 ε, which is finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.drives.biases import TwoBiases
from rnnrepro.drives.filters import number_a_run
from rnnrepro.drives.normalised import normalised
from rnnrepro.drives.projection import Embedded, Z, factored


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
        z, _, s = normalised(g, torch.zeros_like(self.beta), self.epsilon, self.beta, None, *state)
        return self.behind(z), (s,)


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
        z, *last = normalised(g, self.mu, self.epsilon, self.beta, *state)
        return self.behind(z), tuple(last)
