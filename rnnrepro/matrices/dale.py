"""A recurrent matrix that keeps Dale's law: all that a unit sends has one sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import BoolTensor, Generator, Tensor

from rnnrepro.matrices.free import Free
from rnnrepro.reduce import sum_per_run, where_run


class Dale(Free):
    """W = `weight` (S, N, M), the rows of the first ⌈N/2⌉ units ≥ 0 (excitatory), those of the others ≤ 0 (inhibitory).

    It starts as `Free` does, each entry with the sign ξ of its row, ξ|W|. An optimiser moves W as ever; after each step
    an entry whose sign is wrong is 0: W ← ξ max(0, ξW) (Murray 2019, Fig. 2, supplement 1). Raises Fault as `Free`.
    """

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
        super().__init__(
            hidden_size,
            generators=generators,
            init=init,
            fan_in=fan_in,
            fan_out=fan_out,
            dtype=dtype,
            **common,
        )
        with torch.no_grad():
            self.weight.copy_(self.signs() * self.weight.abs())

    def signs(self) -> Tensor:
        """ξ (N, 1): 1 for excitatory units, −1 for inhibitory ones."""
        found = self.weight.new_ones(self.hidden_size, 1)
        found[(self.hidden_size + 1) // 2 :] = -1
        return found

    @torch.no_grad()
    def after_step(self, active: BoolTensor) -> None:
        kept = torch.where(self.signs() * self.weight < 0, 0, self.weight)
        self.weight.copy_(where_run(active, kept, self.weight))

    @torch.no_grad()
    def residual(self) -> Tensor:
        """The Frobenius norm (S,) of the entries of the wrong sign, in float64."""
        wrong = (self.signs() * self.weight).double().clamp(max=0)
        return sum_per_run(wrong.square()).sqrt()
