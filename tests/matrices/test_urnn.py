"""The product of phases, reflections, a permutation and Fourier transforms, against the same done to rows in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnrepro.matrices.complex_block import parts
from rnnrepro.matrices.urnn import RestrictedUnitary


def restricted(size: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> RestrictedUnitary:
    generators = [torch.Generator().manual_seed(seed)]
    return RestrictedUnitary(size, input_size=2, generators=generators, dtype=dtype)


@pytest.mark.parametrize("size", [1, 2, 7, 12])
def test_a_row_goes_through_the_factors_as_in_the_authors_program(size: int) -> None:
    matrix = restricted(size)
    phases = np.exp(1j * matrix.phase[0].detach().numpy())
    v = matrix.reflection[0].detach().numpy()
    v = v[:, :size] + 1j * v[:, size:]

    def reflected(h: np.ndarray, v: np.ndarray) -> np.ndarray:
        return h - 2 / np.vdot(v, v).real * np.outer(h @ v, v.conj())

    h = np.eye(size, dtype=complex) * phases[0]
    h = reflected(np.fft.fft(h, norm="ortho"), v[0])
    h = h[:, matrix.permutation[0].numpy()] * phases[1]
    h = reflected(np.fft.ifft(h, norm="ortho"), v[1]) * phases[2]
    re, im = (part[0].detach().numpy() for part in parts(matrix.build()))
    np.testing.assert_allclose(re + 1j * im, h, atol=1e-13)


def test_the_start_is_that_of_the_authors() -> None:
    matrix = restricted(400)
    phases, reflections = matrix.phase.detach(), matrix.reflection.detach()
    assert phases.shape == (1, 3, 400) and 0.98 * math.pi < float(phases.abs().max()) <= math.pi
    bound = math.sqrt(6 / (2 + 800))
    assert 0.98 * bound < float(reflections.abs().max()) <= bound
    assert matrix.permutation[0].sort().values.tolist() == list(range(400))


def test_w_is_unitary_to_single_precision_rounding_at_the_largest_size_of_the_papers() -> None:
    assert float(restricted(950, torch.float32).residual()) < 1e-4
