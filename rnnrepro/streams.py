"""Random streams named by what they are for.

A stream is a pure function of its name, so that a resumed run needs no sampler state and two models, or two
points of a grid, see the same data for the same seed.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def generator(*key: object) -> np.random.Generator:
    """The numpy generator named by `key` (JSON values, such as `("copying", seed, "train", step)`).

    Philox (Salmon et al. 2011), keyed with 128 bits of the SHA-256 of the key's canonical JSON: the streams
    of different keys are independent. Raises TypeError or ValueError for a key that JSON cannot hold exactly.
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(key)[:16], "little")))


def seed(*key: object) -> int:
    """A seed in [0, 2⁶³) named by `key`, for generators that take an integer, such as torch's."""
    return int.from_bytes(_digest(key)[:8], "little") >> 1


def _digest(key: tuple[object, ...]) -> bytes:
    text = json.dumps(key, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).digest()
