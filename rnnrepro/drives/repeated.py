"""An affine drive whose every z stands for several steps of the scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.affine import Affine
from rnnrepro.drives.projection import Embedded, Factored, Stepped, factored
from rnnrepro.errors import Fault


class Repeated(Affine):
    """z_t = x_t U + bias, K = `steps` times over, with the numbers a step `eta` and `last`.

    `eta` (S, K) is trained, from the argument `eta` for all of them; `last` is 1 at every K-th step of the scan and 0
    at the others. Raises Fault for fewer steps than one.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        steps: int = 5,
        eta: float = 0.1,
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        own: dict[str, Any] = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias}
        super().__init__(input_size, hidden_size, width, generators=generators, dtype=dtype, **own)
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise Fault(f"steps is a whole number from 1 on, not {steps!r}")
        self.repeats = steps
        self.eta = nn.Parameter(torch.full((len(generators), steps), eta, dtype=dtype))

    def forward(
        self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()
    ) -> tuple[Stepped, tuple[Tensor, ...]]:
        z = factored(x, self.weight, self.bias)
        last = torch.zeros_like(self.eta)
        last[:, -1] = 1
        scalars = {"eta": self.eta.repeat(1, x.shape[1]), "last": last.repeat(1, x.shape[1])}
        return Stepped(Factored(z.x.repeat_interleave(self.repeats, dim=1), z.weight, z.bias), scalars), state
