"""What a task is: batches as pure functions of (settings, seed, step), and how answers to them are judged.

Shapes: S runs, T time, B batch, D input, K output. Every run has its own data or order, drawn from streams
named by the task, the run's seed, the purpose and the step, so a resumed run needs no sampler state.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnnrepro.reduce import sum_per_run
from rnnrepro.tasks.cross_entropy import cross_entropy, guesses


@dataclass(frozen=True)
class Batch:
    """One minibatch a run.

    `inputs` (S, T, B, D) float32, or (S, T, B) int64 that stand for one-hot vectors of length D;
    `targets` as the outputs without K for classes, int64, or with K for values, float32;
    `reset`: whether the state starts from zero, always true but for tasks that carry it;
    `lengths` (S, B) int64: how many steps of each sequence count, for tasks with sequences of different lengths;
    `pace`: what this step's learning rates are multiplied by.
    """

    inputs: Tensor
    targets: Tensor
    reset: bool = True
    lengths: Tensor | None = None
    pace: float = 1.0


class Task:
    """Base of the tasks: a subclass says what its settings mean in `prepare` and draws its batches.

    `input_size` D, `output_size` K; `index_inputs`: inputs are indices; `readout_every`: outputs at every
    step (S, T, B, K) rather than after the last one (S, B, K); `carries_state`: the state of a batch is the
    start of the next; `chance`: the loss, in units of the loss, of the best guess without memory;
    `steps_per_epoch`: None for data without an end (of the first epoch, where they vary); `evaluation_splits`: those
    that `evaluation` knows.
    """

    input_size: int
    output_size: int
    chance: float
    index_inputs = False
    readout_every = False
    carries_state = False
    loss = "cross_entropy"
    metrics: tuple[str, ...] = ("cross_entropy", "accuracy")
    steps_per_epoch: int | None = None
    evaluation_splits: tuple[str, ...] = ()
    scored_steps: int | None = None  # accuracy counts the last so many steps; None: all of them
    per_run: tuple[str, ...] = ()  # names of attributes with a leading run axis

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        seeds: Sequence[int],
        batch: int,
        data: Path | None = None,
        device: torch.device | str = "cpu",
        corpora: Mapping[str, str] | None = None,
    ) -> None:
        """`settings`: every argument of the task's row; `data`: the folder with the data sets' folders.

        `corpora`: {data set: folder} of licensed data that the user has.
        """
        self.seeds = list(seeds)
        self.batch_size = batch
        self.data = data
        self.corpora = dict(corpora or {})
        self.facts: Mapping[str, Any] = {}  # what provenance says of the data that were read
        self.device = torch.device(device)
        self.prepare(**settings)

    def prepare(self, **settings: Any) -> None:
        """Read the settings: sets the sizes, the chance level and what is drawn once."""
        raise NotImplementedError

    def batch(self, step: int) -> Batch:
        """The training batch of `step` (from 0): the same whenever it is asked for."""
        raise NotImplementedError

    def epochs(self, steps: int) -> int:
        """How many epochs are complete after so many steps; 0 for data without an end."""
        return steps // self.steps_per_epoch if self.steps_per_epoch else 0

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The batches of one of `evaluation_splits`, the same at each call."""
        raise NotImplementedError

    def take(self, keep: Sequence[int]) -> Task:
        """The same task for the runs at the positions `keep`."""
        taken = copy.copy(self)
        taken.seeds = [self.seeds[i] for i in keep]
        for name in self.per_run:
            value = getattr(self, name)
            setattr(taken, name, None if value is None else value[list(keep)])
        return taken

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Loss of each scored element, in nats or squared units, differentiable; the run axis leads."""
        if self.loss == "squared_error":
            return (outputs - batch.targets) ** 2
        return cross_entropy(outputs, batch.targets)

    def loss_of(self, outputs: Tensor, batch: Batch, losses: Tensor | None = None) -> Tensor:
        """Mean loss of each run, (S,), differentiable; `losses` where they are known already."""
        per_element = self.losses(outputs, batch) if losses is None else losses
        return sum_per_run(per_element) / per_element[0].numel()

    @torch.no_grad()
    def measure(
        self, outputs: Tensor, batch: Batch, losses: Tensor | None = None
    ) -> dict[str, tuple[Tensor, float]]:
        """Each of `metrics` as (sum (S,) float64, number of terms): add up over batches, then divide."""
        per_element = (self.losses(outputs, batch) if losses is None else losses).double()
        total, count = sum_per_run(per_element), float(per_element[0].numel())
        if self.loss == "squared_error":
            return {"mse": (total, count)}
        found = {"cross_entropy": (total, count), "accuracy": self._hits(outputs, batch)}
        if "bpc" in self.metrics:
            found["bpc"] = (total / math.log(2), count)
        return found

    def _hits(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, float]:
        scored = slice(None) if self.scored_steps is None else slice(-self.scored_steps, None)
        right = guesses(outputs[:, scored]) == batch.targets[:, scored]
        return sum_per_run(right.double()), float(right[0].numel())
