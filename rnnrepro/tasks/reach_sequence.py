"""The whole sequence of reaches around a square, in one trial and without any input (Murray 2019, Fig. 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.reduce import each_run, sum_per_run
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.reach import DIRECTIONS, speed_of
from rnnrepro.tasks.signals import METRIC, Signals


class ReachSequence(Signals):
    """The reaches of `order`, indices of `reach.DIRECTIONS`, one after the other, each with its rest: one trial.

    There is no input: D = 0, inputs (S, T, B, 0); outputs are the velocity of a cursor that starts at the lower left
    corner. Reaches are those of `Reach`. `path_error` is the root of the mean over time of the square distance between
    the cursor and where the targets would have it, in sides of the square, of each trial. Every trial is the same, in
    the test split too, which has it once.
    """

    input_size, output_size = 0, 2
    metrics = (METRIC, "path_error")
    evaluation_splits = ("test",)

    def prepare(self, *, move: int, hold: int, peak: float, order: Sequence[int]) -> None:
        """Raises Fault for reaches as `Reach` does, and for an order that leaves the square or does not come back."""
        speed = speed_of("reach_sequence", move, hold, peak)
        self.side = float(speed.sum())
        self.chance = float(0.5 * (speed**2).mean())  # once around, the mean velocity is 0
        self.order = _checked(order)
        velocity = np.concatenate([np.multiply.outer(speed, DIRECTIONS[i]) for i in self.order])
        self._targets = torch.from_numpy(velocity.astype(np.float32)).to(self.device)

    def batch(self, step: int) -> Batch:
        """The trial, as many times as the batch is wide."""
        return self._trials(self.batch_size)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The trial once."""
        yield self._trials(1)

    def _trials(self, count: int) -> Batch:
        targets = self._targets[None, :, None].repeat(len(self.seeds), 1, count, 1)
        return Batch(targets[..., :0], targets)

    @torch.no_grad()
    def measure(
        self, outputs: Tensor, batch: Batch, losses: Tensor | None = None
    ) -> dict[str, tuple[Tensor, float]]:
        """As of all signals, and the path's error added up over the trials."""
        away = (outputs.double() - batch.targets).cumsum(1) / self.side
        (error,) = each_run(lambda gap: (gap.square().sum(-1).mean(1).sqrt(),), away)
        found = super().measure(outputs, batch, losses)
        return found | {"path_error": (sum_per_run(error), float(error.shape[1]))}


def _checked(order: Sequence[int]) -> tuple[int, ...]:
    known = range(len(DIRECTIONS))
    if not isinstance(order, (list, tuple)) or not order or any(i not in known for i in order):
        raise Fault(f"order lists reaches, numbers from 0 to {len(known) - 1}, not {order!r}")
    places = np.cumsum([DIRECTIONS[i] for i in order], axis=0)
    if not np.isin(places, (0, 1)).all() or places[-1].any():
        raise Fault(
            f"the reaches {list(order)} leave the square or do not end where they began, at the lower left corner; "
            "0, 1, 2, 3 are right, up, left, down"
        )
    return tuple(order)
