"""Where the windows of truncated backpropagation begin and end, without torch: a plan counts them.

Merity, Keskar and Socher 2018 (AWD-LSTM) vary the length of the windows from step to step, so that the same symbols do
not stand at their beginning in every epoch. What is drawn depends on the base length and the epoch alone: all runs
and seeds of an experiment read the same windows, and any step can be had by itself.
"""

from __future__ import annotations

import functools
import random
from bisect import bisect_right
from dataclasses import dataclass

SHORT = 0.05
"""How often the base is halved."""

DEVIATION = 5.0
LEAST = 5


@dataclass(frozen=True)
class Window:
    """One step of the streams: `length` predictions from position `start` on; the rates are multiplied by `pace`."""

    start: int
    length: int
    pace: float = 1.0


class Windows:
    """The windows of a training on streams with so many `positions` to predict, at a base length."""

    def __init__(self, positions: int, length: int, vary: bool) -> None:
        self.positions = positions
        self.length = length
        self.vary = vary
        self._ends = [0]  # steps done at the end of each epoch, so far as it was asked for

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch; of the first one, where they vary."""
        return self.steps(1)

    def steps(self, epochs: int) -> int:
        """The steps of the first `epochs` epochs."""
        if not self.vary:
            return epochs * -(-self.positions // self.length)
        while len(self._ends) <= epochs:
            drawn = _count(self.positions, self.length, len(self._ends) - 1)
            self._ends.append(self._ends[-1] + drawn)
        return self._ends[epochs]

    def epochs(self, steps: int) -> int:
        """How many epochs are complete after so many steps."""
        if not self.vary:
            return steps // self.steps_per_epoch
        while self._ends[-1] <= steps:
            self.steps(len(self._ends))
        return bisect_right(self._ends, steps) - 1

    def window(self, step: int) -> Window:
        """The window of `step`, counted from 0 over all epochs; the first of an epoch starts at 0."""
        epoch = self.epochs(step)
        index = step - self.steps(epoch)
        if self.vary:
            start, length, pace = _drawn(self.positions, self.length, epoch)[index]
            return Window(start, length, pace)
        start = index * self.length
        return Window(start, min(self.length, self.positions - start))


@functools.lru_cache(maxsize=4)
def _drawn(positions: int, base: int, epoch: int) -> tuple[tuple[int, int, float], ...]:
    """(start, length, pace) of the windows of an epoch: max(5, ⌊Normal(base or its half, 5)⌋), the last one cut."""
    source = random.Random(f"windows {base} {epoch}")
    found, start = [], 0
    while start < positions:
        mean = base / 2 if source.random() < SHORT else base
        length = max(LEAST, int(source.gauss(mean, DEVIATION)))
        found.append((start, min(length, positions - start), length / base))
        start += length
    return tuple(found)


@functools.cache
def _count(positions: int, base: int, epoch: int) -> int:
    return len(_drawn(positions, base, epoch))
