"""Operations on a stack of runs in which no run's numbers depend on which others share the stack."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import BoolTensor, Tensor


def sum_per_run(x: Tensor) -> Tensor:
    """Sum of each run's elements: (S, …) -> (S,).

    On a CPU run by run, because the order in which one batched reduction adds up depends on the shape of
    the whole stack, and a run's numbers must be the same to the last bit alone and in any stack.
    """
    if x.device.type != "cpu":
        return x.flatten(1).sum(1) if x.dim() > 1 else x
    return torch.stack([run.reshape(-1).sum() for run in x.unbind(0)])


def product(x: Tensor, w: Tensor) -> Tensor:
    """x w of each run: (S, R, N) and (S, N, M) -> (S, R, M).

    On a CPU run by run where a run has one row alone (R = 1): MKL multiplies that otherwise in a batch than by
    itself, on processors with AVX-512 at least.
    """
    if x.device.type != "cpu" or x.shape[1] != 1 or len(x) == 1:
        return torch.bmm(x, w)
    return torch.cat([torch.bmm(x[i : i + 1], w[i : i + 1]) for i in range(len(x))])


def finite_per_run(x: Tensor) -> BoolTensor:
    """Whether all elements of each run are finite: (S, …) -> (S,)."""
    return x.isfinite().flatten(1).all(1)


def where_run(condition: BoolTensor, x: Tensor, y: Tensor | float) -> Tensor:
    """`x` (S, …) for the runs where `condition` (S,) is true, `y` for the others."""
    return torch.where(condition.view(-1, *(1,) * (x.dim() - 1)), x, y)


def each_run(function: Callable[..., tuple[Tensor, ...]], *stacks: Tensor) -> tuple[Tensor, ...]:
    """`function` of tensors (S, …), on a CPU called for one run (1, …) at a time and joined again.

    For what is not the same to the last bit in a stack: complex arithmetic elementwise (the last elements of
    an array take another path than the others, and a stack moves them) and decompositions.
    """
    if stacks[0].device.type != "cpu":
        return function(*stacks)
    runs = range(len(stacks[0]))
    parts = [function(*(stack[i : i + 1].contiguous() for stack in stacks)) for i in runs]
    return tuple(torch.cat(part) for part in zip(*parts, strict=True))
