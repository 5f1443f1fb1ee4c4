"""Unitary matrices of restricted capacity: a product of phases, reflections, a permutation and Fourier transforms.

Arjovsky, Shah and Bengio, ICML 2016 (arXiv:1511.06464): W = D₃ R₂ F⁻¹ D₂ Π R₁ F D₁. A row is multiplied by the
factors from the right end of that formula to the left, as in the authors' program.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.complex_block import block, distance_from_unitary
from rnnrepro.reduce import each_run

Parts = tuple[Tensor, Tensor]


@lru_cache(maxsize=16)
def _fourier(size: int, dtype: torch.dtype, device: torch.device) -> Parts:
    """The parts (N, N) of F, F_jk = e^{−2πi jk/N}/√N: to rounding, since jk is taken modulo N first."""
    # Kept beyond this call, so it must serve a backward pass even when an evaluation asks for it first.
    with torch.inference_mode(False):
        steps = torch.arange(size, dtype=torch.int64)
        angle = 2 * math.pi / size * (steps[:, None] * steps % size).double()
        parts = torch.cos(angle), -torch.sin(angle)
        return tuple((part / size**0.5).to(device, dtype) for part in parts)


def _turn(x: Parts, c: Tensor, s: Tensor) -> Parts:
    """x e^{iθ} for c = cos θ, s = sin θ."""
    return x[0] * c - x[1] * s, x[0] * s + x[1] * c


def _reflect(x: Parts, v: Tensor) -> Parts:
    """Rows x (S, N, N) times I − 2 v v*/‖v‖², for v as [Re v, Im v] (S, 2N)."""
    re, im = (part.unsqueeze(2) for part in v.chunk(2, 1))
    share = 2 / v.square().sum(1)[:, None, None]
    p = (torch.bmm(x[0], re) - torch.bmm(x[1], im)) * share
    q = (torch.bmm(x[0], im) + torch.bmm(x[1], re)) * share
    return x[0] - (p * re.mT + q * im.mT), x[1] - (q * re.mT - p * im.mT)


def _back_to_time(x: Parts) -> Parts:
    """Rows x times F⁻¹."""
    found = torch.view_as_real(torch.fft.ifft(torch.complex(*x), norm="ortho"))
    return found[..., 0], found[..., 1]


def _product(phases: Tensor, reflections: Tensor, permutation: Tensor) -> tuple[Tensor]:
    """The real form (S, 2N, 2N) of W, of phases (S, 3, N), reflections (S, 2, 2N) and a permutation (S, N)."""
    runs, _, size = phases.shape
    c, s = torch.cos(phases), torch.sin(phases)
    fourier = _fourier(size, phases.dtype, phases.device)
    x: Parts = _reflect(tuple(part.expand(runs, -1, -1) for part in fourier), reflections[:, 0])
    index = permutation[:, None].expand(-1, size, -1)
    x = tuple(part.gather(2, index) for part in x)
    x = _turn(x, c[:, 1, None], s[:, 1, None])
    x = _reflect(_back_to_time(x), reflections[:, 1])
    x = _turn(x, c[:, 2, None], s[:, 2, None])
    return (block(*_turn(x, c[:, 0, :, None], s[:, 0, :, None])),)


class RestrictedUnitary(Matrix):
    """W as above on rows, made dense once a step: 7N parameters.

    Parameters: `phase` (S, 3, N), the angles of D₁, D₂ and D₃ in radians, started by `phases`; `reflection`
    (S, 2, 2N), [Re v, Im v] of R₁ and R₂, started by `reflections`; both are rows of `tables.INITIALISERS`. Buffer:
    `permutation` (S, N), drawn once. Raises Fault.
    """

    planes = 2

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        phases: str = "uniform(3.141592653589793)",
        reflections: str = "glorot_uniform",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        self.reflection = nn.Parameter(fill(reflections, generators, (2, 2 * hidden_size), dtype=dtype))
        self.phase = nn.Parameter(fill(phases, generators, (3, hidden_size), dtype=dtype))
        drawn = [torch.randperm(hidden_size, generator=generator) for generator in generators]
        self.register_buffer("permutation", torch.stack(drawn))

    def build(self) -> Tensor:
        return each_run(_product, self.phase, self.reflection, self.permutation)[0]

    def residual(self) -> Tensor:
        return distance_from_unitary(self.build().detach())
