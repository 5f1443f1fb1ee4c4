"""What is read off the recurrent matrices of a stack of networks (torch): rows of `rnnrepro.tables.ANALYSES`.

Each takes (network, task) and returns {metric: (S, n) float64 array}, empty where the network has no such
thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.analysis import nonnormality as normality
from rnnrepro.analysis import schur
from rnnrepro.analysis import spectrum as eigen

Arrays = dict[str, np.ndarray]

STORED = 128
"""Rows and columns of Θ that are stored: a heat map shows no more."""

BLOCKS = {"recurrent": "", "long": "long_", "short": "short_"}
"""Arrays of a matrix that are analysed as matrices of their own, and the prefix of their metrics."""


def schur_form(network: Any, task: Any) -> Arrays:
    """Θ = Λ + T as nnRNN learned it: entries, rotations, profile of the sub-diagonals, weight of T.

    Θ is stored row by row, its leading 128 × 128 part if it is larger.
    """
    theta = network.arrays().get("theta")
    return {} if theta is None else _each_run(theta, _schur_of_run)


def _schur_of_run(theta: np.ndarray) -> Arrays:
    rotations = schur.blocks(theta)
    mean, absolute = schur.delay_profile(theta)
    return {
        "theta": theta[:STORED, :STORED].ravel(),
        "theta_angle": schur.wrapped_angles(np.angle(rotations)),
        "theta_radius": np.abs(rotations),
        "theta_profile": mean,
        "theta_profile_absolute": absolute,
        "theta_triangle_ratio": np.array([schur.triangle_ratio(theta)]),
    }


def spectrum(network: Any, task: Any) -> Arrays:
    """Eigenvalues of W and, where it has them, of its long-term and short-term blocks."""
    return _each_block(network, _spectrum_of_run)


def _spectrum_of_run(matrix: np.ndarray) -> Arrays:
    values = eigen.eigenvalues(matrix)
    return {"eigenvalue_real": values.real, "eigenvalue_imaginary": values.imag}


def spectral_radius(network: Any, task: Any) -> Arrays:
    """ρ(T) of the short-term matrix T before it is normalised, and whether normalisation has begun (1 or 0)."""
    arrays = network.arrays()
    found = {"spectral_radius": arrays.get("rho"), "latch": arrays.get("latch")}
    return {name: _column(values) for name, values in found.items() if values is not None}


def _column(values: Tensor) -> np.ndarray:
    return values.cpu().double().numpy()[:, None]


def nonnormality(network: Any, task: Any) -> Arrays:
    """Henrici's departure from normality, absolute and relative, and the commutator, of W and its blocks."""
    return _each_block(network, _nonnormality_of_run)


def _nonnormality_of_run(matrix: np.ndarray) -> Arrays:
    return {
        "henrici": np.array([normality.henrici(matrix)]),
        "henrici_relative": np.array([normality.henrici(matrix, relative=True)]),
        "commutator": np.array([normality.commutator_norm(matrix)]),
    }


def blocks(network: Any) -> Iterator[tuple[str, Tensor]]:
    """(prefix, (S, n, n)) of W and of its diagonal blocks; a W that is not square has no spectrum."""
    for name, array in network.arrays().items():
        if name in BLOCKS and array.shape[-2] == array.shape[-1]:
            yield BLOCKS[name], array


def _each_block(network: Any, measure: Callable[[np.ndarray], Arrays]) -> Arrays:
    found = {}
    for prefix, array in blocks(network):
        found |= {prefix + name: values for name, values in _each_run(array, measure).items()}
    return found


def _each_run(array: Tensor, measure: Callable[[np.ndarray], Arrays]) -> Arrays:
    """Measure the runs one by one, in double precision, and stack what is found: {metric: (S, n)}."""
    wide = torch.complex128 if array.is_complex() else torch.float64
    runs = [measure(run) for run in array.detach().cpu().to(wide).numpy()]
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}
