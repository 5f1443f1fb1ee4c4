"""The recurrent part of a network: a matrix, a drive and an update, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.base import Drive
from rnnrepro.drives.projection import Embedded
from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix
from rnnrepro.scan import scan
from rnnrepro.updates.base import State, Update


class Recurrence(nn.Module):
    """z = drive(x); W = matrix(); state_t = update(state_{t-1}, h_{t-1} W, z_t).

    The state is a flat tuple of (S, B, ·) tensors: the update's slots (h first), then the drive's. It starts from
    zeros, or, if `start` names an initialiser, h from `start` (S, features), `trained` or kept as drawn. `credit` is
    that of the learning rule, and `backend` the form of the scan that runs (`rnnrepro.scan.CREDITS`, `BACKENDS`).
    Raises Fault for a complex update of a real matrix and the reverse.
    """

    def __init__(
        self,
        matrix: Matrix,
        drive: Drive,
        update: Update,
        *,
        generators: Sequence[Generator],
        start: str | None = None,
        trained: bool = True,
        credit: str = "full",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if matrix.planes != len(update.state[update.reads]):
            raise Fault(
                f"{type(matrix).__name__} multiplies states of {matrix.planes} numbers a unit, "
                f"{type(update).__name__} has {len(update.state[update.reads])}: both real or both complex"
            )
        self.matrix = matrix
        self.drive = drive
        self.rule = update
        self.backend = "auto"
        self.credit = credit
        values = update.parameters(matrix.hidden_size, generators=generators, dtype=dtype)
        self.update = nn.ParameterDict({name: nn.Parameter(value) for name, value in values.items()})
        drawn = None if start is None else fill(start, generators, (self.features,), dtype=dtype)
        if drawn is None or trained:
            self.start = None if drawn is None else nn.Parameter(drawn)
        else:
            self.register_buffer("start", drawn)

    @property
    def features(self) -> int:
        """Numbers in an output h: N, or 2N where units are complex (real parts, then imaginary ones)."""
        return len(self.rule.state[0]) * self.matrix.hidden_size

    def forward(
        self, x: Tensor | Embedded, state: State | None = None, every: bool = True, W: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs h (S, T, B, features), or (S, 1, B, features) of the last time unless `every`, and the last state.

        x is (S, T, B, D), embedded, or int64 (S, T, B). `state` None is the first state. W is built unless given.
        """
        slots = self.rule.slots
        z, after = self.drive(x, () if state is None else state[slots:])
        W = self.matrix.build() if W is None else W
        start = self.first(x.shape[0], x.shape[2]) if state is None else state[:slots]
        h, last = scan(
            self.rule, dict(self.update.items()), W, z, start, self.credit, backend=self.backend, every=every
        )
        repeats = self.drive.repeats if every else 1
        return (h if repeats == 1 else h[:, repeats - 1 :: repeats]), (*last, *after)

    def parameter_groups(self) -> dict[str, str]:
        """Parameter name -> group of the optimiser."""
        owners = {"matrix": self.matrix.groups, "drive": self.drive.groups, "update": self.rule.groups}
        parts = ((name, *name.partition(".")[::2]) for name, _ in self.named_parameters())
        return {name: owners.get(part, {}).get(own, "main") for name, part, own in parts}

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        """Parameter name -> what moves it by an optimiser's step, for those that are not to have it subtracted."""
        return {f"matrix.{name}": partial(self.matrix.retract, name) for name in self.matrix.retracted}

    def first(self, runs: int, batch: int) -> State:
        """The state before the first input, of the update alone: a tuple of (S, B, ·)."""
        like = next(self.parameters())
        sizes = [len(parts) * self.matrix.hidden_size for parts in self.rule.state]
        zeros = tuple(like.new_zeros(runs, batch, size) for size in sizes)
        if self.start is None:
            return zeros
        return (self.start[:, None].expand(-1, batch, -1), *zeros[1:])
