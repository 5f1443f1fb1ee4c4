"""Named initialisers: every run draws from its own generator, in float64, and is then cast.

Shapes are in row convention: the rows of a matrix are its inputs, the columns its outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault
from rnnrepro.tables import parse_initialiser as parse

Draw = Callable[[Generator, Sequence[int], int, int, float | None], Tensor]


def fill(
    spec: str,
    generators: Sequence[Generator],
    shape: Sequence[int],
    fan_in: int | None = None,
    fan_out: int | None = None,
    dtype: torch.dtype = torch.float32,
    gates: int = 1,
) -> Tensor:
    """Draw a tensor (S, *shape), run i from `generators[i]`.

    `spec` is a row of `tables.INITIALISERS`, its number in brackets where it takes one: `uniform(0.01)`.
    The fans default to `shape[0]` and `shape[-1]`. `gates`: the columns are those of so many gates, which only
    `identity` tells apart. Raises Fault for an unknown spec or an unfit shape.
    """
    name, argument = parse(spec)
    fan_in, fan_out = fan_in or shape[0], fan_out or shape[-1]
    if name in _FIXED:
        fixed = _FIXED[name](shape, argument, gates)
        return fixed.expand(len(generators), *shape).to(dtype).contiguous()
    draws = [_DRAWS[name](g, shape, fan_in, fan_out, argument) for g in generators]
    return torch.stack(draws).to(dtype)


def resolve_fan(fan: int | str | None, *, input_size: int, hidden_size: int, width: int) -> int | None:
    """A fan given as a number or as a word of `tables.FANS`; None stays None (the shape's own).

    `input_size` is D, `hidden_size` N and `width` M, the columns of the matrix. Raises Fault.
    """
    if fan is None or (isinstance(fan, int) and not isinstance(fan, bool) and fan > 0):
        return fan
    sizes = {"input": input_size, "hidden": hidden_size, "joint": input_size + hidden_size, "gates": width}
    if fan not in sizes:
        raise Fault(f"a fan is a positive whole number or one of {', '.join(sizes)}, not {fan!r}")
    return sizes[fan]


def orthogonal(generator: Generator, size: int) -> Tensor:
    """A Haar-distributed matrix of O(size), float64: QR of a Gaussian matrix with its signs fixed.

    Mezzadri, How to generate random matrices from the classical compact groups, 2007.
    """
    return _orthonormal(generator, (size, size))


def rotation(generator: Generator, size: int) -> Tensor:
    """A Haar-distributed rotation of SO(size), float64.

    A draw with determinant −1 has its first column flipped, which carries the Haar measure of that half onto SO(n).
    """
    q = orthogonal(generator, size)
    if torch.linalg.det(q) < 0:
        q[:, 0] *= -1
    return q


def _gaussian(generator: Generator, shape: Sequence[int]) -> Tensor:
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def _uniform(generator: Generator, shape: Sequence[int], bound: float) -> Tensor:
    return bound * (2 * torch.rand(tuple(shape), generator=generator, dtype=torch.float64) - 1)


def _constant(shape: Sequence[int], value: float) -> Tensor:
    return torch.full(tuple(shape), value, dtype=torch.float64)


def _haar(generator: Generator, shape: Sequence[int]) -> Tensor:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise Fault(f"initialiser 'haar' fills square matrices only, not one of shape {tuple(shape)}")
    return rotation(generator, shape[0])


def _orthonormal(generator: Generator, shape: Sequence[int]) -> Tensor:
    """Rows or columns, whichever are fewer, orthonormal and Haar-distributed: the QR factor of the tall Gaussian."""
    if len(shape) != 2:
        raise Fault(f"initialiser 'orthonormal' fills matrices only, not a shape {tuple(shape)}")
    q, r = torch.linalg.qr(_gaussian(generator, (max(shape), min(shape))))
    q = q * torch.where(r.diagonal() < 0, -1.0, 1.0)
    return q if shape[0] >= shape[1] else q.mT.contiguous()


def _identity(shape: Sequence[int], value: float, gates: int) -> Tensor:
    if len(shape) != 2 or shape[1] % gates:
        raise Fault(
            f"initialiser 'identity' fills matrices of {gates} gates only, not a shape {tuple(shape)}"
        )
    return value * torch.eye(shape[0], shape[1] // gates, dtype=torch.float64).repeat(1, gates)


def _fan_in_uniform(generator: Generator, shape: Sequence[int], fan_in: int) -> Tensor:
    return _uniform(generator, shape, fan_in**-0.5)


_DRAWS: dict[str, Draw] = {
    "zeros": lambda g, shape, i, o, a: _constant(shape, 0.0),
    "ones": lambda g, shape, i, o, a: _constant(shape, 1.0),
    "constant": lambda g, shape, i, o, a: _constant(shape, a),
    "uniform": lambda g, shape, i, o, a: _uniform(g, shape, a),
    "normal": lambda g, shape, i, o, a: a * _gaussian(g, shape),
    "fan_in_normal": lambda g, shape, i, o, a: a / math.sqrt(i) * _gaussian(g, shape),
    "glorot_normal": lambda g, shape, i, o, a: math.sqrt(2 / (i + o)) * _gaussian(g, shape),
    "glorot_uniform": lambda g, shape, i, o, a: _uniform(g, shape, math.sqrt(6 / (i + o))),
    "kaiming_normal": lambda g, shape, i, o, a: math.sqrt(2 / i) * _gaussian(g, shape),
    "fan_in_uniform": lambda g, shape, i, o, a: _fan_in_uniform(g, shape, i),
    "fan_in_uniform_twice": lambda g, shape, i, o, a: sum(_fan_in_uniform(g, shape, i) for _ in range(2)),
    "glorot_vector": lambda g, shape, i, o, a: _uniform(g, shape, math.sqrt(3 / shape[-1])),
    "haar": lambda g, shape, i, o, a: _haar(g, shape),
    "orthonormal": lambda g, shape, i, o, a: _orthonormal(g, shape),
}

# What is not drawn: the same for every run.
_FIXED: dict[str, Callable[[Sequence[int], float, int], Tensor]] = {"identity": _identity}
