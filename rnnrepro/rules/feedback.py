"""A read-out whose errors reach the units through a matrix of their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rnnrepro.drives.projection import project
from rnnrepro.errors import Fault


class _Answer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, V: Tensor, B: Tensor) -> Tensor:
        ctx.save_for_backward(h, B)
        return project(h, V)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        h, B = ctx.saved_tensors
        dh = project(dy, B.mT) if ctx.needs_input_grad[0] else None
        dV = torch.bmm(h.flatten(1, 2).mT, dy.flatten(1, 2)) if ctx.needs_input_grad[1] else None
        return dh, dV, None


def answer(h: Tensor, V: Tensor, B: Tensor | None = None) -> Tensor:
    """Outputs y = h V (S, T, B, K) from h (S, T, B, N) and V (S, N, K), a product for each run.

    The gradient of h is (∂L/∂y) Bᵀ for the `B` (S, N, K) that is given, which itself has none, in the place of
    (∂L/∂y) Vᵀ; that of V stays hᵀ ∂L/∂y. So errors ε reach unit a as [B ε]_a (Murray 2019, Eq. 5).
    Without B it is the plain product. Raises Fault for a B of another shape than V.
    """
    if B is None:
        return project(h, V)
    if B.shape != V.shape:
        raise Fault(
            f"the feedback has shape {tuple(B.shape)}, the read-out {tuple(V.shape)}; give it the read-out's shape"
        )
    return _Answer.apply(h, V, B)
