"""Linear filters over time, v_t = c_t v_{t−1} + ε g_t, for all times of a block at once.

Within a block of K times v is a lower triangular matrix times g, and v before the block times a product of decays:
two products a block in place of K steps, and the numbers of a filter take T · K places, never T².
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.errors import Fault
from rnnrepro.reduce import product

BLOCK = 32
"""K. Shorter blocks cost more calls, longer ones more arithmetic: on a processor the time is least from 16 to 64, for
two numbers a step and sequence as for a thousand."""


@dataclass(frozen=True)
class Filter:
    """`inside` (S, n, K, K): the weight of g_j in v_t of each of n blocks; `before` (S, n, K): of v before the block;
    `reach` (S, T): of v before the first step in v_t."""

    inside: Tensor
    before: Tensor
    reach: Tensor

    def __call__(self, g: Tensor, start: Tensor | None = None) -> Tensor:
        """v (S, T, B, C) from g (S, T, B, C) and v before the first step, (S, B, C) (None: zeros)."""
        first = None if start is None else start.flatten(1)
        return _Filter.apply(g.flatten(2), first, self.inside, self.before).view(g.shape)


def filter_of(decay: Tensor, gain: Tensor, like: Tensor) -> Filter:
    """The filter with decays c (S, T) and gains ε (S,), of the same type of number as `like`."""
    runs, time = decay.shape
    length = min(time, BLOCK)
    blocks = -(-time // length)
    c = torch.nn.functional.pad(decay.double(), (0, blocks * length - time)).view(runs, blocks, length)
    after = torch.ones(length, length, dtype=torch.bool, device=c.device).tril(-1)  # t > j
    factors = torch.where(after, c[..., None], 1.0)
    inside = factors.cumprod(2).tril() * gain.double().view(-1, 1, 1, 1)
    reach = decay.double().cumprod(1)
    return Filter(*(_normal(weights.to(like.dtype)) for weights in (inside, c.cumprod(2), reach)))


def _normal(weights: Tensor) -> Tensor:
    """0 in place of the numbers that are not normal, with which a processor computes many times slower."""
    return weights.masked_fill(weights.abs() < torch.finfo(weights.dtype).tiny, 0.0)


def constant(decay: Tensor, time: int) -> Tensor:
    """The same decay (S,) at every time, (S, T)."""
    return decay[:, None].expand(-1, time)


def number_a_run(
    name: str, value: float | Sequence[float], runs: int, *, low: float = -math.inf, below: float = math.inf
) -> list[float]:
    """One number a run from one number or a list. Raises Fault for another count and for one outside [low, below)."""
    found = list(value) if isinstance(value, Sequence) else [value] * runs
    if len(found) != runs:
        raise Fault(f"{name}: a number for each run: {runs} runs, {len(found)} numbers")
    for number in found:
        if not (low <= number < below and math.isfinite(number)):
            raise Fault(f"{name} is a finite number, at least {low:g} and below {below:g}; not {number}")
    return [float(number) for number in found]


class _Filter(torch.autograd.Function):
    """v (S, T, C) from g (S, T, C); the derivative is the same filter backwards in time, and saves no sequence."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, start: Tensor | None, inside: Tensor, before: Tensor) -> Tensor:
        ctx.save_for_backward(inside, before)
        ctx.starts = start is not None
        v, last = torch.empty_like(g, memory_format=torch.contiguous_format), start
        for k, (a, b) in enumerate(_blocks(g, inside)):
            block = product(inside[:, k, : b - a, : b - a], g[:, a:b])
            if last is not None:
                block += before[:, k, : b - a, None] * last[:, None]
            v[:, a:b] = block
            last = block[:, -1]
        return v

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dv: Tensor) -> tuple[Tensor | None, ...]:
        inside, before = ctx.saved_tensors
        dg, arriving = torch.empty_like(dv, memory_format=torch.contiguous_format), None
        for k, (a, b) in reversed(list(enumerate(_blocks(dv, inside)))):
            block = dv[:, a:b]
            if arriving is not None:
                block = torch.cat((block[:, :-1], block[:, -1:] + arriving), 1)
            dg[:, a:b] = product(inside[:, k, : b - a, : b - a].mT, block)
            arriving = product(before[:, k, None, : b - a], block)
        return dg, arriving[:, 0] if ctx.starts else None, None, None


def _blocks(g: Tensor, inside: Tensor) -> list[tuple[int, int]]:
    time, length = g.shape[1], inside.shape[-1]
    return [(a, min(a + length, time)) for a in range(0, time, length)]
