"""Unitary matrices of full capacity, moved along the unitary group by steps of their own.

Wisdom, Powers, Hershey, Le Roux and Atlas, NeurIPS 2016 (arXiv:1611.00035): W is itself the parameter and, for the
optimiser's step G, W ← (I + 𝒜/2)^{-1}(I − 𝒜/2) W with 𝒜 = G W* − W G*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.complex_block import block, distance_from_unitary, inverse, parts
from rnnrepro.matrices.urnn import RestrictedUnitary


class Unitary(Matrix):
    """W on rows, its parts the parameter `weight` (S, 2, N, N): N² free numbers, 2N² stored.

    It starts from one draw of `RestrictedUnitary`. The optimiser hands its step to `retract`; one that subtracts the
    step itself leaves the unitary group. With `polish` each retraction ends with a step of Newton's iteration towards
    the nearest unitary matrix, W ← W (3I − W*W)/2, in float64, without which rounding errors add up; the authors'
    program has none.
    """

    groups: ClassVar[Mapping[str, str]] = {"weight": "unitary"}
    retracted: ClassVar[tuple[str, ...]] = ("weight",)
    planes = 2

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        polish: bool = True,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        self.polish = polish
        start = RestrictedUnitary(hidden_size, generators=generators, dtype=torch.float64, **common)
        with torch.no_grad():
            self.weight = nn.Parameter(torch.stack(parts(start.build()), 1).to(dtype))

    @property
    def fixed(self) -> int:
        return self.hidden_size**2

    def build(self) -> Tensor:
        return block(self.weight[:, 0], self.weight[:, 1])

    def residual(self) -> Tensor:
        return distance_from_unitary(self.build().detach())

    @torch.no_grad()
    def retract(self, name: str, step: Tensor) -> None:
        size = self.hidden_size
        w = self.build().double()
        g = block(step[:, 0].double(), step[:, 1].double())
        # The real form of a product is the product of real forms, and that of W* is Wᵀ.
        half = torch.bmm(g[:, :size], w.mT) / 2
        a = half - _adjoint(half)
        a[:, :, :size].diagonal(dim1=1, dim2=2).add_(1)
        q = 2 * torch.cat(inverse(a[..., :size], a[..., size:]), 2)
        q[:, :, :size].diagonal(dim1=1, dim2=2).sub_(1)
        moved = torch.bmm(q, w)
        if self.polish:
            moved = _nearer(moved)
        self.weight.copy_(torch.stack(moved.split(size, 2), 1))


def _adjoint(rows: Tensor) -> Tensor:
    """[Re X*, Im X*] of [Re X, Im X] (S, N, 2N)."""
    size = rows.shape[1]
    return torch.cat((rows[..., :size].mT, -rows[..., size:].mT), 2)


def _nearer(rows: Tensor) -> Tensor:
    """W (3I − W*W)/2 of [Re W, Im W] (S, N, 2N)."""
    size = rows.shape[1]
    w = block(rows[..., :size], rows[..., size:])
    gram = torch.bmm(w[:, :, :size].mT, w)
    return 1.5 * rows - torch.bmm(rows, block(gram[..., :size], gram[..., size:])) / 2
