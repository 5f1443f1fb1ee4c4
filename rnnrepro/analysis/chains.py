"""Chains hidden in a recurrent matrix: order the units by when they answer a pulse, then look below the diagonal.

Orhan and Pitkow 2020, Figs. 5 and 6, after Rajan, Harvey and Tank 2016. W has a row for each receiving unit.
"""

from __future__ import annotations

import numpy as np

NEAR = 5
"""Order differences that count as near, for the asymmetry."""


def order_of_peaks(activity: np.ndarray, jitter: np.ndarray) -> np.ndarray:
    """The units (N,) in the order in which their activity (T, N) peaks; `jitter` (N,), in steps, breaks ties."""
    return np.argsort(np.argmax(activity, axis=0) + jitter, kind="stable")


def profile(matrix: np.ndarray, order: np.ndarray) -> np.ndarray:
    """M(k), k = −(N−1) … N−1, (2N−1,): mean of W_{π(i)π(j)} over the pairs with i − j = k, π the `order`."""
    ordered = np.asarray(matrix)[np.ix_(order, order)]
    size = len(ordered)
    return np.array([np.diagonal(ordered, -k).mean() for k in range(1 - size, size)])


def asymmetry(curve: np.ndarray, near: int = NEAR) -> float:
    """A: mean of M(k) over k = 1 … `near` less that over k = −`near` … −1. Above 0 for a chain that runs forwards."""
    zero = len(curve) // 2
    near = min(near, zero)
    return float(curve[zero + 1 : zero + 1 + near].mean() - curve[zero - near : zero].mean()) if near else 0.0
