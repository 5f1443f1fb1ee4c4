"""Diagonal recurrent matrices: one number for all units, or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix
from rnnrepro.reduce import each_run


class ScaledIdentity(Matrix):
    """W = w I: the parameter `scale` (S,) is w, the sparse form of SBO-RNN (Zhang et al., NeurIPS 2021).

    `scale` is where w starts, one number or one a run. W is dense all the same: a scan takes as long as with any W of
    its size. Raises Fault where there are not as many numbers as runs.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        scale: float | Sequence[float] = 0.0,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        runs = len(generators)
        starts = [float(w) for w in scale] if isinstance(scale, Sequence) else [float(scale)] * runs
        if len(starts) != runs:
            raise Fault(f"scale is one number or one for each of the {runs} runs, not {len(starts)} numbers")
        self.scale = nn.Parameter(torch.tensor(starts, dtype=dtype))

    def build(self) -> Tensor:
        # By itself for each run: the sum over N in the backward pass must not depend on the stack.
        (w,) = each_run(lambda w: (torch.diag_embed(w[:, None].expand(-1, self.hidden_size)),), self.scale)
        return w


class Diagonal(Matrix):
    """W = diag(w): the parameter `weight` (S, N), so that no unit reads another (IndRNN, Li et al., CVPR 2018).

    w starts uniform on [`low`, `high`]. The bound 2^{1/T} that the paper keeps |w| below is not applied. Raises Fault
    for an empty interval.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        low: float = 0.0,
        high: float = 1.0,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        if not low <= high:
            raise Fault(f"the weights start between low and high, and {low} is above {high}: exchange them")
        unit = [torch.rand(hidden_size, generator=g, dtype=torch.float64) for g in generators]
        self.weight = nn.Parameter((low + (high - low) * torch.stack(unit)).to(dtype))

    def build(self) -> Tensor:
        return torch.diag_embed(self.weight)
