"""Telling activities apart by the motion of a phone: UCI HAR, and HAR-2 with its six activities merged into two."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams
from rnnrepro.datasets import activity as data
from rnnrepro.errors import Fault, nearest
from rnnrepro.reduce import sum_per_run
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.shares import shares
from rnnrepro.tasks.visits import Visits

EVALUATION_BATCH = 500
MERGED = ("standing", "walking", "walking_downstairs")
"""Class 1 of the two; sitting, laying and walking upstairs are class 0 (HAR-2 of FastGRNN, Kusupati et al. 2018)."""
LOSSES = ("squared_error", "cross_entropy")


class Activity(Task):
    """The activity in a window of motion signals, answered after its last step; nine signals a step.

    `signals`: the data set; `classes`: 6, an activity each, or 2, see `MERGED`. A run learns from ⌊`fraction` · n⌋ of
    the n training windows, drawn by its seed (a smaller fraction takes the first of a larger one's), less the share
    `validation` of those, which is held out; a held-out window may overlap one that is learnt from. Every signal is
    normalised by its mean and SD over the windows that the run learns from, so that nothing of the others is known;
    one that is constant there is centred alone. A run visits them in an order of its own, new each epoch. `loss`:
    `squared_error`, the mean over classes of (softmax(outputs) − one-hot)², as the released code of SBO-RNN has it, or
    `cross_entropy`. Guessing all classes alike costs (K − 1)/K² or ln K.
    """

    per_run = ("_chosen", "_held_out", "_mean", "_deviation")

    def prepare(self, *, signals: str, classes: int, fraction: float, validation: float, loss: str) -> None:
        """Raises Fault for missing data, other numbers of classes, unknown losses, and shares that leave nothing."""
        if classes not in (2, len(data.ACTIVITIES)):
            raise Fault(f"activity: classes {classes}: expected 2 or {len(data.ACTIVITIES)}")
        if loss not in LOSSES:
            raise Fault(f"activity: unknown loss {loss!r}{nearest(str(loss), LOSSES)}")
        found = data.load(signals, self.data)
        train, held_out = shares(len(found.train), fraction, validation)
        order = [self._order(seed, len(found.train))[: train + held_out] for seed in self.seeds]
        self._chosen = self._on_device(np.stack([one[:train] for one in order]))
        self._held_out = self._on_device(np.stack([one[train:] for one in order]))
        means, deviations = zip(*(moments(found.train[one[:train]]) for one in order), strict=True)
        self._mean, self._deviation = self._on_device(np.stack(means)), self._on_device(np.stack(deviations))
        self._windows = {"train": self._on_device(found.train), "test": self._on_device(found.test)}
        self._classes = {
            "train": self._on_device(merged(found.train_activities, classes)),
            "test": self._on_device(merged(found.test_activities, classes)),
        }
        self.input_size, self.output_size = len(data.CHANNELS), classes
        self.loss = "softmax_squared_error" if loss == "squared_error" else loss
        self.metrics = ("mse" if loss == "squared_error" else loss, "accuracy")
        self.chance = (classes - 1) / classes**2 if loss == "squared_error" else math.log(classes)
        self.evaluation_splits = ("validation", "test") if held_out else ("test",)
        self.facts = {"windows": {"train": train, "validation": held_out, "test": len(found.test)}}
        self._visits = Visits("activity", count=train, batch=self.batch_size, reshuffle=True)
        self.steps_per_epoch = max(1, train // self.batch_size)

    def batch(self, step: int) -> Batch:
        """The training windows of `step`."""
        return self._sequences(
            "train", self._chosen.gather(1, self._visits.at(step, self.seeds).to(self.device))
        )

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The windows of a split in chunks: each run's own for validation, the same for all runs for the test."""
        if split == "validation":
            for chunk in self._held_out.split(EVALUATION_BATCH, 1):
                yield self._sequences("train", chunk)
            return
        every = torch.arange(len(self._classes[split]), device=self.device)
        for chunk in every.split(EVALUATION_BATCH):
            yield self._sequences(split, chunk.expand(len(self.seeds), -1))

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Of squared error (S, B, K), one a class; of cross-entropy (S, B) in nats."""
        if self.loss == "cross_entropy":
            return super().losses(outputs, batch)
        wanted = torch.nn.functional.one_hot(batch.targets, self.output_size)
        return (outputs.softmax(-1) - wanted) ** 2

    @torch.no_grad()
    def measure(
        self, outputs: Tensor, batch: Batch, losses: Tensor | None = None
    ) -> dict[str, tuple[Tensor, float]]:
        """The mean loss and the accuracy as (sum (S,) float64, number of terms)."""
        per_element = (self.losses(outputs, batch) if losses is None else losses).double()
        mean = (sum_per_run(per_element), float(per_element[0].numel()))
        return {self.metrics[0]: mean, "accuracy": self._hits(outputs, batch)}

    def _order(self, seed: int, count: int) -> np.ndarray:
        return streams.generator("activity", seed, "windows").permutation(count)

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _sequences(self, split: str, which: Tensor) -> Batch:
        """The windows `which` (S, B) of the files' split, normalised by each run's own moments."""
        windows = self._windows[split][which]
        normalised = (windows - self._mean[:, None, None]) / self._deviation[:, None, None]
        return Batch(normalised.transpose(1, 2).contiguous(), self._classes[split][which])


def merged(activities: np.ndarray, classes: int) -> np.ndarray:
    """The class of each activity (n,) int64: itself, or 1 for those of `MERGED` and 0 for the others."""
    if classes == len(data.ACTIVITIES):
        return activities
    return np.isin(activities, [data.ACTIVITIES.index(name) for name in MERGED]).astype(np.int64)


def moments(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of each signal over windows and steps, (n, T, D) -> two (D,) float32; SD 1 for a constant signal."""
    readings = windows.reshape(-1, windows.shape[-1]).astype(np.float64)
    varies = readings.max(0) > readings.min(0)
    return readings.mean(0).astype(np.float32), np.where(varies, readings.std(0), 1.0).astype(np.float32)
