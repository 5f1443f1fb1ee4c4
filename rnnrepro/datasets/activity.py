"""Windows of a phone's motion signals with the activity of its bearer, in the layout of UCI HAR.

Anguita, Ghio, Oneto, Parra and Reyes-Ortiz (2013): a phone at the waist of 30 persons, 50 readings a second, windows of
2.56 s of which each has its second half in common with the next; the persons of the test set are others.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnrepro.datasets import archives
from rnnrepro.datasets.registry import row
from rnnrepro.datasets.verify import verified
from rnnrepro.errors import Fault

CHANNELS = tuple(f"{sensor}_{axis}" for sensor in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
"""Acceleration without gravity in g, angular velocity in rad/s, and acceleration in g."""
ACTIVITIES = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
"""By number: upstream's labels are 1 to 6."""
_TOP = "UCI HAR Dataset"


class Activity(NamedTuple):
    """Signals (n, steps, 9) float32 in the order of `CHANNELS`, and activities (n,) int64, indices of `ACTIVITIES`."""

    train: np.ndarray
    train_activities: np.ndarray
    test: np.ndarray
    test_activities: np.ndarray


def load(name: str, folder: Path | None) -> Activity:
    """The windows of `uci_har` or of `uci_har_subset`, which is another data set, from the archive under `folder`.

    Members are read by their names; nothing is unpacked to the disk. Raises Fault for missing or damaged files, for
    members of other shapes than the row says, and for data sets that hold other things.
    """
    row(name, "activity")
    (path,) = verified(name, folder).values()
    return Activity(*_split(name, path, "train"), *_split(name, path, "test"))


def _split(name: str, path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    count, steps = row(name).sizes[split], row(name).steps
    signals = np.empty((count, steps, len(CHANNELS)), np.float32)
    for i, channel in enumerate(CHANNELS):
        member = f"{_TOP}/{split}/Inertial Signals/{channel}_{split}.txt"
        signals[:, :, i] = _table(path, member, (count, steps))
    member = f"{_TOP}/{split}/y_{split}.txt"
    labels = _table(path, member, (count, 1))[:, 0]
    if not np.isin(labels, np.arange(1, len(ACTIVITIES) + 1)).all():
        raise Fault(f"{path}: {member}: expected activities from 1 to {len(ACTIVITIES)}, found others")
    return signals, labels.astype(np.int64) - 1


def _table(path: Path, member: str, shape: tuple[int, int]) -> np.ndarray:
    """The numbers of a member, a line a row, float64 of this shape."""
    content = b"".join(archives.member(path, member))
    if not content.strip():
        raise Fault(f"{path}: {member}: expected {shape[0]:,} lines of {shape[1]} numbers, found nothing")
    try:
        found = np.loadtxt(io.BytesIO(content), comments=None, ndmin=2)
    except ValueError as error:
        raise Fault(
            f"{path}: {member}: expected lines of {shape[1]} numbers, found others ({error})"
        ) from error
    if found.shape != shape:
        raise Fault(
            f"{path}: {member}: expected {shape[0]:,} lines of {shape[1]} numbers, "
            f"found {found.shape[0]:,} of {found.shape[1]}"
        )
    if not np.isfinite(found).all():
        raise Fault(f"{path}: {member}: expected finite numbers, found others")
    return found
