"""The exponential of a skew-symmetric matrix and its exact gradient, both from one eigendecomposition.

For A = U diag(iω) U* the exponential is U diag(e^{iω}) U*, orthogonal to rounding whatever the size of A, and
its Fréchet derivative in a direction E is U (Φ ∘ U*EU) U* with the divided differences
Φ_jk = (e^{iω_j} − e^{iω_k}) / (iω_j − iω_k) = e^{i(ω_j+ω_k)/2} sinc((ω_j−ω_k)/2)
(Higham, Functions of Matrices, 2008, section 3.2). No decision depends on a norm over the stack, as
`torch.matrix_exp` makes it, so a run's bits are its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rnnrepro.reduce import each_run, finite_per_run, where_run


class _SkewExponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        finite = finite_per_run(a)
        w, omega, u = each_run(_exponential, where_run(finite, a, 0.0))
        ctx.save_for_backward(omega, u)
        return where_run(finite, w, float("nan"))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return each_run(_pull_back, g, *ctx.saved_tensors)[0]


def _exponential(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    omega, u = torch.linalg.eigh(-1j * a)
    return torch.bmm(u * torch.exp(1j * omega).unsqueeze(1), u.mH).real, omega, u


def _pull_back(g: Tensor, omega: Tensor, u: Tensor) -> tuple[Tensor]:
    half = torch.exp(-0.5j * omega)
    gaps = (omega.unsqueeze(2) - omega.unsqueeze(1)) / 2
    conjugate_phi = half.unsqueeze(2) * half.unsqueeze(1) * torch.sinc(gaps / torch.pi)
    inner = torch.bmm(torch.bmm(u.mH, g.to(u.dtype)), u)
    return (torch.bmm(torch.bmm(u, inner * conjugate_phi), u.mH).real,)


def skew_expm(a: Tensor) -> Tensor:
    """expm(A) for skew A, (S, N, N) -> (S, N, N); a run with entries that are not finite gives NaN."""
    return _SkewExponential.apply(a)
