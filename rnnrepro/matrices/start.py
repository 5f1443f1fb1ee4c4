"""First values of a recurrent matrix that is itself a parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.initialisers import fill, rotation
from rnnrepro.matrices.skew import draw
from rnnrepro.tables import GATE_INITIALISERS, INITIALISERS, MATRIX_INITIALISERS

_ROTATIONS = "rotations_"


def matrix_start(
    init: str,
    generators: Sequence[Generator],
    shape: tuple[int, int],
    fan_in: int | None = None,
    fan_out: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw (S, *shape) by a row of `tables.INITIALISERS` or, for square shapes, `tables.MATRIX_INITIALISERS`.

    Raises Fault for an unknown name or a shape that it cannot fill.
    """
    if init not in MATRIX_INITIALISERS:
        if init.split("(")[0] not in INITIALISERS:
            known = [*INITIALISERS, *MATRIX_INITIALISERS, *GATE_INITIALISERS]
            raise Fault(f"unknown initialiser {init!r}{nearest(init, known)}")
        return fill(init, generators, shape, fan_in, fan_out, dtype)
    size, columns = shape
    if size != columns:
        raise Fault(f"{init!r} starts square matrices only, not one of {size} × {columns}")
    return torch.stack([_square(init, g, size) for g in generators]).to(dtype)


def _square(init: str, generator: Generator, size: int) -> Tensor:
    if init == "scaled_rotations":
        return _scaled_rotations(generator, size)
    name = init.removeprefix(_ROTATIONS)
    # The exponential of the logarithm of a Haar rotation is that rotation, without two rounding steps.
    return rotation(generator, size) if name == "haar" else torch.matrix_exp(draw(name, generator, size))


def _scaled_rotations(generator: Generator, size: int) -> Tensor:
    """ENRNN's short-term start: blocks r [[cos u, −sin u], [sin u, cos u]], so eigenvalues r e^{±iu}.

    Raises Fault for an odd size, whose last row would belong to no block.
    """
    if size % 2:
        raise Fault(f"'scaled_rotations' needs an even size, not {size}")
    u = math.pi / 2 * torch.rand(size // 2, generator=generator, dtype=torch.float64)
    r = 2 * torch.rand(size // 2, generator=generator, dtype=torch.float64) - 1
    even = torch.arange(0, size, 2)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix[even, even] = matrix[even + 1, even + 1] = r * torch.cos(u)
    matrix[even, even + 1] = -r * torch.sin(u)
    matrix[even + 1, even] = r * torch.sin(u)
    return matrix
