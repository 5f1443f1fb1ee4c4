"""What tasks have in common whose targets are signals, judged at every step of a trial (Murray 2019, Eq. 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.reduce import sum_per_run
from rnnrepro.tasks.base import Batch, Task

METRIC = "half_squared_error"


class Signals(Task):
    """A trial of T steps costs L = 1/(2T) Σ_t Σ_k ε_k(t)²; the loss is the mean of L over the trials of a batch.

    With `summed` the loss is the sum over the trials, as if their increments were added up and made at once; the
    metric is the mean either way.
    """

    readout_every = True
    loss = "squared_error"
    metrics = (METRIC,)
    summed = False

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Half the squared error of each step and trial, added up over the outputs: (S, T, B), differentiable."""
        return 0.5 * ((outputs - batch.targets) ** 2).sum(-1)

    def loss_of(self, outputs: Tensor, batch: Batch, losses: Tensor | None = None) -> Tensor:
        """L of each run, (S,), differentiable: the mean over its trials, or with `summed` their sum."""
        mean = super().loss_of(outputs, batch, losses)
        return batch.targets.shape[2] * mean if self.summed else mean

    @torch.no_grad()
    def measure(
        self, outputs: Tensor, batch: Batch, losses: Tensor | None = None
    ) -> dict[str, tuple[Tensor, float]]:
        """L as (sum (S,) float64, number of steps and trials): never summed."""
        per_step = (self.losses(outputs, batch) if losses is None else losses).double()
        return {METRIC: (sum_per_run(per_step), float(per_step[0].numel()))}


def at_least(task: str, least: int, **settings: int) -> None:
    """Raises Fault for the first of the settings that is not a whole number from `least` on."""
    for name, value in settings.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Fault(f"{task}: {name} is a whole number from {least} on, not {value!r}")
