"""What nnRNN learned, read from its own Schur form Θ = Λ + T (Kerg et al. 2019, Figs. 3 and 5).

Λ holds 2×2 blocks γ[[cos θ, −sin θ], [sin θ, cos θ]], T is strictly lower triangular and includes the entries
(2i+1, 2i) inside the blocks. Θ comes from the model's parameters: a Schur decomposition of a trained
non-normal matrix is ill-conditioned (SUP C) and orders the eigenvalues arbitrarily.
"""

from __future__ import annotations

import numpy as np


def blocks(theta: np.ndarray) -> np.ndarray:
    """γ e^{iθ} of the N/2 rotations in Θ (N, N), complex.

    γ cos θ stands on the diagonal and −γ sin θ above it, where T has no entry.
    """
    even = np.arange(0, len(theta) - 1, 2)
    return theta[even, even] - 1j * theta[even, even + 1]


def split(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Λ and T with Λ + T = Θ, each (N, N)."""
    even = np.arange(0, len(theta) - 1, 2)
    values = blocks(theta)
    rotations = np.zeros_like(theta)
    rotations[even, even] = rotations[even + 1, even + 1] = values.real
    rotations[even, even + 1], rotations[even + 1, even] = -values.imag, values.imag
    return rotations, np.tril(theta - rotations, -1)


def wrapped_angles(angle: np.ndarray) -> np.ndarray:
    """|θ| wrapped to [0, π] by atan2 of sine and cosine: V and its conjugate pairs do not know the sign."""
    return np.abs(np.arctan2(np.sin(angle), np.cos(angle)))


def angle_histogram(angle: np.ndarray, bins: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Counts (bins,) of the wrapped angles and the edges (bins + 1,) on [0, π]."""
    return np.histogram(wrapped_angles(angle), bins=bins, range=(0, np.pi))


def delay_profile(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and mean absolute entry of Θ on its sub-diagonals k = 1 … N−1, each (N−1,).

    A delay line shows as a profile concentrated on the first sub-diagonals.
    """
    diagonals = [np.diagonal(theta, -k) for k in range(1, len(theta))]
    return np.array([d.mean() for d in diagonals]), np.array([np.abs(d).mean() for d in diagonals])


def triangle_ratio(theta: np.ndarray) -> float:
    """‖T‖_F / ‖Λ‖_F: how much of Θ is feed-forward."""
    rotations, triangle = split(theta)
    return float(np.linalg.norm(triangle) / np.linalg.norm(rotations))
