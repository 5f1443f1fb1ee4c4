"""A periodic output without any input (Murray 2019, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.signals import Signals, at_least


class Periodic(Signals):
    """y*(t) = sin(2πt/T) + ½ sin(4πt/T) + ¼ sin(8πt/T), t = 1 … T: one period of T = `length` steps a trial.

    There is no input: D = 0, inputs (S, T, B, 0). Every trial is the same, in the test split too, whose one trial
    judges a network after its last increment. The best constant, 0, costs 21/64 at any T above 8.
    """

    input_size, output_size = 0, 1
    chance = 21 / 64
    evaluation_splits = ("test",)

    def prepare(self, *, length: int) -> None:
        """Raises Fault for a period that cannot hold the fastest of the three sines."""
        at_least("periodic", 9, length=length)
        phase = 2 * np.pi * np.arange(1, length + 1) / length
        target = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(4 * phase)
        self._target = torch.from_numpy(target.astype(np.float32)).to(self.device)

    def batch(self, step: int) -> Batch:
        """The trial, as many times as the batch is wide."""
        return self._trials(self.batch_size)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The trial once."""
        yield self._trials(1)

    def _trials(self, count: int) -> Batch:
        targets = self._target[None, :, None, None].repeat(len(self.seeds), 1, count, 1)
        return Batch(targets[..., :0], targets)
