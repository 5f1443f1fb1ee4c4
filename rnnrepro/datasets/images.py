"""Images with their classes, as integer grey levels."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnrepro.datasets import idx
from rnnrepro.datasets.registry import row
from rnnrepro.datasets.shipped import digits_file
from rnnrepro.datasets.verify import verified

DIGITS_SEED = 1234


class Images(NamedTuple):
    """Grey levels (n, height, width) uint8 from 0 to `white`, and classes (n,) uint8."""

    train: np.ndarray
    train_classes: np.ndarray
    test: np.ndarray
    test_classes: np.ndarray
    white: int


def load(name: str, folder: Path | None) -> Images:
    """The images `mnist` (files under `folder`) or `digits` (from scikit-learn's own file).

    Raises Fault for missing or damaged files and for data sets that are not images.
    """
    row(name, "images")
    return {"mnist": _mnist, "digits": _digits}[name](folder)


def _mnist(folder: Path | None) -> Images:
    files = verified("mnist", folder)
    return Images(
        idx.read(files["train-images-idx3-ubyte.gz"]),
        idx.read(files["train-labels-idx1-ubyte.gz"]),
        idx.read(files["t10k-images-idx3-ubyte.gz"]),
        idx.read(files["t10k-labels-idx1-ubyte.gz"]),
        white=255,
    )


def _digits(_: Path | None) -> Images:
    """Drawn once into training and test images: in the set's own order the last ones are other writers'."""
    table = np.loadtxt(digits_file(), delimiter=",", dtype=np.uint8)
    # RandomState, because numpy promises its numbers for ever; the split is the same for every run and seed.
    table = table[np.random.RandomState(DIGITS_SEED).permutation(len(table))]
    images, classes, train = table[:, :-1].reshape(-1, 8, 8), table[:, -1], row("digits").sizes["train"]
    return Images(images[:train], classes[:train], images[train:], classes[train:], white=16)
