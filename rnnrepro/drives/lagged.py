"""An affine drive whose weights learn from an earlier input than the one they pass on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from rnnrepro.drives.affine import Affine
from rnnrepro.drives.projection import Embedded, Z, factored, one_hot, project
from rnnrepro.errors import Fault
from rnnrepro.reduce import product


class _Late(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, lag: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.lag = lag
        return project(x, weight)

    @staticmethod
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        dx = project(dz, weight.mT) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return dx, None, None
        arriving = x[:, : max(0, x.shape[1] - ctx.lag)].flatten(1, 2)
        return dx, product(arriving.mT, dz[:, ctx.lag :].flatten(1, 2)), None


class Lagged(Affine):
    """z_t = x_t U + bias, where the gradient of U is Σ_t x_{t−lag}ᵀ ∂L/∂z_t, nothing having entered before the first t.

    A `lag` of 1 is what Murray 2019 prints for its rule (x(t − 1) in the trace q, Eq. 6, though u(t) contains x(t)); 0
    is the derivative, and the drive then `Affine` itself. The gradients of x and of the bias are the derivatives. The
    other arguments are those of `Affine`. Raises Fault for a lag that is no whole number from 0 on.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        lag: int = 1,
        init: str = "glorot_normal",
        fan_in: int | str | None = None,
        fan_out: int | str | None = None,
        bias: str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            width,
            generators=generators,
            init=init,
            fan_in=fan_in,
            fan_out=fan_out,
            bias=bias,
            dtype=dtype,
        )
        if not isinstance(lag, int) or isinstance(lag, bool) or lag < 0:
            raise Fault(f"lag is a number of steps, a whole one from 0 on, not {lag!r}")
        self.lag = lag

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        if self.lag == 0:
            return factored(x, self.weight, self.bias), state
        if isinstance(x, Embedded):
            x = x.dense()
        elif x.dtype == torch.int64:
            x = one_hot(x, self.input_size, self.weight.dtype)
        z = _Late.apply(x, self.weight, self.lag)
        return z if self.bias is None else z + self.bias[:, None, None], state
