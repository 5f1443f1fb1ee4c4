"""The adding task of Hochreiter and Schmidhuber (1997), in the form of Arjovsky et al. (2016)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams
from rnnrepro.errors import Fault, nearest
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.visits import Visits

EVALUATION_BATCH = 500
BOUNDARIES = {"halves": lambda length: (length - 1) // 2, "equal_halves": lambda length: length // 2}


class Adding(Task):
    """Add the two marked ones of `length` numbers, uniform on [0, 1); the sum is read after the last step.

    Inputs: the number and the mark, 1 at two steps; the mark first with `marks_first`. `marks`: one mark is uniform
    on the steps before a boundary, the other on those from it; `halves` puts it at ⌊(length − 1)/2⌋ (scoRNN's and
    ENRNN's code), `equal_halves` at ⌊length/2⌋ (nnRNN's later script). Squared error; guessing 1 gives 1/6. `pool`:
    so many sequences drawn once, visited in order or, with `reshuffle`, in a new order each epoch; None: fresh ones
    each step. `test`: sequences of the test split, drawn once for each seed; 0: no such split.
    """

    input_size, output_size = 2, 1
    chance = 1 / 6
    loss = "squared_error"
    metrics = ("mse",)
    per_run = ("_numbers", "_marks")

    def prepare(
        self, *, length: int, marks: str, marks_first: bool, pool: int | None, reshuffle: bool, test: int
    ) -> None:
        """Raises Fault for unknown `marks` and sequences too short for them."""
        if marks not in BOUNDARIES:
            raise Fault(f"adding: unknown marks {marks!r}{nearest(marks, BOUNDARIES)}")
        self.length, self.test, self.boundary = length, test, BOUNDARIES[marks](length)
        self._places = (1, 0) if marks_first else (0, 1)
        if self.boundary < 1:
            raise Fault(f"adding: length {length} is too short for marks {marks!r}; take at least 3")
        self.evaluation_splits = ("test",) if test else ()
        self._numbers = self._marks = self._visits = None
        if pool is not None:
            numbers, places = self._draw("pool", 0, pool)
            self._numbers, self._marks = numbers.to(self.device), places.to(self.device)
            self._visits = Visits("adding", count=pool, batch=self.batch_size, reshuffle=reshuffle)
            self.steps_per_epoch = max(1, pool // self.batch_size)

    def batch(self, step: int) -> Batch:
        """The training sequences of `step`."""
        if self._visits is None:
            return self._sequences(*self._draw("train", step, self.batch_size))
        which = self._visits.at(step, self.seeds).to(self.device)
        run = torch.arange(len(self.seeds), device=self.device)[:, None]
        return self._sequences(self._numbers[run, which], self._marks[run, which])

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The test sequences in chunks."""
        for chunk, start in enumerate(range(0, self.test, EVALUATION_BATCH)):
            yield self._sequences(*self._draw(split, chunk, min(EVALUATION_BATCH, self.test - start)))

    def _draw(self, purpose: str, index: int, count: int) -> tuple[Tensor, Tensor]:
        """Numbers (S, count, T) float32 and marked steps (S, count, 2) int64."""
        numbers = np.empty((len(self.seeds), count, self.length), np.float32)
        places = np.empty((len(self.seeds), count, 2), np.int64)
        for run, seed in enumerate(self.seeds):
            generator = streams.generator("adding", seed, purpose, index)
            generator.random(dtype=np.float32, out=numbers[run])
            places[run, :, 0] = generator.integers(0, self.boundary, count)
            places[run, :, 1] = generator.integers(self.boundary, self.length, count)
        return torch.from_numpy(numbers), torch.from_numpy(places)

    def _sequences(self, numbers: Tensor, places: Tensor) -> Batch:
        numbers, places = numbers.to(self.device), places.to(self.device)
        runs, count, length = numbers.shape
        inputs = numbers.new_zeros(runs, length, count, 2)
        number, mark = self._places
        inputs[..., number] = numbers.transpose(1, 2)
        inputs[..., mark].scatter_(1, places.transpose(1, 2), 1.0)
        return Batch(inputs, numbers.gather(2, places).sum(2, keepdim=True))
