"""Unitary matrices by the scaled Cayley transform with a trained scaling (scuRNN).

Maduranga, Helfrich and Ye, AAAI 2019 (arXiv:1811.04142): W = (I + A)^{-1}(I − A) D with A skew-Hermitian and
D = diag(e^{iθ}), both trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.autograd.function import once_differentiable

from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.complex_block import block, distance_from_unitary, inverse, phase
from rnnrepro.matrices.skew import initial, skew
from rnnrepro.reduce import each_run, finite_per_run, where_run


class _ScaledCayley(torch.autograd.Function):
    """W = (2Z − I) D for Z = (I + A)^{-1}, in parts; one factorisation serves both directions.

    Z is found in complex128, so that W is unitary to the rounding of its own precision however large A is; all other
    arithmetic is on real numbers. dW = −2 Z dA Z D + i W dθ, so that a gradient Γ = ∂L/∂Re W + i ∂L/∂Im W pulls
    back to −2 Z* (Γ D*) Z* for A, and to the sum over each column of Re(Γ̄ ∘ i W) for θ.
    """

    @staticmethod
    def forward(ctx: Any, real: Tensor, imaginary: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        dtype = real.dtype
        shifted = real.to(torch.float64, copy=True)
        shifted.diagonal(dim1=1, dim2=2).add_(1)
        z_re, z_im = inverse(shifted, imaginary.double())
        finite = finite_per_run(real) & finite_per_run(imaginary)
        c, s = (where_run(finite, part, float("nan")).unsqueeze(1) for part in phase(angle.double()))
        t_re, t_im = 2 * z_re, 2 * z_im
        t_re.diagonal(dim1=1, dim2=2).sub_(1)
        w_re, w_im = ((t_re * c - t_im * s).to(dtype), (t_re * s + t_im * c).to(dtype))
        ctx.save_for_backward(*(part.to(dtype) for part in (z_re, z_im, c, s)), w_re, w_im)
        return w_re, w_im

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_re: Tensor, g_im: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_re, z_im, c, s, w_re, w_im = ctx.saved_tensors
        y = torch.cat((g_re * c + g_im * s, g_im * c - g_re * s), 2) * -2
        # Rows [Re, Im] (N × 2N) times the real form of Z*, and the first rows of that form times a real form.
        adjoint = block(z_re, z_im).mT
        x = torch.bmm(y, adjoint)
        size = x.shape[1]
        d = torch.bmm(adjoint[:, :size], block(x[..., :size], x[..., size:]))
        (angle,) = each_run(lambda turned: (turned.sum(1),), g_im * w_re - g_re * w_im)
        return d[..., :size], d[..., size:], angle


def scaled_cayley(real: Tensor, imaginary: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """The parts of (I + A)^{-1}(I − A) diag(e^{iθ}) for A skew-Hermitian, of its parts (S, N, N), and θ (S, N)."""
    return _ScaledCayley.apply(real, imaginary, angle)


@lru_cache(maxsize=16)
def _places(size: int, device: torch.device) -> Tensor:
    """For each entry of a symmetric matrix, row by row, its coordinate in the upper triangle with the diagonal."""
    # Kept beyond this call, so it must serve a backward pass even when an evaluation asks for it first.
    with torch.inference_mode(False):
        rows, columns = torch.triu_indices(size, size, device=device)
        places = torch.empty(size, size, dtype=torch.int64, device=device)
        places[rows, columns] = places[columns, rows] = torch.arange(len(rows), device=device)
        return places.flatten()


def symmetric(coordinates: Tensor, size: int) -> Tensor:
    """Symmetric (S, N, N) whose upper triangle with the diagonal, row by row, is (S, N(N+1)/2)."""
    return coordinates.index_select(1, _places(size, coordinates.device)).view(-1, size, size)


class UnitaryCayley(Matrix):
    """W = (I + A)^{-1}(I − A) diag(e^{iθ}) on rows, A skew-Hermitian: N² + N parameters in all.

    Parameters: `skew` (S, N(N−1)/2), the strict upper triangle of Re A, started by `init`, a row of
    `tables.SKEW_INITIALISERS`; `symmetric` (S, N(N+1)/2), the upper triangle of Im A with the diagonal, started at 0;
    `phase` θ (S, N) in radians, started by `phases`, a row of `tables.INITIALISERS`. A gradient is the total
    derivative of each of these numbers: off the diagonal of A twice what the authors' program gives. Raises Fault.
    """

    groups: ClassVar[Mapping[str, str]] = {
        "skew": "orthogonal",
        "symmetric": "orthogonal",
        "phase": "phases",
    }
    planes = 2

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "cayley",
        phases: str = "uniform(3.141592653589793)",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        self.skew = nn.Parameter(initial(init, generators, hidden_size, dtype))
        count = hidden_size * (hidden_size + 1) // 2
        self.symmetric = nn.Parameter(torch.zeros(len(generators), count, dtype=dtype))
        self.phase = nn.Parameter(fill(phases, generators, (hidden_size,), dtype=dtype))

    def build(self) -> Tensor:
        size = self.hidden_size
        return block(*scaled_cayley(skew(self.skew, size), symmetric(self.symmetric, size), self.phase))

    def residual(self) -> Tensor:
        return distance_from_unitary(self.build().detach())
