"""The copying task of Hochreiter and Schmidhuber (1997), in the form of Arjovsky et al. (2016)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.visits import Visits

EVALUATION_BATCH = 100


class Copying(Task):
    """Recall `symbols` symbols after a cue.

    Input: `symbols` symbols, uniform on 1 … `alphabet`; `blanks_before_cue` blanks (0); the cue (`alphabet` +
    1); `blanks_after_cue` blanks. Target: blanks, then the symbols at the last steps. So a delay of T in the
    usual words, of length T + 20, is 10 symbols, T − 1 blanks before the cue and 10 after it. Loss: mean
    cross-entropy over all steps; accuracy: over the steps of the answer. Without memory: symbols ·
    ln(alphabet) / length. `pool`: so many sequences drawn once and visited in order, again and again, or in a new
    order each epoch with `reshuffle`; None: fresh ones each step. `test`: sequences of the test split, drawn once
    for each seed; 0: no such split.
    """

    index_inputs = True
    readout_every = True
    per_run = ("_pool",)

    def prepare(
        self,
        *,
        symbols: int,
        alphabet: int,
        blanks_before_cue: int,
        blanks_after_cue: int,
        pool: int | None,
        reshuffle: bool,
        test: int,
    ) -> None:
        """Raises Fault where the sequence ends before the answer can."""
        self.symbols, self.alphabet, self.test = symbols, alphabet, test
        self.cue = symbols + blanks_before_cue
        self.length = self.cue + 1 + blanks_after_cue
        if blanks_after_cue < symbols - 1:
            raise Fault(
                f"copying: {blanks_after_cue} blanks after the cue leave no room for {symbols} symbols; "
                f"blanks_after_cue must be at least {symbols - 1}"
            )
        self.input_size, self.output_size = alphabet + 2, alphabet + 1
        self.scored_steps = symbols
        self.chance = symbols * math.log(alphabet) / self.length
        self.evaluation_splits = ("test",) if test else ()
        self._pool = self._visits = None
        if pool is not None:
            self._pool = self._draw("pool", 0, pool)
            self._visits = Visits("copying", count=pool, batch=self.batch_size, reshuffle=reshuffle)
            self.steps_per_epoch = max(1, pool // self.batch_size)

    def batch(self, step: int) -> Batch:
        """The training sequences of `step`."""
        if self._visits is None:
            return self._sequences(self._draw("train", step, self.batch_size))
        which = self._visits.at(step, self.seeds)
        return self._sequences(self._pool[torch.arange(len(self.seeds))[:, None], which])

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The test sequences, a hundred at a time."""
        for chunk, start in enumerate(range(0, self.test, EVALUATION_BATCH)):
            yield self._sequences(self._draw(split, chunk, min(EVALUATION_BATCH, self.test - start)))

    def _draw(self, purpose: str, index: int, count: int) -> Tensor:
        """Symbols (S, count, symbols), uint8."""
        shape = (count, self.symbols)
        drawn = [
            streams.generator("copying", seed, purpose, index).integers(1, self.alphabet + 1, shape, np.uint8)
            for seed in self.seeds
        ]
        return torch.from_numpy(np.stack(drawn))

    def _sequences(self, drawn: Tensor) -> Batch:
        runs, count, _ = drawn.shape
        symbols = drawn.transpose(1, 2)
        inputs = torch.zeros(runs, self.length, count, dtype=torch.int64)
        targets = torch.zeros_like(inputs)
        inputs[:, : self.symbols] = symbols
        inputs[:, self.cue] = self.alphabet + 1
        targets[:, -self.symbols :] = symbols
        return Batch(inputs.to(self.device), targets.to(self.device))
