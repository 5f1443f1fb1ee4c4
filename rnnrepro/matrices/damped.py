"""Matrices of differential equations: a skew or partly skew matrix, shifted to the left by a damping γ.

Chang, Chen, Haber and Chi, ICLR 2019 (AntisymmetricRNN, arXiv:1902.09689); Erichson, Azencot, Queiruga, Hodgkinson and
Mahoney, ICLR 2021 (Lipschitz RNN, arXiv:2006.12070). Their formulas act on columns; for rows M takes the part of Mᵀ,
which changes nothing, as its entries are drawn alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.skew import skew
from rnnrepro.reduce import sum_per_run


class Antisymmetric(Matrix):
    """W = M − Mᵀ − γI; the parameter `skew` (S, N(N−1)/2) is the strict upper triangle of M, which has no other entry.

    `init` starts its entries, with N as both fans; `gamma` is γ. Raises Fault.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "fan_in_normal(1.0)",
        gamma: float = 0.01,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        entries = (hidden_size * (hidden_size - 1) // 2,)
        self.skew = nn.Parameter(fill(init, generators, entries, hidden_size, hidden_size, dtype=dtype))
        self.gamma = gamma

    def build(self) -> Tensor:
        return skew(self.skew, self.hidden_size) - self.gamma * _identity(self.skew, self.hidden_size)

    @torch.no_grad()
    def residual(self) -> Tensor:
        """‖W + Wᵀ + 2γI‖ (S,) in the Frobenius norm."""
        w = self.build().double()
        return sum_per_run((w + w.mT + 2 * self.gamma * _identity(w, self.hidden_size)).square()).sqrt()


class Lipschitz(Matrix):
    """[A | W] (S, N, 2N), each (1 − β)(M + Mᵀ) + β(M − Mᵀ) − γI for an M of its own: `linear` and `inner` (S, N, N).

    β = 1 is antisymmetric, β = ½ is M − γI. The entries of both start normal with the standard deviation `std` / N, as
    in the authors' code. Raises Fault for a β outside [0, 1] and for other than 2N columns.
    """

    rectangular = True

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        beta: float = 0.75,
        gamma: float = 0.001,
        std: float = 1.0,
        width: int | None = None,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        width = 2 * hidden_size if width is None else width
        super().__init__(hidden_size, generators=generators, width=width, dtype=dtype, **common)
        if self.width != 2 * hidden_size:
            raise Fault(
                f"[A | W] has {2 * hidden_size} columns, for the update 'lipschitz' or another of two gates, and not "
                f"{self.width}"
            )
        if not 0 <= beta <= 1:
            raise Fault(f"beta is the antisymmetric share of the matrices, from 0 to 1; not {beta}")
        self.beta, self.gamma = beta, gamma
        start = f"normal({std / hidden_size!r})"
        shape = (hidden_size, hidden_size)
        self.linear = nn.Parameter(fill(start, generators, shape, dtype=dtype))
        self.inner = nn.Parameter(fill(start, generators, shape, dtype=dtype))

    def build(self) -> Tensor:
        shift = self.gamma * _identity(self.inner, self.hidden_size)
        return torch.cat([m + (1 - 2 * self.beta) * m.mT - shift for m in (self.linear, self.inner)], 2)

    def arrays(self) -> dict[str, Tensor]:
        """`recurrent` is [A | W]; A and W apart are `linear` and `inner`, (S, N, N)."""
        found = super().arrays()
        linear, inner = found["recurrent"].chunk(2, dim=2)
        return {**found, "linear": linear, "inner": inner}


def _identity(like: Tensor, size: int) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)
