"""How far a step of gradient descent on a lower-level objective lets a gradient fade or grow (SBO-RNN).

The update h_t = h − η ∇F(h) of Zhang et al. (NeurIPS 2021) has the Jacobian J_t = ∂h_t/∂h_{t−1} = I − η M Mᵀ with
M = α I − W diag(s_t), s_t = 1 where h_{t−1} W + z_t > 0 and 0 elsewhere. It is symmetric, and its eigenvalues are
1 − η λ for the eigenvalues λ of M Mᵀ, which lie in [0, L], L = ‖M‖². So with η L ≤ 1 no singular value leaves
[1 − η L, 1]: a gradient never grows, and over T steps fades to no less than (1 − η L)^T of itself.

Arrays of NumPy, in float64; W (N, N) in row form, the state is multiplied as h W.
"""

from __future__ import annotations

import numpy as np


def descent_jacobian(W: np.ndarray, on: np.ndarray, eta: float, alpha: float = 1.0) -> np.ndarray:
    """J = I − η M Mᵀ (…, N, N) of steps whose units were `on` (…, N), 1 or 0 each."""
    M = residual_jacobian(W, on, alpha)
    return np.eye(len(W)) - eta * M @ np.swapaxes(M, -1, -2)


def residual_jacobian(W: np.ndarray, on: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """M = α I − W diag(s) (…, N, N): the derivative of r = α h − relu(h W + z) by h, row i for unit i of h."""
    W, on = np.asarray(W, float), np.asarray(on, float)
    return alpha * np.eye(len(W)) - W * on[..., None, :]


def steepness(W: np.ndarray, on: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """L = ‖M‖² (…) of these steps: the largest eigenvalue of the Hessian of the objective."""
    return np.linalg.norm(residual_jacobian(W, on, alpha), 2, axis=(-2, -1)) ** 2


def steepest(W: np.ndarray, alpha: float = 1.0) -> float:
    """(α + ‖W‖)², which L is below whatever units are on."""
    return float((abs(alpha) + np.linalg.norm(np.asarray(W, float), 2)) ** 2)


def bounds(eta: float, L: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Between which numbers all singular values of J lie: (1 − η L, 1), or beyond η L = 1 (0, max(1, η L − 1))."""
    reach = eta * np.asarray(L, float)
    return np.maximum(1 - reach, 0.0), np.maximum(reach - 1, 1.0)


def extremes(jacobians: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest singular value (…) of each of (…, N, N)."""
    values = np.linalg.svd(jacobians, compute_uv=False)
    return values[..., -1], values[..., 0]


def chain_extremes(jacobians: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the products ∂h_T/∂h_{T−k} = J_T … J_{T−k+1}, for k = 1 … T: two of (T,), from (T, N, N)."""
    chains, product = [], np.eye(jacobians.shape[-1])
    for jacobian in jacobians[::-1]:
        product = product @ jacobian
        chains.append(product)
    return extremes(np.stack(chains))
