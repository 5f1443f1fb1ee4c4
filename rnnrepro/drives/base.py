"""What every drive is: parameters with a run axis, and the map from inputs to what enters the recurrence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from rnnrepro.drives.projection import Embedded, Z


class Drive(nn.Module):
    """The drive of S runs; run i draws its start from `generators[i]`.

    `input_size` is D, `hidden_size` N (it only enters fans) and `width` M = gates · N, the columns of z.
    Every parameter and buffer leads with the run axis.
    """

    groups: ClassVar[Mapping[str, str]] = {}
    """Parameter name -> group of the optimiser; a name that is missing belongs to `main`."""

    repeats: int = 1
    """Steps of the scan for each time of the inputs; of them the last one's h counts."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        width: int,
        *,
        generators: Sequence[Generator],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.width = width

    def forward(self, x: Tensor | Embedded, state: tuple[Tensor, ...] = ()) -> tuple[Z, tuple[Tensor, ...]]:
        """z (S, T, B, M), maybe in factors, and the drive's own state, from x (S, T, B, D), embedded or
        one-hot as int64 (S, T, B).

        `state` is () at the start of a sequence, afterwards what the call before returned: (S, B, ·) tensors.
        """
        raise NotImplementedError
