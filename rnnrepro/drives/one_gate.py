"""An affine drive of an update with several gates that reaches one of them alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional

from rnnrepro.drives.affine import Affine
from rnnrepro.drives.projection import Embedded, Factored, factored
from rnnrepro.errors import Fault


class OneGate(Affine):
    """z_t = x_t U + bias in the columns of the gate with this number, 0 in those of the others.

    `weight` U (S, D, N), `bias` (S, N); `gate` counts from 0. The initialisers and fans are those of `Affine`, for a
    matrix of these N columns. Raises Fault for a gate that the update does not have.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        gate: int = 0,
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            hidden_size,
            generators=generators,
            init=init,
            fan_in=fan_in,
            fan_out=fan_out,
            bias=bias,
            dtype=dtype,
        )
        gates = width // hidden_size
        if isinstance(gate, bool) or not 0 <= gate < gates:
            raise Fault(f"gate is a number from 0 to {gates - 1}, for the update has {gates}; not {gate!r}")
        self.width = width
        self.beside = (gate * hidden_size, (gates - 1 - gate) * hidden_size)

    def forward(
        self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()
    ) -> tuple[Factored, tuple[Tensor, ...]]:
        bias = None if self.bias is None else functional.pad(self.bias, self.beside)
        return factored(x, functional.pad(self.weight, self.beside), bias), state
