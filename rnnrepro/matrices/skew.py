"""Skew-symmetric matrices: their free coordinates, and the initialisers of the papers.

The coordinates are the strict upper triangle, row by row, as a vector of N(N−1)/2 numbers a run, so that an
elementwise optimiser acts once on each free parameter and a parameter count is the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import scipy.linalg
import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.initialisers import rotation


def upper_triangle(coordinates: Tensor, size: int) -> Tensor:
    """Strictly upper triangular (S, N, N) from coordinates (S, N(N−1)/2)."""
    rows, columns = torch.triu_indices(size, size, 1, device=coordinates.device)
    flat = coordinates.new_zeros(coordinates.shape[0], size * size)
    return flat.index_copy(1, rows * size + columns, coordinates).view(-1, size, size)


def skew(coordinates: Tensor, size: int) -> Tensor:
    """A = X − Xᵀ (S, N, N) for X strictly upper triangular with these coordinates (S, N(N−1)/2)."""
    upper = upper_triangle(coordinates, size)
    return upper - upper.mT


def coordinates_of(matrices: Tensor) -> Tensor:
    """The strict upper triangle (S, N(N−1)/2) of (S, N, N)."""
    size = matrices.shape[-1]
    rows, columns = torch.triu_indices(size, size, 1, device=matrices.device)
    return matrices[:, rows, columns]


def initial(name: str, generators: Sequence[Generator], size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Skew coordinates (S, N(N−1)/2) by a row of `tables.SKEW_INITIALISERS`. Raises Fault."""
    return coordinates_of(_draw(name, generators, size)).to(dtype)


def rotations(name: str, generators: Sequence[Generator], size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """The exponentials (S, N, N) of skew matrices drawn by a row of `tables.SKEW_INITIALISERS`.

    `haar` gives the Haar-distributed rotation itself. Raises Fault.
    """
    if name == "haar":
        return torch.stack([rotation(g, size) for g in generators]).to(dtype)
    return torch.stack([torch.matrix_exp(a) for a in _draw(name, generators, size)]).to(dtype)


def block_diagonal(entries: Tensor, size: int) -> Tensor:
    """Skew (N, N) with 2×2 blocks [[0, s], [−s, 0]] on the pairs (0,1), (2,3), …; an odd last row is 0."""
    matrix = entries.new_zeros(size, size)
    even = torch.arange(0, size - 1, 2)
    matrix[even, even + 1] = entries
    matrix[even + 1, even] = -entries
    return matrix


def _draw(name: str, generators: Sequence[Generator], size: int) -> Tensor:
    if name not in _DRAWS:
        raise Fault(f"unknown skew initialiser {name!r}{nearest(name, _DRAWS)}")
    return torch.stack([_DRAWS[name](g, size) for g in generators])


def _uniform_blocks(low: float, high: float, entry: Callable[[Tensor], Tensor]) -> Callable[[Generator, int], Tensor]:
    def draw(generator: Generator, size: int) -> Tensor:
        unit = torch.rand(size // 2, generator=generator, dtype=torch.float64)
        return block_diagonal(entry(low + (high - low) * unit), size)

    return draw


def _haar(generator: Generator, size: int) -> Tensor:
    logarithm = torch.from_numpy(scipy.linalg.logm(rotation(generator, size).numpy()).real.copy())
    return (logarithm - logarithm.mT) / 2


_DRAWS: dict[str, Callable[[Generator, int], Tensor]] = {
    "henaff": _uniform_blocks(-math.pi, 0.0, lambda s: s),
    "henaff_symmetric": _uniform_blocks(-math.pi, math.pi, lambda s: s),
    "cayley": _uniform_blocks(0.0, math.pi / 2, lambda u: -torch.tan(u / 2)),
    "haar": _haar,
}
