"""What every update is: the map from the recurrent product and the drive to the next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from rnnrepro.updates.stage import Stage

State = tuple[Tensor, ...]


class Update:
    """One step of a recurrence. The constructor takes its settings; it holds no tensor.

    One stage: the parts of the new state follow from u = h W + z. Two stages: the first gives a from u = h W + z,
    the second the new state from y = a Wᵀ.

    On a CPU a run's numbers must be the same bits in any stack. PyTorch evaluates the last few elements of a
    contiguous tensor by other code than the rest, and for some functions (sigmoid, elu, softplus, gelu) that
    code rounds differently; which elements these are depends on the stack. Safe in the plain scan: arithmetic,
    tanh, exp, expm1, and any function of a tensor whose rows of N are not adjacent in memory (the gates of an
    update with more than one are such). The conformance checks tell.
    """

    stages: ClassVar[tuple[Stage, ...]]
    """One stage, or two around a product with Wᵀ."""

    state: ClassVar[tuple[tuple[str, ...], ...]] = (("h",),)
    """The slots of the state and the names of their parts. A slot of p parts is (S, B, p · units); the first is
    the output h, and the one that `reads` says is multiplied by W."""

    reads: ClassVar[int] = 0
    """Which slot W multiplies."""

    groups: ClassVar[Mapping[str, str]] = {}
    """Parameter name -> group of the optimiser; a name that is missing belongs to `main`."""

    @property
    def gates(self) -> int:
        """W is N → gates · N, and z has gates · N columns."""
        return len(self.stages[0].inputs)

    @property
    def slots(self) -> int:
        """Number of tensors in the state."""
        return len(self.state)

    @property
    def constants(self) -> Mapping[str, float]:
        """The settings that stages read, by name."""
        return {}

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        """Initial values (S, ·) of the update's own parameters, run i drawn from `generators[i]`."""
        return {}
