"""Reductions over a run's elements that do not depend on which other runs share the stack."""

from __future__ import annotations

import torch
from torch import Tensor


def sum_per_run(x: Tensor) -> Tensor:
    """Sum of each run's elements: (S, …) -> (S,).

    On a CPU run by run, because the order in which one batched reduction adds up depends on the shape of
    the whole stack, and a run's numbers must be the same to the last bit alone and in any stack.
    """
    if x.device.type != "cpu":
        return x.flatten(1).sum(1) if x.dim() > 1 else x
    return torch.stack([run.reshape(-1).sum() for run in x.unbind(0)])
