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
from rnnrepro.reduce import finite_per_run, where_run

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
        a64 = a.double()
        identity = torch.eye(a.shape[-1], dtype=a64.dtype, device=a.device)
        # I + A is never singular; the unchecked form lets a run that is not finite pass, which then is made NaN.
        z = where_run(finite_per_run(a), torch.linalg.inv_ex(a64 + identity).inverse, float("nan"))
        ctx.save_for_backward(z.to(a.dtype), signs)
        return torch.sub(z, identity, alpha=0.5).mul_(2 * signs.unsqueeze(1)).to(a.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        z, signs = ctx.saved_tensors
        right = torch.bmm(g * signs.unsqueeze(1), z.mT)
        return torch.bmm(z.mT, right).mul_(-2), None


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
