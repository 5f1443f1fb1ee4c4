"""The unconstrained recurrent matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.initialisers import resolve_fan
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.start import matrix_start


class Free(Matrix):
    """W itself is the parameter `weight` (S, N, M).

    `init` is a row of `tables.INITIALISERS`, or for square W of `tables.MATRIX_INITIALISERS`; the fans are
    numbers or words of `tables.FANS`. Raises Fault.
    """

    rectangular = True

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        sizes = {"input_size": self.input_size, "hidden_size": hidden_size, "width": self.width}
        fans = (resolve_fan(fan_in, **sizes), resolve_fan(fan_out, **sizes))
        start = matrix_start(init, generators, (hidden_size, self.width), *fans, dtype=dtype)
        self.weight = nn.Parameter(start)

    def build(self) -> Tensor:
        return self.weight
