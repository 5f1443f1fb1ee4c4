"""Division of a matrix by its spectral radius, with the exact gradient (ENRNN).

Helfrich and Ye, AAAI 2020 (arXiv:1911.07964). With λ = α + iβ the eigenvalue of largest modulus σ, u and v
its right and left eigenvectors and S = conj(v) uᵀ / (v*u) = ∂λ/∂T, the spectral radius has the gradient
(α Re S + β Im S)/σ, and W = T/σ pulls a gradient G back to (G − ⟨G, W⟩ ∂σ/∂T)/σ.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import torch
from torch import BoolTensor, Tensor

from rnnrepro.reduce import sum_per_run

LEAST_PRODUCT = 1e-8
"""Below this |v*u|, for unit u and v, the dominant eigenvalue counts as defective."""


class Dominant(NamedTuple):
    """Spectral radius σ of a matrix, ∂σ/∂T (float64, N × N), and whether that gradient had to be dropped."""

    radius: float
    gradient: np.ndarray
    defective: bool


def dominant(matrix: np.ndarray) -> Dominant:
    """The dominant eigenvalue of one finite real matrix, decomposed in float64.

    A conjugate pair gives the same numbers whichever of the two comes first.
    """
    values, left, right = scipy.linalg.eig(matrix.astype(np.float64), left=True, right=True)
    k = int(np.argmax(np.abs(values)))
    value, v, u = values[k], left[:, k], right[:, k]
    radius, product = float(abs(value)), np.vdot(v, u)
    defective = bool(abs(product) < LEAST_PRODUCT * np.linalg.norm(u) * np.linalg.norm(v))
    if defective:
        return Dominant(radius, np.zeros(matrix.shape), True)
    slope = np.outer(v.conj(), u) / product
    return Dominant(radius, (value.real * slope.real + value.imag * slope.imag) / radius, False)


@torch.no_grad()
def spectral_radius(matrices: Tensor) -> Tensor:
    """Largest modulus of the eigenvalues, (S, N, N) -> (S,), float64; NaN where entries are not finite."""
    found = [
        np.abs(scipy.linalg.eigvals(m.numpy())).max() if m.isfinite().all() else float("nan")
        for m in matrices.detach().double().cpu()
    ]
    return torch.tensor(found, dtype=torch.float64, device=matrices.device)


class _EigenNormalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, t: Tensor, normalised: BoolTensor) -> tuple[Tensor, Tensor]:
        radius = torch.ones(len(t), dtype=torch.float64)
        slope = torch.zeros(t.shape, dtype=torch.float64)
        defective = torch.zeros(len(t), dtype=torch.bool)
        host = t.detach().cpu()
        for i in normalised.nonzero().flatten().tolist():
            if host[i].isfinite().all():
                radius[i], gradient, defective[i] = dominant(host[i].numpy())
                slope[i] = torch.from_numpy(gradient)
            else:
                radius[i] = float("nan")
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
    of ρ is dropped. The decomposition is dense, in float64, on the CPU, run by run; a run that is not finite
    gives NaN.
    """
    return _EigenNormalise.apply(t, normalised)
