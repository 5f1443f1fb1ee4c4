"""The unconstrained recurrent matrix."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill, resolve_fan
from rnnrepro.matrices import skew
from rnnrepro.matrices.base import Matrix
from rnnrepro.tables import ROTATIONS


class Free(Matrix):
    """W itself is the parameter `weight` (S, N, M).

    `init` is an initialiser, or `rotations_<skew initialiser>` for a start at the exponential of that skew
    matrix (square W only). The fans are numbers or words of `tables.FANS`. Raises Fault.
    """

    rectangular = True

    def __init__(
        self,
        hidden_size: int,
        *,
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, **common)
        generators = common["generators"]
        if init in ROTATIONS:
            if self.width != hidden_size:
                raise Fault(f"{init!r} starts square matrices only, not one of {hidden_size} × {self.width}")
            start = skew.rotations(init.removeprefix("rotations_"), generators, hidden_size, self.dtype)
        else:
            sizes = {"input_size": self.input_size, "hidden_size": hidden_size, "width": self.width}
            fans = (resolve_fan(fan_in, **sizes), resolve_fan(fan_out, **sizes))
            start = fill(init, generators, (hidden_size, self.width), *fans, dtype=self.dtype)
        self.weight = nn.Parameter(start)

    def build(self) -> Tensor:
        return self.weight
