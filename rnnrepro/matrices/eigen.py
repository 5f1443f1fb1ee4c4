"""Division of a matrix by its spectral radius, with the exact gradient (ENRNN).

Helfrich and Ye, AAAI 2020 (arXiv:1911.07964). With λ = α + iβ the eigenvalue of largest modulus σ, u and v
its right and left eigenvectors and S = conj(v) uᵀ / (v*u) = ∂λ/∂T, the spectral radius has the gradient
(α Re S + β Im S)/σ, and W = T/σ pulls a gradient G back to (G − ⟨G, W⟩ ∂σ/∂T)/σ.

Only the eigenvalues are decomposed for; u and v come from inverse iteration with one factorisation of T − λI for
both. What is done on complex numbers outside LAPACK is done on their real parts, because a stack of complex numbers
is not computed to the same bits as one of its runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import BoolTensor, Tensor

from rnnrepro.reduce import finite_per_run, sum_per_run, where_run

LEAST_PRODUCT = 1e-8
"""Below this |v*u|, for unit u and v, the dominant eigenvalue counts as defective."""

ITERATIONS = 3


class Dominant(NamedTuple):
    """Spectral radius σ (S,) of matrices, ∂σ/∂T (S, N, N), and whether that gradient had to be dropped (S,)."""

    radius: Tensor
    gradient: Tensor
    defective: BoolTensor


@torch.no_grad()
def dominant(matrices: Tensor) -> Dominant:
    """The dominant eigenvalues of finite real matrices (S, N, N) on the CPU, decomposed in float64.

    A conjugate pair gives the same numbers whichever of the two comes first.
    """
    t = matrices.detach().double()
    values = torch.view_as_real(torch.linalg.eigvals(t))
    k = values.square().sum(2).argmax(1)
    alpha, beta = values[torch.arange(len(t)), k].unbind(1)
    alpha, beta = alpha.view(-1, 1, 1), beta.abs().view(-1, 1, 1)
    radius = (alpha.square() + beta.square()).sqrt()
    u, v = _eigenvectors(t, alpha, beta)
    # v*u, and its conjugate's share in the factor λ̄ / (v*u σ) that makes the gradient Re(factor · conj(v) uᵀ).
    vu = torch.bmm(v.mT, u)
    real, imaginary = vu[:, :1, :1] + vu[:, 1:, 1:], vu[:, :1, 1:] - vu[:, 1:, :1]
    square = real.square() + imaginary.square()
    first = (alpha * real - beta * imaginary) / (square * radius)
    second = -(alpha * imaginary + beta * real) / (square * radius)
    v_real, v_imaginary = v.split(1, 2)
    left = torch.cat((first * v_real + second * v_imaginary, first * v_imaginary - second * v_real), 2)
    lengths = (_square_length(u) * _square_length(v)).sqrt()
    # Where the iteration broke down there is no eigenvector to trust either: NaN is not at least anything.
    sound = (square.sqrt() >= LEAST_PRODUCT * lengths).flatten()
    return Dominant(radius.flatten(), where_run(sound, torch.bmm(left, u.mT), 0.0), ~sound)


def _eigenvectors(t: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Right and left eigenvectors of T (S, N, N) for α + iβ (S, 1, 1), real and imaginary part (S, N, 2) each."""
    size = t.shape[-1]
    # A shift by the rounding error of an eigenvalue, so that the factors are regular where λ is exact.
    shift = torch.finfo(t.dtype).eps * t.abs().amax((1, 2), keepdim=True) * size
    identity = torch.eye(size, dtype=t.dtype)
    shifted = torch.complex(t - (alpha + shift) * identity, -beta * identity)
    factors, pivots, _ = torch.linalg.lu_factor_ex(shifted)
    start = 1 + torch.sin(torch.arange(size, dtype=t.dtype)) / 2
    found = []
    for adjoint in (False, True):
        x = torch.complex(start, torch.zeros_like(start)).view(1, -1, 1).repeat(len(t), 1, 1)
        for _ in range(ITERATIONS):
            x = torch.linalg.lu_solve(factors, pivots, x, adjoint=adjoint)
        parts = torch.view_as_real(x).squeeze(2)
        found.append(parts / parts.abs().amax((1, 2), keepdim=True))
    return found[0], found[1]


def _square_length(x: Tensor) -> Tensor:
    """Squared length (S, 1, 1) of complex vectors as pairs (S, N, 2)."""
    return torch.bmm(x.mT, x).diagonal(dim1=1, dim2=2).sum(1).view(-1, 1, 1)


@torch.no_grad()
def spectral_radius(matrices: Tensor) -> Tensor:
    """Largest modulus of the eigenvalues, (S, N, N) -> (S,), float64; NaN where entries are not finite."""
    host = matrices.detach().double().cpu()
    finite = finite_per_run(host)
    values = torch.view_as_real(torch.linalg.eigvals(where_run(finite, host, 0.0)))
    largest = values.square().sum(2).amax(1).sqrt()
    return torch.where(finite, largest, float("nan")).to(matrices.device)


class _EigenNormalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor, normalised: BoolTensor) -> tuple[Tensor, Tensor]:
        host = t.detach().double().cpu()
        wanted = normalised.cpu()
        finite = finite_per_run(host)
        radius = torch.where(wanted & ~finite, float("nan"), torch.ones(len(t), dtype=torch.float64))
        slope, defective = torch.zeros_like(host), torch.zeros(len(t), dtype=torch.bool)
        runs = (wanted & finite).nonzero().flatten()
        if len(runs):
            radius[runs], slope[runs], defective[runs] = dominant(host[runs])
        radius, slope, defective = radius.to(t.device), slope.to(t.device), defective.to(t.device)
        w = t.double() / radius.view(-1, 1, 1)
        ctx.save_for_backward(w, radius, slope)
        ctx.mark_non_differentiable(defective)
        return w.to(t.dtype), defective

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Any) -> tuple[Tensor, None]:
        w, radius, slope = ctx.saved_tensors
        along = sum_per_run(g.double() * w).view(-1, 1, 1)
        return ((g.double() - along * slope) / radius.view(-1, 1, 1)).to(g.dtype), None


def eigen_normalise(t: Tensor, normalised: BoolTensor) -> tuple[Tensor, BoolTensor]:
    """T/ρ(T) for the runs where `normalised` (S,) is true, T itself for the others: (S, N, N) -> (S, N, N).

    The second value (S,) tells where the dominant eigenvalue is defective to rounding, so that the gradient
    of ρ is dropped. The decomposition is dense, in float64, on the CPU; a run that is not finite gives NaN.
    """
    return _EigenNormalise.apply(t, normalised)
