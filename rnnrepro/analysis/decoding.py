"""Reading the first input off the last state (Orhan and Pitkow 2020, Fig. 2): nothing is trained but the decoder.

The paper leaves the protocol open; this is the reproduction card's. s_t ~ N(0, 1), h_t = f(W h_{t−1} + v s_t + noise),
h_0 = 0; s_1 from h_T by least squares with an offset, judged on sequences that the fit has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnrepro.analysis.sequential import Net


def elu(z: np.ndarray) -> np.ndarray:
    """z above 0, exp(z) − 1 below."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"linear": lambda z: z, "elu": elu}


@dataclass(frozen=True)
class Decoded:
    """The first input of the test sequences, (n,), as it was and as it was read off the last state."""

    true: np.ndarray
    read: np.ndarray

    @property
    def r_squared(self) -> float:
        """1 − Σ(true − read)² / Σ(true − mean)²: 1 is perfect; below 0 is worse than always answering the mean."""
        return float(1 - np.sum((self.true - self.read) ** 2) / np.sum((self.true - self.true.mean()) ** 2))


def decode(
    net: Net,
    *,
    function: str = "linear",
    noise: float = 0.0,
    steps: int = 100,
    train: int = 1000,
    test: int = 500,
    seed: int = 0,
) -> Decoded:
    """Fit on `train` sequences of `steps` inputs, answer on `test` others; `noise` is a standard deviation.

    Equal seeds give equal inputs and noise to all networks of one size.
    """
    inputs, states = _last_states(net, FUNCTIONS[function], noise, steps, train + test, seed)
    states = np.column_stack([states, np.ones(len(states))])
    weights, *_ = np.linalg.lstsq(states[:train], inputs[:train], rcond=None)
    return Decoded(true=inputs[train:], read=states[train:] @ weights)


def _last_states(
    net: Net, function: Callable, noise: float, steps: int, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first inputs (count,) and the last states (count, N)."""
    signal, disturbance = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    s = signal.standard_normal((steps, count))
    h = np.zeros((count, len(net.matrix)))
    for s_t in s:
        z = h @ net.matrix.T + np.outer(s_t, net.source)
        h = function(z + noise * disturbance.standard_normal(z.shape) if noise else z)
    return s[0], h
