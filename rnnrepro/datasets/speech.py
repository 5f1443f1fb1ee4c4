"""Corpora of spoken utterances, in splits named as TIMIT's users name them: train, dev and core."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnrepro.datasets.registry import row


class Corpus(NamedTuple):
    """`splits`: the names of the utterances of train, dev and core, in order; `read(name)`: its samples (n,) int16.

    `rate`: samples a second; `longest`: samples of the utterance that each split is padded to in the literature.
    """

    splits: Mapping[str, tuple[str, ...]]
    read: Callable[[str], np.ndarray]
    rate: int
    longest: Mapping[str, int]


def load(name: str, data: Path | None, corpora: Mapping[str, str], *, drop_sa: str) -> Corpus:
    """The corpus `timit` (its folder is named in `corpora`) or `fsdd` (files under `data`).

    `drop_sa`: see `timit.training_utterances`; of no meaning to others. Raises Fault for missing or damaged files
    and for data sets that are not speech.
    """
    row(name, "speech")
    from rnnrepro.datasets import fsdd, timit

    return {"timit": lambda: timit.load(corpora.get("timit"), drop_sa), "fsdd": lambda: fsdd.load(data)}[
        name
    ]()


def spread(names: tuple[str, ...], count: int | None) -> tuple[str, ...]:
    """`count` of the names, evenly over their order, so that all speakers and sentences have their share."""
    if count is None or count >= len(names):
        return names
    return tuple(names[i * len(names) // count] for i in range(count))


class Checksum:
    """SHA-256 of utterances as they are read: names and samples, whatever format they came in."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, name: str, samples: np.ndarray) -> None:
        """Add an utterance, samples (n,) int16."""
        self._sum.update(f"{name} {len(samples)}\n".encode() + samples.astype("<i2").tobytes())

    def __str__(self) -> str:
        return self._sum.hexdigest()
