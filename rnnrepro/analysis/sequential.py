"""Linear networks of the theory of sequential non-normal dynamics (Orhan and Pitkow 2020, Figs. 1 and 2).

h_t = W h_{t−1} + v s_t + noise; W has a row for each receiving unit, so unit i − 1 feeds unit i of a chain. Theory:
Ganguli, Huh and Sompolinsky 2008. `fisher.memory_curve` measures J(k) of any of them; here are the closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnrepro.analysis import fisher
from rnnrepro.errors import Fault, nearest


@dataclass(frozen=True)
class Net:
    """`matrix` W (N, N) and `source` v (N,), of length 1."""

    matrix: np.ndarray
    source: np.ndarray

    def memory(self, steps: int) -> np.ndarray:
        """J(k) for k = 0 … steps−1, noise of variance 1."""
        return fisher.memory_curve(self.matrix, source=self.source, steps=steps)

    def total_memory(self) -> float:
        """J_tot = Σ_k J(k), summed until the rest is below 1e-12. Raises Fault for a W that is not stable."""
        steps = 4 * len(self.matrix)
        while (curve := self.memory(steps))[steps // 2 :].sum() > 1e-12:
            steps *= 4
        return float(curve.sum())

    def signal(self, steps: int) -> np.ndarray:
        """‖W^k v‖ for k = 0 … steps−1."""
        norms, vector = np.empty(steps), self.source
        for k in range(steps):
            norms[k] = np.linalg.norm(vector)
            vector = self.matrix @ vector
        return norms


def identity(size: int, gain: float, seed: int = 0) -> Net:
    """λ I, the source a random direction."""
    return Net(gain * np.eye(size), _direction(size, seed))


def orthogonal(size: int, gain: float, seed: int = 0) -> Net:
    """λ Q with Q uniform on the orthogonal group, the source a random direction."""
    q, r = np.linalg.qr(np.random.default_rng([seed, 1]).standard_normal((size, size)))
    return Net(gain * q * np.sign(np.diag(r)), _direction(size, seed))


def chain(size: int, gain: float, feedback: float = 0.0) -> Net:
    """α on the first sub-diagonal, β (`feedback`) on the first super-diagonal; the source is the first unit."""
    matrix = gain * np.eye(size, k=-1) + feedback * np.eye(size, k=1)
    return Net(matrix, np.eye(size)[0])


def _direction(size: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng([seed, 0]).standard_normal(size)
    return drawn / np.linalg.norm(drawn)


NETS: dict[str, Callable[..., Net]] = {
    "identity": identity,
    "orthogonal": orthogonal,
    "chain": chain,
    "fbchain": chain,
}
_FEEDING_BACK = ("fbchain",)


def net(kind: str, size: int, gain: float, feedback: float = 0.0, *, seed: int = 0) -> Net:
    """The net of NETS. Raises Fault for another kind, and for feedback of one that has none."""
    if kind not in NETS:
        raise Fault(f"unknown linear network {kind!r}{nearest(kind, NETS)}")
    if feedback and kind not in _FEEDING_BACK:
        raise Fault(f"the linear network {kind!r} has no feedback")
    return chain(size, gain, feedback) if NETS[kind] is chain else NETS[kind](size, gain, seed)


def normal_memory_curve(gain: float, steps: int) -> np.ndarray:
    """J(k) = λ^{2k} (1 − λ²) of every normal W whose eigenvalues have modulus λ < 1. Raises Fault for λ ≥ 1."""
    if abs(gain) >= 1:
        raise Fault(f"gain {gain:g}: the noise of a normal network with λ ≥ 1 has no stationary covariance")
    return gain ** (2.0 * np.arange(steps)) * (1 - gain**2)


def normal_total_memory(gain: float) -> float:
    """J_tot = 1, whatever λ < 1. Raises Fault for λ ≥ 1."""
    normal_memory_curve(gain, 1)
    return 1.0


def chain_total_memory(gain: float, size: int) -> float:
    """Σ_{k<N} α^{2k} / Σ_{i≤k} α^{2i}, N-th harmonic number at α = 1."""
    return float(fisher.chain_memory_curve(gain, size=size, steps=size).sum())


def exact_henrici(kind: str, gain: float, size: int, feedback: float = 0.0) -> float:
    """Henrici's departure from normality: |α − β| √(N − 1) of chains, 0 of λI and λQ.

    For long chains with feedback eigenvalues in double precision miss it by a fifth: see `nonnormality`.
    """
    return abs(gain - feedback) * np.sqrt(size - 1) if NETS[kind] is chain else 0.0
