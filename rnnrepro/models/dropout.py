"""What one forward pass in training leaves out, drawn on the processor for each run by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams


class Masks:
    """The masks of one optimiser step: pure functions of the run's seed, the step, the place and the layer.

    So a run has the same ones alone, in any stack and after it was resumed, and the points of a grid at one seed share
    them. `rates` are the probabilities by place (`tables.DROPOUT_ARGUMENTS`); `seeds` one a run.
    """

    def __init__(self, rates: Mapping[str, float], seeds: Sequence[int], step: int) -> None:
        self.rates = rates
        self.seeds = list(seeds)
        self.step = step

    def drop(self, place: str, x: Tensor, shape: Sequence[int], layer: int = 0) -> Tensor:
        """x (S, …) times a mask (S, *shape): 0 with the place's probability p, 1/(1 − p) else; x itself if p is 0."""
        rate = self.rates[place]
        if not rate:
            return x
        drawn = {seed: self._drawn(place, layer, seed, shape) for seed in dict.fromkeys(self.seeds)}
        mask = torch.from_numpy(np.stack([drawn[seed] for seed in self.seeds]))
        return x * (mask.to(x) * (1.0 / (1.0 - rate)))

    def _drawn(self, place: str, layer: int, seed: int, shape: Sequence[int]) -> np.ndarray:
        generator = streams.generator("dropout", place, layer, seed, self.step)
        return generator.random(tuple(shape), dtype=np.float32) >= self.rates[place]
