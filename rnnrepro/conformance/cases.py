"""A model on trial: its network at a small size, and what the checks look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

from rnnrepro import tables
from rnnrepro.conformance import matrices, stages
from rnnrepro.drives.projection import Stepped
from rnnrepro.errors import Fault
from rnnrepro.models.composition import build
from rnnrepro.models.network import Network
from rnnrepro.updates.base import Update

SEEDS = (21, 22, 23)
TIME, BATCH, INPUTS, OUTPUTS = 5, 3, 2, 3


@dataclass(frozen=True)
class Case:
    """A model of `tables.MODELS` at hidden size N, with the arguments of its parts."""

    name: str
    hidden: int = 6
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def network(self, seeds: Sequence[int] = SEEDS, dtype: torch.dtype = torch.float64) -> Network:
        """The network with one run a seed, the same each time."""
        generators = [Generator().manual_seed(seed) for seed in seeds]
        return build(
            self.name,
            input_size=INPUTS,
            hidden_size=self.hidden,
            output_size=OUTPUTS,
            arguments=self.arguments,
            generators=generators,
            dtype=dtype,
        )

    def matrix(self) -> matrices.Subject:
        """The model's matrix at its size, for the checks of matrices."""
        row = tables.row("model", self.name)
        width = self._rule().gates * self.hidden
        return matrices.Subject(
            tables.load("matrix", row.matrix), self.hidden, self._arguments("matrix"), width
        )

    def update(self) -> stages.Subject:
        """The model's update at its size, for the checks of stages."""
        update = self._rule()
        one = [Generator().manual_seed(SEEDS[0])]
        parameters = update.parameters(self.hidden, generators=one, dtype=torch.float64)
        z, _ = self.network(SEEDS[:1]).recurrence.drive(some_inputs()[:1])
        return stages.Subject(update, parameters, tuple(z.scalars) if isinstance(z, Stepped) else ())

    def _rule(self) -> Update:
        return tables.load("update", tables.row("model", self.name).update)(**self._arguments("update"))

    def _arguments(self, part: str) -> dict[str, Any]:
        return {**tables.row("model", self.name).defaults.get(part, {}), **self.arguments.get(part, {})}


def demand(held: bool, message: str) -> None:
    """Raises Fault with `message` unless it is `held`."""
    if not held:
        raise Fault(message)


def same(what: str, found: Tensor, expected: Tensor) -> None:
    """Raises Fault unless both have the same bits."""
    demand(torch.equal(found, expected), f"{what}: the bits differ")


def close(what: str, found: Tensor, expected: Tensor) -> None:
    """Raises Fault unless both agree to rounding in float64."""
    off = float((found - expected).detach().abs().max())
    demand(torch.allclose(found, expected, rtol=1e-9, atol=1e-11), f"{what} differ by {off:.1e}")


def some_inputs(dtype: torch.dtype = torch.float64, seed: int = 1) -> Tensor:
    """Random inputs (S, T, B, D), the same each time."""
    shape = (len(SEEDS), TIME, BATCH, INPUTS)
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def some_state(network: Network) -> tuple[Tensor, ...]:
    """A state such as a sequence leaves behind."""
    return tuple(part.detach() for part in network(some_inputs(seed=2))[1])


def descend(network: Network, x: Tensor) -> None:
    """One step of gradient descent, and what follows it."""
    outputs, _ = network(x)
    loss, penalty = (outputs**2).sum(), network.penalty()
    gradients = torch.autograd.grad(
        loss if penalty is None else loss + penalty.sum(), list(network.parameters())
    )
    moved = network.retractions()
    with torch.no_grad():
        for (name, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
            moved.get(name, parameter.sub_)(0.01 * gradient)
    network.after_step(torch.ones(network.runs, dtype=torch.bool))


def everything(network: Network, x: Tensor) -> dict[str, Tensor]:
    """Outputs, states and all gradients, after an optimiser step."""
    descend(network, x)
    x = x.clone().requires_grad_()
    outputs, state = network(x)
    gradients = torch.autograd.grad((outputs**3).sum(), [x, *network.parameters()])
    names = ["input gradient", *(f"gradient of {name}" for name, _ in network.named_parameters())]
    found = {"outputs": outputs} | {f"state {i}": part for i, part in enumerate(state)}
    return {
        name: value.detach() for name, value in (found | dict(zip(names, gradients, strict=True))).items()
    }
