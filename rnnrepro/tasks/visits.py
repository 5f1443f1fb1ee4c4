"""The order in which a fixed set of examples is visited."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams


class Visits:
    """Visits of `count` examples, `batch` a step, epoch after epoch without a gap between epochs.

    `reshuffle`: a new permutation for each epoch and run, from the stream (`name`, seed, "order", epoch);
    otherwise the examples' own order each time. A batch may cross from one epoch into the next.
    """

    def __init__(self, name: str, *, count: int, batch: int, reshuffle: bool) -> None:
        self.name, self.count, self.batch, self.reshuffle = name, count, batch, reshuffle
        self._known: dict[tuple[int, int], np.ndarray] = {}  # (seed, epoch): only to save time

    def at(self, step: int, seeds: Sequence[int]) -> Tensor:
        """Indices of the examples of `step` for each seed, (S, B) int64."""
        positions = step * self.batch + np.arange(self.batch)
        epochs, places = np.divmod(positions, self.count)
        if not self.reshuffle:
            return torch.from_numpy(places).expand(len(seeds), self.batch)
        rows = np.empty((len(seeds), self.batch), np.int64)
        for row, seed in zip(rows, seeds, strict=True):
            if epochs[0] == epochs[-1]:
                self._order(seed, int(epochs[0])).take(places, out=row)
                continue
            for epoch in np.unique(epochs):
                now = epochs == epoch
                row[now] = self._order(seed, int(epoch))[places[now]]
        return torch.from_numpy(rows)

    def _order(self, seed: int, epoch: int) -> np.ndarray:
        if (seed, epoch) not in self._known:
            for old in [key for key in self._known if key[0] == seed and key[1] < epoch - 1]:
                del self._known[old]
            generator = streams.generator(self.name, seed, "order", epoch)
            self._known[seed, epoch] = generator.permutation(self.count)
        return self._known[seed, epoch]
