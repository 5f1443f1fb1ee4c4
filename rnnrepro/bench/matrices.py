"""The recurrent matrices against what users have at hand: forward and backward, or one decomposition."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from rnnrepro.matrices.cayley import scaled_cayley
from rnnrepro.matrices.eigen import eigen_normalise
from rnnrepro.matrices.skew_expm import skew_expm

EXPONENTIALS = (128, 512, 1024)
CAYLEYS = (128, 512)
NORMALISED, RUNS = 64, 5


@dataclass(frozen=True)
class MatrixCase:
    """One comparison at size N: a call of ours and one of the peer, each doing the whole work once.

    Both return the same numbers: the gradient of A, or the normalised matrices.
    """

    name: str
    n: int
    ours: Callable[[], Tensor]
    peer_name: str
    peer: Callable[[], Tensor]


def cases() -> list[MatrixCase]:
    """The cases, with their data drawn: exponentials and Cayley transforms of one run, radii of several."""
    return [*map(exponential, EXPONENTIALS), *map(cayley, CAYLEYS), normalisation(NORMALISED, RUNS)]


def gaussian_skew(n: int) -> tuple[Tensor, Tensor]:
    """A dense skew matrix A (1, N, N) with ‖A‖₂ of about π, as training makes them, and a gradient of its size."""
    generator = torch.Generator().manual_seed(n)
    x, g = (torch.randn(1, n, n, generator=generator) for _ in range(2))
    return (x - x.mT) * (math.pi / math.sqrt(8 * n)), g


def _both_ways(function: Callable[[Tensor], Tensor], a: Tensor, g: Tensor) -> Callable[[], Tensor]:
    def call() -> Tensor:
        leaf = a.detach().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, g)[0]

    return call


def exponential(n: int) -> MatrixCase:
    """expm of a skew matrix, forward and backward; the gradients agree in their skew parts."""
    a, g = gaussian_skew(n)
    ours, peer = _both_ways(skew_expm, a, g), _both_ways(torch.matrix_exp, a, g)
    return MatrixCase("exponential", n, ours, "torch.matrix_exp", peer)


def cayley(n: int) -> MatrixCase:
    """The Cayley transform, forward and backward; the peer in float64, as the authors have it."""
    a, g = gaussian_skew(n)
    signs, identity = torch.ones(1, n), torch.eye(n, dtype=torch.float64)

    def solve(a: Tensor) -> Tensor:
        return torch.linalg.solve(identity + a, identity - a)

    ours = _both_ways(lambda a: scaled_cayley(a, signs), a, g)
    return MatrixCase("cayley", n, ours, "torch.linalg.solve", _both_ways(solve, a.double(), g.double()))


def normalisation(n: int, runs: int) -> MatrixCase:
    """Division by the spectral radius and the radius' gradient, which both find on the way."""
    t = torch.randn(runs, n, n, generator=torch.Generator().manual_seed(n))
    everyone = torch.ones(runs, dtype=torch.bool)

    def ours() -> Tensor:
        return eigen_normalise(t, everyone)[0]

    def peer() -> Tensor:
        return torch.stack([_by_eigenvectors(matrix) for matrix in t])

    return MatrixCase("normalisation", n, ours, f"scipy.linalg.eig of {runs} runs", peer)


def _by_eigenvectors(matrix: Tensor) -> Tensor:
    values, left, right = scipy.linalg.eig(matrix.double().numpy(), left=True, right=True)
    k = int(np.argmax(np.abs(values)))
    slope = np.outer(left[:, k].conj(), right[:, k]) / np.vdot(left[:, k], right[:, k])
    radius = abs(values[k])
    # What a backward pass would keep, so that the peer does the same work.
    _ = (values[k].real * slope.real + values[k].imag * slope.imag) / radius
    return matrix / radius
