"""Skew-symmetric matrices: their free coordinates, and the initialisers of the papers.

The coordinates are the strict upper triangle, row by row, as a vector of N(N−1)/2 numbers a run, so that an
elementwise optimiser acts once on each free parameter and a parameter count is the paper's. The gradient of a
coordinate is then the total derivative, that of the entry (i, j) minus that of (j, i).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import scipy.linalg
import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.initialisers import rotation


@lru_cache(maxsize=16)
def _upper(size: int, device: torch.device) -> Tensor:
    # Kept beyond this call, so it must serve a backward pass even when an evaluation asks for it first.
    with torch.inference_mode(False):
        rows, columns = torch.triu_indices(size, size, 1, device=device)
        return rows * size + columns


def upper_triangle(coordinates: Tensor, size: int) -> Tensor:
    """Strictly upper triangular (S, N, N) from coordinates (S, N(N−1)/2)."""
    flat = coordinates.new_zeros(coordinates.shape[0], size * size)
    return flat.index_copy(1, _upper(size, coordinates.device), coordinates).view(-1, size, size)


def skew(coordinates: Tensor, size: int) -> Tensor:
    """A = X − Xᵀ (S, N, N) for X strictly upper triangular with these coordinates (S, N(N−1)/2)."""
    upper = upper_triangle(coordinates, size)
    return upper - upper.mT


def coordinates_of(matrices: Tensor) -> Tensor:
    """The strict upper triangle (S, N(N−1)/2) of (S, N, N)."""
    return matrices.flatten(1)[:, _upper(matrices.shape[-1], matrices.device)]


def initial(
    name: str, generators: Sequence[Generator], size: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Skew coordinates (S, N(N−1)/2) by a row of `tables.SKEW_INITIALISERS`. Raises Fault."""
    return coordinates_of(torch.stack([draw(name, g, size) for g in generators])).to(dtype)


def draw(name: str, generator: Generator, size: int) -> Tensor:
    """One skew matrix (N, N), float64, by a row of `tables.SKEW_INITIALISERS`. Raises Fault."""
    if name not in _DRAWS:
        raise Fault(f"unknown skew initialiser {name!r}{nearest(name, _DRAWS)}")
    return _DRAWS[name](generator, size)


def block_diagonal(entries: Tensor, size: int) -> Tensor:
    """Skew (N, N) with 2×2 blocks [[0, s], [−s, 0]] on the pairs (0,1), (2,3), …; an odd last row is 0."""
    matrix = entries.new_zeros(size, size)
    even = torch.arange(0, size - 1, 2)
    matrix[even, even + 1] = entries
    matrix[even + 1, even] = -entries
    return matrix


def _blocks(low: float, high: float, entry: Callable[[Tensor], Tensor]) -> Callable[[Generator, int], Tensor]:
    def blocks(generator: Generator, size: int) -> Tensor:
        unit = torch.rand(size // 2, generator=generator, dtype=torch.float64)
        return block_diagonal(entry(low + (high - low) * unit), size)

    return blocks


def _haar(generator: Generator, size: int) -> Tensor:
    logarithm = torch.from_numpy(scipy.linalg.logm(rotation(generator, size).numpy()).real.copy())
    return (logarithm - logarithm.mT) / 2


_DRAWS: dict[str, Callable[[Generator, int], Tensor]] = {
    "henaff": _blocks(-math.pi, 0.0, lambda s: s),
    "henaff_symmetric": _blocks(-math.pi, math.pi, lambda s: s),
    "cayley": _blocks(0.0, math.pi / 2, lambda u: -torch.tan(u / 2)),
    "cayley_positive": _blocks(0.0, math.pi / 2, lambda u: torch.tan(u / 2)),
    "haar": _haar,
}
