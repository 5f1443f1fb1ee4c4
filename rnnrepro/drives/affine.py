"""The affine drive: z_t = x_t U + bias."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.base import Drive
from rnnrepro.drives.projection import Embedded, Factored, factored
from rnnrepro.initialisers import fill, resolve_fan


class Affine(Drive):
    """z_t = x_t U + bias with `weight` U (S, D, M) and, if `bias` names an initialiser, `bias` (S, M).

    `init` and `bias` are initialisers. The fans, numbers or words of `tables.FANS`, serve both; the bias takes
    the weight's fan-in, as PyTorch's Linear does. Raises Fault for an unknown initialiser or fan.
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
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, width, generators=generators, dtype=dtype)
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "width": width}
        fans = (resolve_fan(fan_in, **sizes) or input_size, resolve_fan(fan_out, **sizes) or width)
        gates = width // hidden_size
        self.weight = nn.Parameter(
            fill(init, generators, (input_size, width), *fans, dtype=dtype, gates=gates)
        )
        self.bias = None
        if bias is not None:
            self.bias = nn.Parameter(fill(bias, generators, (width,), *fans, dtype=dtype))

    def forward(
        self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()
    ) -> tuple[Factored, tuple[Tensor, ...]]:
        return factored(x, self.weight, self.bias), state
