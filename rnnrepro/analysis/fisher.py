"""Fisher memory of a linear network with noise (Ganguli et al. 2008; nnRNN, Fig. 1c and supplement, Table 6).

h_t = Θ h_{t−1} + u s_t + noise of variance ε: J(t) = (Θ^t u)ᵀ C⁻¹ Θ^t u with C = ε Σ_k Θ^k (Θ^k)ᵀ says how
much h remembers of a pulse t steps ago; J_tot = Σ_t J(t).

With d = 0.2 the condition number of C is 10¹⁴ to 10²⁴ at N = 100, so whatever forms C in double precision
(the authors' fixed point, a Lyapunov solver) ends in rounding noise: that is why the printed values of these
rows scatter. The method `square_root` never forms C. It doubles a triangular factor, C = RᵀR, by orthogonal
steps, and its error goes with the root of that number: J_tot agrees with 600-bit arithmetic to 1e-7 relative
in all twelve rows of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

import numpy as np
from scipy.linalg import solve_discrete_lyapunov, solve_triangular

from rnnrepro.analysis.delay_lines import delay_line
from rnnrepro.errors import Fault, nearest

STEPS = 150


def covariance_root(theta: np.ndarray) -> np.ndarray:
    """Upper triangular R (N, N) with RᵀR = Σ_k Θ^k (Θ^k)ᵀ. Raises Fault if the sum does not converge."""
    root, power = np.eye(len(theta)), np.array(theta, dtype=float)
    for _ in range(64):
        with np.errstate(over="ignore", invalid="ignore"):
            doubled = np.linalg.qr(np.vstack([root, root @ power.T]), mode="r")
        doubled = doubled * np.where(np.diag(doubled) < 0, -1.0, 1.0)[:, None]
        if not np.isfinite(doubled).all():
            break
        if np.allclose(doubled, root, rtol=1e-15, atol=0):
            return doubled
        root, power = doubled, power @ power
    raise Fault("the noise covariance does not converge: the matrix has an eigenvalue of modulus 1 or more")


def covariance_by_iteration(theta: np.ndarray, iterations: int = 10_000) -> np.ndarray:
    """C by C ← ΘCΘᵀ + I, as in the authors' notebook; stops early only at an exact fixed point."""
    covariance = np.eye(len(theta))
    for _ in range(iterations):
        following = theta @ covariance @ theta.T + np.eye(len(theta))
        if np.array_equal(following, covariance):
            break
        covariance = following
    return covariance


def _by_square_root(theta: np.ndarray) -> Callable[[np.ndarray], float]:
    root = covariance_root(theta)
    return lambda vector: float(np.sum(solve_triangular(root, vector, trans="T") ** 2))


def _by_covariance(covariance: np.ndarray) -> Callable[[np.ndarray], float]:
    inverse = np.linalg.inv(covariance)
    return lambda vector: float(vector @ inverse @ vector)


METHODS: dict[str, Callable[[np.ndarray], Callable[[np.ndarray], float]]] = {
    "square_root": _by_square_root,
    "lyapunov": lambda theta: _by_covariance(solve_discrete_lyapunov(theta, np.eye(len(theta)))),
    "iteration": lambda theta: _by_covariance(covariance_by_iteration(theta)),
}


def memory_curve(
    theta: np.ndarray,
    *,
    source: np.ndarray | None = None,
    steps: int = STEPS,
    noise: float = 1.0,
    method: str = "square_root",
) -> np.ndarray:
    """J(t) for t = 0 … steps−1, (steps,).

    `source` u (N,) is the first unit vector by default, `noise` the variance ε. `method` is one of METHODS;
    the two that form C are there for comparison. Raises Fault for another method and, with `square_root`, for
    a matrix that is not stable.
    """
    if method not in METHODS:
        raise Fault(f"unknown method {method!r}{nearest(method, METHODS)}")
    weigh = METHODS[method](theta)
    vector = np.eye(len(theta))[0] if source is None else np.asarray(source, dtype=float)
    curve = np.empty(steps)
    for t in range(steps):
        curve[t] = weigh(vector) / noise
        vector = theta @ vector
    return curve


def chain_memory_curve(chain: float, *, size: int = 100, steps: int = STEPS) -> np.ndarray:
    """The closed form for the pure chain, d = β = 0, ε = 1: α^{2t}(α²−1)/(α^{2(t+1)}−1) for t < size, then 0.

    At α = 1 this is 1/(t+1). (SUP B writes √α on the sub-diagonal: its α is the square of this one.)
    """
    t, square = np.arange(steps), chain**2
    curve = 1 / (t + 1) if square == 1 else square**t * (square - 1) / (square ** (t + 1) - 1)
    return np.where(t < size, curve, 0.0)


def total_memory_table(
    *,
    chains: Iterable[float] = (0.95, 1.0, 1.05),
    belows: Iterable[float] = (0.0, 0.005),
    diagonals: Iterable[float] = (0.0, 0.2),
    size: int = 100,
    method: str = "square_root",
) -> list[dict[str, float]]:
    """J_tot (first 150 steps) for every α, β, d, as rows {alpha, beta, d, j_total} (supplement, Table 6)."""
    rows = []
    for diagonal, below, chain in product(diagonals, belows, chains):
        theta = delay_line(size, diagonal=diagonal, chain=chain, below=below)
        total = float(memory_curve(theta, method=method).sum())
        rows.append({"alpha": chain, "beta": below, "d": diagonal, "j_total": total})
    return rows
