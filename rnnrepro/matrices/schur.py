"""Non-normal matrices by their real Schur form (nnRNN).

Kerg, Goyette, Puelma Touzel, Gidel, Vorontsov, Bengio and Lajoie, NeurIPS 2019 (arXiv:1905.12080):
V = P Θ Pᵀ with P orthogonal and Θ = Λ + T, Λ blocks γ [[cos θ, −sin θ], [sin θ, cos θ]], T strictly lower
triangular.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix, distance_from_orthogonal
from rnnrepro.matrices.skew import initial, skew, upper_triangle
from rnnrepro.matrices.skew_expm import skew_expm
from rnnrepro.reduce import sum_per_run


class Schur(Matrix):
    """W = Vᵀ for V = P Θ Pᵀ in the paper's column convention, P = expm(X − Xᵀ): N² parameters in all.

    Parameters: `skew` (S, N(N−1)/2), the strict upper triangle of X; `radius` γ and `angle` θ (S, N/2);
    `triangle` (S, N(N−1)/2), the strict lower triangle of T column by column. T keeps its entries inside the
    2×2 blocks, so that a block's eigenvalues have modulus γ only where that entry is 0: read them off W.
    Starts: `init` (a row of `tables.SKEW_INITIALISERS`) for X, T = 0, γ = 1, θ ~ U(0, 2π): V orthogonal.
    `radius_penalty` is δ of the penalty δ Σ (γ − 1)². Raises Fault for odd N.
    """

    groups: ClassVar[Mapping[str, str]] = {"skew": "orthogonal", "triangle": "triangular"}

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "henaff",
        radius_penalty: float = 0.0,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        if hidden_size % 2:
            raise Fault(f"the Schur form has 2×2 blocks and needs an even hidden size, not {hidden_size}")
        pairs, runs = hidden_size // 2, len(generators)
        self.radius_penalty = radius_penalty
        self.skew = nn.Parameter(initial(init, generators, hidden_size, dtype))
        angles = torch.stack([torch.rand(pairs, generator=g, dtype=torch.float64) for g in generators])
        self.angle = nn.Parameter((2 * math.pi * angles).to(dtype))
        self.radius = nn.Parameter(torch.ones(runs, pairs, dtype=dtype))
        self.triangle = nn.Parameter(torch.zeros_like(self.skew))

    def orthogonal(self) -> Tensor:
        """P (S, N, N)."""
        return skew_expm(skew(self.skew, self.hidden_size))

    def theta(self) -> Tensor:
        """Θ = Λ + T (S, N, N) in the paper's column convention."""
        return rotation_blocks(self.radius, self.angle) + upper_triangle(self.triangle, self.hidden_size).mT

    def build(self) -> Tensor:
        p = self.orthogonal()
        return torch.bmm(torch.bmm(p, self.theta().mT), p.mT)

    def residual(self) -> Tensor:
        return distance_from_orthogonal(self.orthogonal().detach())

    def penalty(self) -> Tensor:
        return self.radius_penalty * sum_per_run((self.radius - 1).square())

    @torch.no_grad()
    def arrays(self) -> dict[str, Tensor]:
        """`theta` Θ (S, N, N) in the column convention, `angle` and `radius` (S, N/2), `recurrent` W."""
        own = {"theta": self.theta(), "angle": self.angle.clone(), "radius": self.radius.clone()}
        return {**super().arrays(), **own}


def rotation_blocks(radius: Tensor, angle: Tensor) -> Tensor:
    """Λ (S, N, N): blocks γ [[cos θ, −sin θ], [sin θ, cos θ]] from γ and θ (S, N/2)."""
    runs, pairs = radius.shape
    size = 2 * pairs
    first = torch.arange(0, size, 2, device=radius.device) * (size + 1)
    c, s = radius * torch.cos(angle), radius * torch.sin(angle)
    places = torch.cat([first, first + size + 1, first + 1, first + size])
    flat = radius.new_zeros(runs, size * size)
    return flat.index_copy(1, places, torch.cat([c, c, -s, s], 1)).view(runs, size, size)
