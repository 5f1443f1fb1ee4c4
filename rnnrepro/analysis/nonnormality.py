"""How far a matrix is from normal, that is from having orthogonal eigenvectors."""

from __future__ import annotations

import numpy as np
from scipy.linalg import schur


def henrici(matrix: np.ndarray, *, relative: bool = False) -> float:
    """Henrici's departure from normality √(‖V‖²_F − Σ|λ_i|²), divided by ‖V‖_F if `relative`.

    Read off as the strictly upper part of the complex Schur form, since the difference of squares loses
    half of the digits for matrices that are nearly normal. 0 for normal, ‖V‖_F for nilpotent matrices.
    """
    triangular, _ = schur(np.asarray(matrix), output="complex")
    departure = float(np.linalg.norm(np.triu(triangular, 1)))
    size = float(np.linalg.norm(matrix))
    return departure / size if relative and size > 0 else departure


def commutator_norm(matrix: np.ndarray) -> float:
    """‖VᴴV − VVᴴ‖_F."""
    adjoint = np.conj(matrix.T)
    return float(np.linalg.norm(adjoint @ matrix - matrix @ adjoint))
