"""Products of layers of 2×2 rotations, undone in the backward pass (EUNN).

Jing, Shen, Dubček, Peurifoy, Skirlo, LeCun, Tegmark and Soljačić, ICML 2017 (arXiv:1612.05231), tunable form: layers
0, 2, … rotate the units (0,1), (2,3), …, layers 1, 3, … the units (1,2), (3,4), ….
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.autograd.function import once_differentiable

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix, distance_from_orthogonal
from rnnrepro.matrices.complex_block import block, distance_from_unitary, phase

CACHED = 2**18
"""On a CPU so many numbers of a run are taken through all layers at a time: as many as its cache holds."""


def layers_of(size: int, layers: int) -> Iterator[tuple[int, int, int]]:
    """(first unit, first angle, number of pairs) of each layer."""
    angle = 0
    for layer in range(layers):
        first = layer % 2
        pairs = (size - first) // 2
        yield first, angle, pairs
        angle += pairs


def angles_in(size: int, layers: int) -> int:
    """How many rotations there are; N(N−1)/2 for as many layers as units, which reach all of SO(N)."""
    return sum(pairs for _, _, pairs in layers_of(size, layers))


class _Turns:
    """cos and sin of the angles θ (S, P) and, where a rotation has one, of the phases φ (S, P)."""

    def __init__(self, angle: Tensor, phases: Tensor | None, size: int, layers: int) -> None:
        self.size, self.layers = size, list(layers_of(size, layers))
        self.rotation = [part.unsqueeze(2) for part in phase(angle)]
        self.phases = None if phases is None else [part[:, :, None, None] for part in phase(phases)]

    def pairs(self, x: Tensor, layer: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """The first and the second units (S, pairs, ·) of a layer, as views of x (S, N, ·)."""
        first, _, pairs = layer
        return x[:, first : first + 2 * pairs].unflatten(1, (pairs, 2)).unbind(2)

    def apply(self, x: Tensor) -> None:
        """Take x (S, N, ·) through all layers, in place; with phases it holds [Re, Im] along the last axis."""
        for layer in self.layers:
            a, b = self.pairs(x, layer)
            own = slice(layer[1], layer[1] + layer[2])
            c, s = (part[:, own] for part in self.rotation)
            _rotate(a, b, c, s)
            if self.phases is not None:
                _turn(a.unflatten(2, (2, -1)), *(part[:, own] for part in self.phases))

    def undo(self, x: Tensor, of_angle: Tensor, of_phase: Tensor | None) -> None:
        """The reverse for x = [W, ∂L/∂W] (S, N, ·), in place; adds to the gradients of θ and φ (S, P)."""
        for layer in reversed(self.layers):
            a, b = self.pairs(x, layer)
            own = slice(layer[1], layer[1] + layer[2])
            if self.phases is not None:
                planes = a.unflatten(2, (4, -1))
                re, im, g_re, g_im = planes.unbind(2)
                of_phase[:, own] += (g_im * re).addcmul_(g_re, im, value=-1).sum(2)
                c, s = (part[:, own] for part in self.phases)
                _turn(planes[:, :, :2], c, -s)
                _turn(planes[:, :, 2:], c, -s)
            w_a, g_a = a.chunk(2, 2)
            w_b, g_b = b.chunk(2, 2)
            of_angle[:, own] += (g_b * w_a).addcmul_(g_a, w_b, value=-1).sum(2)
            c, s = (part[:, own] for part in self.rotation)
            _rotate(a, b, c, -s)


def _rotate(a: Tensor, b: Tensor, c: Tensor, s: Tensor) -> None:
    """(a, b) ← (c a − s b, s a + c b), in place."""
    kept = a * s
    a.mul_(c).addcmul_(b, s, value=-1)
    b.mul_(c).add_(kept)


def _turn(x: Tensor, c: Tensor, s: Tensor) -> None:
    """x e^{iφ}, in place, for x [Re, Im] along its third axis (S, pairs, 2, ·)."""
    _rotate(x[:, :, 0], x[:, :, 1], c[:, :, 0], s[:, :, 0])


class _Product(torch.autograd.Function):
    """The product of all layers, from angles θ and phases φ (S, P), transposed: (S, N, planes · N).

    What is kept for the backward pass is the product itself. From the last layer to the first it is taken back to
    the identity, each layer by its inverse, with the gradient beside it: O(N²) numbers whatever the number of layers.
    """

    @staticmethod
    def forward(ctx: Any, angle: Tensor, phases: Tensor | None, size: int, layers: int) -> Tensor:
        turns = _Turns(angle, phases, size, layers)
        planes = 1 if phases is None else 2
        w = angle.new_zeros(len(angle), size, planes, size)
        w[:, :, 0].diagonal(dim1=1, dim2=2).fill_(1)
        for rows in _shares(size, planes, angle.device):
            taken = w[..., rows].flatten(2).contiguous()
            turns.apply(taken)
            w[..., rows] = taken.unflatten(2, (planes, -1))
        ctx.save_for_backward(angle, phases, w)
        ctx.layers = layers
        return w

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        angle, phases, w = ctx.saved_tensors
        size, planes = w.shape[1:3]
        turns = _Turns(angle, phases, size, ctx.layers)
        of_angle, of_phase = torch.zeros_like(angle), None if phases is None else torch.zeros_like(phases)
        for rows in _shares(size, 2 * planes, angle.device):
            turns.undo(torch.cat((w[..., rows], g[..., rows]), 2).flatten(2), of_angle, of_phase)
        return of_angle, of_phase, None, None


def _shares(size: int, planes: int, device: torch.device) -> list[slice]:
    """Parts of the rows of W, even in size, each as large as the cache holds; on a GPU all of them at once."""
    count = 1 if device.type != "cpu" else -(-size * size * planes // CACHED)
    ends = [size * i // count for i in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(ends)]


class Givens(Matrix):
    """W = G_1 G_2 … G_L on rows, G_ℓ rotations (a, b) ← (a cos θ − b sin θ, a sin θ + b cos θ) of layer ℓ.

    `layers` is L (None: N). The parameter `angle` (S, P) holds the angles in radians, layer after layer, started by
    `init`, a row of `tables.INITIALISERS`. Raises Fault for fewer than two units or one layer.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        layers: int | None = None,
        init: str = "uniform(3.141592653589793)",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        self.layers = hidden_size if layers is None else layers
        if hidden_size < 2 or self.layers < 1:
            raise Fault(
                f"rotations need two units and one layer at least, not {hidden_size} and {self.layers}"
            )
        count = angles_in(hidden_size, self.layers)
        self.angle = nn.Parameter(fill(init, generators, (count,), dtype=dtype))

    def build(self) -> Tensor:
        return _Product.apply(self.angle, None, self.hidden_size, self.layers).squeeze(2).mT

    def residual(self) -> Tensor:
        return distance_from_orthogonal(self.build().detach())


class ComplexGivens(Givens):
    """The complex form: W = G_1 … G_L diag(e^{iω}) on rows, (a, b) ← (e^{iφ}(a cos θ − b sin θ), a sin θ + b cos θ).

    Parameters: `angle` θ and `turn` φ (S, P), `phase` ω (S, N), all started by `init`: N² in all for L = N, which
    reach all of U(N).
    """

    planes = 2

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        layers: int | None = None,
        init: str = "uniform(3.141592653589793)",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, layers=layers, init=init, dtype=dtype, **common)
        self.turn = nn.Parameter(fill(init, generators, (self.angle.shape[1],), dtype=dtype))
        self.phase = nn.Parameter(fill(init, generators, (hidden_size,), dtype=dtype))

    def build(self) -> Tensor:
        product = _Product.apply(self.angle, self.turn, self.hidden_size, self.layers)
        re, im = (part.mT for part in product.unbind(2))
        c, s = (part.unsqueeze(1) for part in phase(self.phase))
        return block(re * c - im * s, re * s + im * c)

    def residual(self) -> Tensor:
        return distance_from_unitary(self.build().detach())
