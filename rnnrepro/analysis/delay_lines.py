"""The lower triangular matrices of the linear theory of nnRNN (Kerg et al. 2019, Fig. 1)."""

from __future__ import annotations

import numpy as np


def delay_line(
    size: int = 100, *, diagonal: float = 0.0, chain: float = 1.0, below: float = 0.0
) -> np.ndarray:
    """Θ (size, size): `diagonal` d, `chain` α on the first sub-diagonal, `below` β on all lower ones.

    Θ_ij = d δ_ij + α δ_{i,j+1} + β Σ_{k≥2} δ_{i,j+k}: unit j feeds unit j+1.
    """
    ones = np.ones((size, size))
    return diagonal * np.eye(size) + chain * np.diag(np.ones(size - 1), -1) + below * np.tril(ones, -2)
