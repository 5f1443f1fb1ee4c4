"""What every update is: the map from the recurrent product and the drive to the next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

State = tuple[Tensor, ...]


class Update:
    """One step of a recurrence. The constructor takes its settings; it holds no tensor.

    On a CPU a run's numbers must be the same bits in any stack. PyTorch evaluates the last few elements of a
    contiguous tensor by other code than the rest, and for some functions (sigmoid, elu, softplus, gelu) that
    code rounds differently; which elements these are depends on the stack. Safe: arithmetic, tanh, exp, expm1,
    and any function of a tensor whose rows of N are not adjacent in memory. The conformance checks tell.
    """

    gates: ClassVar[int] = 1
    """W is N → gates · N, and z has gates · N columns."""

    slots: ClassVar[int] = 1
    """Number of (S, B, N) tensors in the state; the first is the output h."""

    groups: ClassVar[Mapping[str, str]] = {}
    """Parameter name -> group of the optimiser; a name that is missing belongs to `main`."""

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        """Initial values (S, ·) of the update's own parameters, run i drawn from `generators[i]`."""
        return {}

    def step(self, p: Mapping[str, Tensor], state: State, recurrent: Tensor, z_t: Tensor) -> State:
        """The state at t from the one at t − 1.

        `p` holds the parameters expanded to (S, B, ·); `recurrent` = h_{t-1} W and `z_t` are
        (S, B, gates · N). Pure, and differentiable in all of them.
        """
        raise NotImplementedError
