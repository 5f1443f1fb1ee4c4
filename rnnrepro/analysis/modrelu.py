"""The derivative of modReLU, from its formulas and along real sequences (Maduranga, Helfrich and Ye 2019).

f(z) = z (r + b) / r where r + b > 0 and 0 elsewhere, r = √(|z|² + ε). With ε = 0 this is the exact modReLU, whose
derivative grows as b / 2|z| for b > 0; with ε > 0 it stays below 1 + b / √ε.
"""

from __future__ import annotations

import numpy as np


def derivatives(modulus: np.ndarray, bias: float, epsilon: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """|∂f/∂z| and |∂f/∂z̄| at `modulus` |z|, each of its shape; infinite at |z| = 0 where ε = 0 and b > 0.

    ∂f/∂z = 1 + b/r − b|z|²/2r³ and ∂f/∂z̄ = −b z²/2r³ where r + b > 0, else 0.
    """
    square = np.asarray(modulus, dtype=float) ** 2
    r = np.sqrt(square + epsilon)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(r > 0, square / r**2, 1.0) / 2  # |z|² / 2r², 1/2 in the limit where ε = 0
        ratio = np.divide(bias, r) if bias else np.zeros_like(r)
        along, across = np.abs(1 + ratio * (1 - share)), np.abs(ratio * share)
    active = (r + bias > 0) | (bias == 0)  # at b = 0 it is the identity, in z = 0 too
    return np.where(active, along, 0.0), np.where(active, across, 0.0)
