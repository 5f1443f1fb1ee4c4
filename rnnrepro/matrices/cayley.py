"""Orthogonal matrices by the scaled Cayley transform (scoRNN).

Helfrich, Willmott and Ye, ICML 2018 (arXiv:1707.09520): W = (I + A)^{-1}(I − A) D with A skew-symmetric and
D a fixed diagonal of ±1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.autograd.function import once_differentiable

from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix, distance_from_orthogonal
from rnnrepro.matrices.skew import initial, skew
from rnnrepro.reduce import where_run

ORDERS = ("code", "paper")


class _ScaledCayley(torch.autograd.Function):
    """W = (2Z − I) D for Z = (I + A)^{-1}, which is all that both directions need: one factorisation.

    Z is found in float64, as in the authors' code, so that W is orthogonal to the rounding of its own precision
    however large A is. dW = −2 Z dA Z D, so a gradient G of W pulls back to −2 Zᵀ G D Zᵀ: two products in the
    precision of A. It is −V̂ entry by entry, with the authors' V̂ = (I + A)^{-T} G (D + Wᵀ); for A = X − Xᵀ the
    total derivative of a coordinate is then V̂ᵀ − V̂.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, signs: Tensor) -> Tensor:
        shifted = a.to(torch.float64, copy=True)
        shifted.diagonal(dim1=1, dim2=2).add_(1)
        # I + A is never singular; the unchecked form lets a run that is not finite pass, which then is made NaN.
        z = torch.linalg.inv_ex(shifted).inverse
        finite = a.abs().flatten(1).amax(1).isfinite()
        twice_signs = where_run(finite, 2 * signs, float("nan")).unsqueeze(1)
        ctx.save_for_backward(z.to(a.dtype), twice_signs)
        w = z * twice_signs
        w.diagonal(dim1=1, dim2=2).sub_(signs)
        return w.to(a.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        z, twice_signs = ctx.saved_tensors
        return torch.bmm(z.mT, torch.bmm(g * -twice_signs, z.mT)), None


def scaled_cayley(a: Tensor, signs: Tensor) -> Tensor:
    """(I + A)^{-1}(I − A) D for skew A (S, N, N) and the diagonal `signs` (S, N) of D."""
    return _ScaledCayley.apply(a, signs)


class ScaledCayley(Matrix):
    """W = (I + A)^{-1}(I − A) D; the parameter `skew` (S, N(N−1)/2) is the strict upper triangle of A.

    D has `negative` entries −1, the last ones. `order` says which product the formula is for: `code` (h @ W,
    the authors' program, D acts last) or `paper` (W h, so that h is multiplied by the transpose and D acts
    first). `init` is a row of `tables.SKEW_INITIALISERS`. Raises Fault.
    """

    groups: ClassVar[Mapping[str, str]] = {"skew": "orthogonal"}

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "cayley",
        negative: int = 0,
        order: str = "code",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        if order not in ORDERS:
            raise Fault(f"order is one of {', '.join(ORDERS)}, not {order!r}")
        if not 0 <= negative <= hidden_size:
            raise Fault(f"negative counts entries −1 among {hidden_size}, so it cannot be {negative}")
        self.order = order
        self.skew = nn.Parameter(initial(init, generators, hidden_size, dtype))
        signs = torch.ones(len(generators), hidden_size, dtype=dtype)
        signs[:, hidden_size - negative :] = -1
        self.register_buffer("signs", signs)

    def build(self) -> Tensor:
        w = scaled_cayley(skew(self.skew, self.hidden_size), self.signs)
        return w if self.order == "code" else w.mT.contiguous()

    def residual(self) -> Tensor:
        return distance_from_orthogonal(self.build().detach())
