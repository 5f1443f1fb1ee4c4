"""Eigenvalues of recurrent matrices: moduli, angles, spread about the unit circle."""

from __future__ import annotations

import numpy as np


def eigenvalues(matrix: np.ndarray) -> np.ndarray:
    """Eigenvalues (N,) of a real or complex matrix, from the largest modulus down; of a pair the upper one first."""
    values = np.linalg.eigvals(matrix.astype(np.result_type(matrix, np.float64))).astype(complex)
    return values[np.lexsort((-values.imag, values.real, -np.abs(values).round(12)))]


def moduli(values: np.ndarray) -> np.ndarray:
    """|λ|."""
    return np.abs(values)


def angles(values: np.ndarray) -> np.ndarray:
    """The angle of each eigenvalue to the positive real axis, in [0, π]."""
    return np.abs(np.angle(values))


def radius(values: np.ndarray) -> float:
    """Spectral radius, the largest |λ|."""
    return float(np.abs(values).max())


def spread(values: np.ndarray) -> float:
    """Root mean square distance of |λ| from 1: 0 for orthogonal matrices."""
    return float(np.sqrt(np.mean((np.abs(values) - 1) ** 2)))
