"""What drives with a filter have in common: two biases, one that the filter sees and one behind it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.affine import Affine
from rnnrepro.drives.filters import Filter
from rnnrepro.drives.projection import Embedded, Factored, Z, factored, one_hot, project
from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill, resolve_fan

_GATES, _FORGET = 4, 1  # of an LSTM: i, f, g, o


class TwoBiases(Affine):
    """g_t = x_t U + b_x with `weight` U (S, D, M) and `bias` b_x (S, M), and `outside` b_h (S, M), added to what a
    filter makes of g. Of a second bias PyTorch's cells have the same two, one with each product.

    `init`, `bias` and `outside` are initialisers, the last two None for no such bias; fans as in `Affine`. `forget` is
    added to the start of each bias in the forget gate's block, the second of the four of an LSTM. Raises Fault as
    `Affine`, and for a `forget` without four gates or without a bias.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        init: str,
        fan_in: int | str | None,
        fan_out: int | str | None,
        bias: str | None,
        outside: str | None,
        forget: float,
        dtype: torch.dtype,
    ) -> None:
        affine = {"init": init, "fan_in": fan_in, "fan_out": fan_out, "bias": bias, "dtype": dtype}
        super().__init__(input_size, hidden_size, width, generators=generators, **affine)
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "width": width}
        fans = (resolve_fan(fan_in, **sizes) or input_size, resolve_fan(fan_out, **sizes) or width)
        self.outside = None
        if outside is not None:
            self.outside = nn.Parameter(fill(outside, generators, (width,), *fans, dtype=dtype))
        if forget:
            self._open_forget_gates(forget)

    @torch.no_grad()
    def _open_forget_gates(self, forget: float) -> None:
        biases = [bias for bias in (self.bias, self.outside) if bias is not None]
        if not biases or self.width != _GATES * self.hidden_size:
            raise Fault(
                f"forget = {forget:g} starts the biases of the second of four gates, and here are {len(biases)} "
                f"biases of {self.width // self.hidden_size} gates; leave it out, or name `bias` and `outside`"
            )
        for bias in biases:
            bias.unflatten(1, (_GATES, -1))[:, _FORGET] += forget

    def numbers(self, name: str, values: Sequence[float]) -> None:
        """Keep one number a run as the buffer `name` (S,)."""
        self.register_buffer(name, torch.tensor(values, dtype=self.weight.dtype))

    def filtered(
        self, x: Tensor | Embedded, through: Filter, start: Tensor | None
    ) -> tuple[Tensor | Factored, Tensor]:
        """v (S, T, B, M), maybe in factors, and its last step (S, B, M), for v_t of g; `start` is v before the first.

        A filter of numbers a sequence acts on x U + b as on x and 1: where these are fewer than the columns of U they
        are filtered, and b becomes the last row of U.
        """
        g = factored(x, self.weight, self.bias)
        if g.weight.shape[1] + (g.bias is not None) >= self.width:
            v = through(g.dense(), start)
            return v, v[:, -1]
        v = _before_the_product(g, through)
        last = project(v.x[:, -1:], v.weight)[:, 0]
        if start is None:
            return v, last
        kept = through.reach[:, :, None, None] * start[:, None]
        return v.dense() + kept, last + kept[:, -1]

    def behind(self, z: Tensor | Factored) -> Z:
        """z with the outer bias."""
        if self.outside is None:
            return z
        if isinstance(z, Factored):
            return Factored(z.x, z.weight, self.outside)
        return z + self.outside[:, None, None]


def _before_the_product(g: Factored, through: Filter) -> Factored:
    """The filter of g in factors, without a bias of its own: x, or x beside 1, is filtered."""
    x = one_hot(g.x, g.weight.shape[1], g.weight.dtype) if g.x.dtype == torch.int64 else g.x
    x = x.to(g.weight.dtype)
    if g.bias is None:
        return Factored(through(x), g.weight)
    x = torch.cat((x, x.new_ones(*x.shape[:3], 1)), 3)
    return Factored(through(x), torch.cat((g.weight, g.bias[:, None]), 1))
