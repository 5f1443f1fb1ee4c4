"""Transient amplification of a linear network h_t = Θ^t h_0 (nnRNN, Fig. 1b)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Transients:
    """Curves over time, each (steps,): spread of a unit over the starts, and norm of the state."""

    unit_mean: np.ndarray
    """σ of each unit over the starts, mean over units."""
    unit_sd: np.ndarray
    """The same, standard deviation over units."""
    norm_mean: np.ndarray
    """‖h_t‖, mean over starts."""
    norm_sd: np.ndarray
    """‖h_t‖, standard deviation over starts."""


def unit_sphere(size: int, starts: int, seed: int) -> np.ndarray:
    """Columns (size, starts) uniform on the unit sphere: normalised Gaussian vectors."""
    drawn = np.random.RandomState(seed).randn(size, starts)
    return drawn / np.linalg.norm(drawn, axis=0)


def transients(theta: np.ndarray, *, steps: int = 150, starts: int = 1000, seed: int = 4) -> Transients:
    """How random unit states grow and decay under Θ (N, N), for t = 0 … steps−1."""
    state = unit_sphere(len(theta), starts, seed)
    rows = []
    for _ in range(steps):
        spread, norm = state.std(axis=1), np.linalg.norm(state, axis=0)
        rows.append((spread.mean(), spread.std(), norm.mean(), norm.std()))
        state = theta @ state
    return Transients(*np.array(rows).T)
