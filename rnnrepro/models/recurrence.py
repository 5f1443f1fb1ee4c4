"""The recurrent part of a network: a matrix, a drive and an update, put together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.base import Drive
from rnnrepro.drives.projection import Embedded
from rnnrepro.matrices.base import Matrix
from rnnrepro.scan import scan
from rnnrepro.updates.base import State, Update


class Recurrence(nn.Module):
    """z = drive(x); W = matrix(); state_t = update(state_{t-1}, h_{t-1} W, z_t).

    The state is a flat tuple of (S, B, ·) tensors: the update's slots (h first), then the drive's. `backend` says
    which form of the scan runs (`rnnrepro.scan.BACKENDS`).
    """

    def __init__(
        self,
        matrix: Matrix,
        drive: Drive,
        update: Update,
        *,
        generators: Sequence[Generator],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.matrix = matrix
        self.drive = drive
        self.rule = update
        self.backend = "auto"
        values = update.parameters(matrix.hidden_size, generators=generators, dtype=dtype)
        self.update = nn.ParameterDict({name: nn.Parameter(value) for name, value in values.items()})

    def forward(
        self, x: Tensor | Embedded, state: State | None = None, every: bool = True, W: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs h (S, T, B, N), or (S, 1, B, N) of the last time unless `every`, and the last state.

        x is (S, T, B, D), embedded, or int64 (S, T, B). `state` None is all zeros. W is built unless given.
        """
        slots = self.rule.slots
        z, after = self.drive(x, () if state is None else state[slots:])
        W = self.matrix.build() if W is None else W
        start = self._zeros(x, W) if state is None else state[:slots]
        h, last = scan(self.rule, dict(self.update.items()), W, z, start, backend=self.backend, every=every)
        return h, (*last, *after)

    def parameter_groups(self) -> dict[str, str]:
        """Parameter name -> group of the optimiser."""
        owners = {"matrix": self.matrix, "drive": self.drive, "update": self.rule}
        parts = ((name, *name.split(".", 1)) for name, _ in self.named_parameters())
        return {name: owners[part].groups.get(own, "main") for name, part, own in parts}

    def _zeros(self, x: Tensor | Embedded, W: Tensor) -> State:
        units = W.shape[1] // len(self.rule.state[self.rule.reads])
        return tuple(W.new_zeros(x.shape[0], x.shape[2], len(parts) * units) for parts in self.rule.state)
