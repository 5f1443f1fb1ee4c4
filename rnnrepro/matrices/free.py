"""The unconstrained recurrent matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.initialisers import resolve_fan
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.gate_start import gate_start, no_gains
from rnnrepro.matrices.start import matrix_start
from rnnrepro.tables import GATE_INITIALISERS


class Free(Matrix):
    """W itself is the parameter `weight` (S, N, M).

    `init` is a row of `tables.INITIALISERS`, or for square W of `tables.MATRIX_INITIALISERS`; the fans are
    numbers or words of `tables.FANS`. For a row of `tables.GATE_INITIALISERS` see `gate_start`: `gain` is one number or
    one a run. Raises Fault.
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
        gain: float | Sequence[float] = 1.0,
        forward: float = 0.99,
        orientation: str = "paper",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        gains = [float(g) for g in gain] if isinstance(gain, Sequence) else [float(gain)] * len(generators)
        if init in GATE_INITIALISERS:
            start = gate_start(init, generators, hidden_size, self.width, gains, forward, orientation, dtype)
            self.weight = nn.Parameter(start)
            return
        no_gains(init, gains)
        sizes = {"input_size": self.input_size, "hidden_size": hidden_size, "width": self.width}
        fans = (resolve_fan(fan_in, **sizes), resolve_fan(fan_out, **sizes))
        start = matrix_start(init, generators, (hidden_size, self.width), *fans, dtype=dtype)
        self.weight = nn.Parameter(start)

    def build(self) -> Tensor:
        return self.weight
