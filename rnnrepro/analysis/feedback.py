"""How a network that learns by another feedback than its read-out comes to terms with it (Murray 2019, Fig. 2c).

numpy alone; a leading run axis may stand before every shape.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rnnrepro.errors import Fault


def alignment(readout: np.ndarray, feedback: np.ndarray) -> np.ndarray:
    """A = ⟨V, B⟩ / (‖V‖ ‖B‖) of the read-out V (…, N, K) and the feedback B (…, N, K): the cosine of their entries.

    1 where errors go back the way that outputs came, about 0 ± 1/√(NK) for matrices that have nothing to do with each
    other. NaN where one of them is 0. Raises Fault for other shapes than that.
    """
    return agreement([readout], [feedback])


def agreement(one: Iterable[np.ndarray], other: Iterable[np.ndarray]) -> np.ndarray:
    """The cosine of two increments, each the matrices (…, ·, ·) of a network taken as one long vector: (…).

    Of a rule's increment and the gradient's, say. An alignment of the two does not tell how well the rule will learn
    (Marschall, Cho and Savin 2020). NaN where one of them is 0. Raises Fault for matrices that do not correspond.
    """
    ours, theirs = ([np.asarray(part, np.float64) for part in parts] for parts in (one, other))
    if [part.shape for part in ours] != [part.shape for part in theirs]:
        raise Fault(
            f"matrices of shapes {[p.shape for p in ours]} and {[p.shape for p in theirs]} have no angle between them; "
            "give the same ones of both, in the same order"
        )
    with np.errstate(invalid="ignore"):
        return _inner(ours, theirs) / np.sqrt(_inner(ours, ours) * _inner(theirs, theirs))


def learned_spectrum(now: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Singular values (…, N) of W − W(0), the largest first: few that are not small mean a change of low rank."""
    return np.linalg.svd(now.astype(np.float64) - start.astype(np.float64), compute_uv=False)


def _inner(ours: list[np.ndarray], theirs: list[np.ndarray]) -> np.ndarray:
    return sum((a * b).sum((-2, -1)) for a, b in zip(ours, theirs, strict=True))
