"""Matching an interval, "Ready, Set, Go" (Murray 2019, Fig. 3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from rnnrepro import streams
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.signals import Signals, at_least


def trial_length(first: int, longest: int, tail: int) -> int:
    """Steps of a trial, the same for every delay: up to the latest target pulse and `tail` beyond it."""
    return first + 2 * longest + tail


class Interval(Signals):
    """Two pulses a delay apart; the target is a pulse one such delay after the second.

    Pulses are Gaussian of height 1 and standard deviation `width`, in steps; the first is centred at step `first`
    (steps count from 1). The delay is uniform on the whole numbers from `shortest` to `longest`, drawn for each
    trial. A trial goes on for `tail` steps after the latest target. `summed`: the trials of a batch are added up.
    The test split has a trial for every `test_every`-th delay from `shortest` on, the same for all runs; 0: none.
    """

    input_size = output_size = 1

    def prepare(
        self,
        *,
        width: float,
        first: int,
        shortest: int,
        longest: int,
        tail: int,
        summed: bool,
        test_every: int,
    ) -> None:
        """Raises Fault for delays out of order, and for numbers that no trial can have."""
        at_least("interval", 1, first=first, shortest=shortest, longest=longest)
        at_least("interval", 0, tail=tail, test_every=test_every)
        if longest < shortest:
            raise Fault(
                f"interval: the longest delay, {longest}, is below the shortest, {shortest}; swap them"
            )
        if not width > 0:
            raise Fault(f"interval: width is a standard deviation in steps, above 0, not {width!r}")
        self.shortest, self.longest, self.first, self.summed = shortest, longest, first, summed
        self.delays = range(shortest, longest + 1, test_every) if test_every else range(0)
        self.evaluation_splits = ("test",) if test_every else ()
        steps = np.arange(1, trial_length(first, longest, tail) + 1)
        delays = np.arange(shortest, longest + 1)
        ready, set_, go = (_pulses(steps, first + n * delays, width) for n in range(3))
        self._inputs, self._targets = (
            torch.from_numpy(x.astype(np.float32)).to(self.device) for x in (ready + set_, go)
        )
        self.chance = float(0.5 * go.var())

    def batch(self, step: int) -> Batch:
        """Trials with delays of their own."""
        drawn = [
            streams.generator("interval", seed, "train", step).integers(
                self.shortest, self.longest, self.batch_size, endpoint=True
            )
            for seed in self.seeds
        ]
        return self._trials(torch.from_numpy(np.stack(drawn)))

    def evaluation(self, split: str) -> Iterator[Batch]:
        """A trial for each of the delays that are tested, in order."""
        yield self._trials(torch.tensor(self.delays).expand(len(self.seeds), -1))

    def _trials(self, delays: torch.Tensor) -> Batch:
        """Trials with these delays (S, B): signals (S, T, B, 1)."""
        row = (delays - self.shortest).to(self.device)
        inputs, targets = (
            table[row].transpose(1, 2).unsqueeze(-1) for table in (self._inputs, self._targets)
        )
        return Batch(inputs, targets)


def _pulses(steps: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """A row for each centre: exp(−(t − centre)² / 2 width²)."""
    return np.exp(-0.5 * ((steps - centres[:, None]) / width) ** 2)
