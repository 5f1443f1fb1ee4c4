"""Averaged SGD from the time on that the validation loss stops falling (NT-ASGD; Merity, Keskar and Socher 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix
from rnnrepro.models.network import Network
from rnnrepro.reduce import where_run
from rnnrepro.training.history import History


class Averages:
    """The mean of each run's parameters over all its steps since its averaging began: Polyak averages.

    A run's averaging begins after an evaluation whose loss is above the best of all earlier ones but the last
    `window`, and never ends. What is evaluated from then on is the mean; training goes on from the last weights.
    The authors' code (torch.optim.ASGD with t0 = 0) leaves the very first of the averaged steps out.

    `begun` (S,) bool, `count` (S,) float64: steps averaged. Raises Fault for a network whose matrices change
    themselves after a step, because then a mean of parameters says nothing.
    """

    def __init__(self, network: Network, window: int) -> None:
        for layer in network.layers:
            kind = type(layer.matrix)
            if kind.after_step is not Matrix.after_step or layer.retractions():
                raise Fault(
                    f"averaging: {kind.__name__} changes itself after each step, so that a mean of its parameters is "
                    "no such matrix; set `averaging: none`"
                )
        device = network.readout.device
        self.window = window
        self.begun = torch.zeros(network.runs, dtype=torch.bool, device=device)
        self.count = torch.zeros(network.runs, dtype=torch.float64, device=device)
        self.means = {name: torch.zeros_like(value) for name, value in _values(network).items()}

    def look(self, losses: Sequence[Sequence[float]]) -> None:
        """Begin where the last of a run's validation `losses` says so: one list a run, in order."""
        over = [_passed(values, self.window) for values in losses]
        self.begun = self.begun | torch.tensor(over, dtype=torch.bool, device=self.begun.device)

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take the weights after a step into the means of the runs that average."""
        if not self.begun.any():
            return
        self.count = self.count + self.begun
        terms = self.count.clamp(min=1)
        for name, value in _values(network).items():
            mean = self.means[name]
            share = terms.to(mean).reshape((-1,) + (1,) * (mean.dim() - 1))
            self.means[name] = where_run(self.begun, mean + (value - mean) / share, mean)

    @contextmanager
    def shown(self, network: Network) -> Iterator[None]:
        """Within, the parameters of the runs that have a mean are it."""
        averaged = self.count > 0
        if not averaged.any():
            yield
            return
        kept = {name: value.clone() for name, value in _values(network).items()}
        try:
            _fill(network, {n: where_run(averaged, self.means[n], value) for n, value in kept.items()})
            yield
        finally:
            _fill(network, kept)

    def take(self, rows: Sequence[int]) -> Averages:
        """Those of the runs at the positions `rows`."""
        return self._with({name: value[list(rows)] for name, value in self.state().items()})

    def state(self) -> dict[str, Tensor]:
        """Tensors for a checkpoint, each with leading S."""
        means = {f"mean/{name}": value for name, value in self.means.items()}
        return {"begun": self.begun, "count": self.count, **means}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        vars(self).update(vars(self._with(state)))

    def _with(self, state: Mapping[str, Tensor]) -> Averages:
        made = object.__new__(Averages)
        made.window = self.window
        made.begun, made.count = state["begun"], state["count"]
        made.means = {name: state[f"mean/{name}"] for name in self.means}
        return made


def _passed(losses: Sequence[float], window: int) -> bool:
    """Whether the last loss is above the best of those before it, but for the last `window` of these."""
    earlier = losses[:-1][:-window]
    return bool(earlier) and losses[-1] > min(earlier)


def losses_of(histories: Sequence[History], split: str, metric: str) -> list[list[float]]:
    """Each run's losses on the split so far."""
    return [[value for _, value in history.curve(split, metric)] for history in histories]


def _values(network: Network) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


@torch.no_grad()
def _fill(network: Network, values: Mapping[str, Tensor]) -> None:
    for name, parameter in network.named_parameters():
        parameter.copy_(values[name])
