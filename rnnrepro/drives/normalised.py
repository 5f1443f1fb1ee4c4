"""Sequences accumulated and divided by the root of their accumulated squares, as by Adam and RMSProp."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.drives.filters import constant, filter_of

SMALL = 1e-16

Start = Tensor | None


def normalised(
    g: Tensor, mu: Tensor, epsilon: Tensor, beta: Tensor, v: Start = None, s: Start = None
) -> tuple[Tensor, Tensor, Tensor]:
    """z = v/√(s + 1e-16) (S, T, B, C), and v and s (S, B, C) of the last step.

    v_t = μ v_{t−1} + ε g_t and s_t = β s_{t−1} + (1 − β) g_t², for g (S, T, B, C) and `mu`, `epsilon` and `beta` (S,);
    `v` and `s` are before the first step, (S, B, C) (None: zeros). Float32 numbers on a processor go through compiled
    loops in one pass, all others through filters.
    """
    if g.device.type == "cpu" and g.dtype == torch.float32 and _can_compile():
        first = [torch.zeros_like(g[:, 0]) if start is None else start for start in (v, s)]
        return _Compiled.apply(g, *first, mu, epsilon, beta)
    return plainly(g, mu, epsilon, beta, v, s)


def plainly(
    g: Tensor, mu: Tensor, epsilon: Tensor, beta: Tensor, v: Start = None, s: Start = None
) -> tuple[Tensor, Tensor, Tensor]:
    """As `normalised`, in PyTorch's operations alone."""
    found = filter_of(constant(mu, g.shape[1]), epsilon, g)(g, v)
    squares = filter_of(constant(beta, g.shape[1]), 1 - beta, g)(g * g, s)
    return found / torch.sqrt(squares + SMALL), found[:, -1], squares[:, -1]


@cache
def _can_compile() -> bool:
    return importlib.util.find_spec("numba") is not None


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, v: Tensor, s: Tensor, *numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from rnnrepro.drives import compiled

        g = g.contiguous()
        last = [start.clone(memory_format=torch.contiguous_format) for start in (v, s)]
        z, inverse = torch.empty_like(g), torch.empty_like(g)
        for i, weights in enumerate(_of_runs(numbers)):
            compiled.forward(
                _rows(g[i]), *weights, *(_row(end[i]) for end in last), _rows(z[i]), _rows(inverse[i])
            )
        ctx.save_for_backward(g, z, inverse, *numbers)
        return z, *last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor, *ends: Tensor) -> tuple[Tensor | None, ...]:
        from rnnrepro.drives import compiled

        g, z, inverse, *numbers = ctx.saved_tensors
        dz, dg = dz.contiguous(), torch.empty_like(g)
        arriving = [end.clone(memory_format=torch.contiguous_format) for end in ends]
        for i, weights in enumerate(_of_runs(numbers)):
            compiled.backward(
                _rows(dz[i]), _rows(g[i]), *weights, *(_row(end[i]) for end in arriving),
                _rows(z[i]), _rows(inverse[i]), _rows(dg[i]),
            )  # fmt: skip
        return dg, *arriving, None, None, None


def _of_runs(numbers: Any) -> list[tuple[np.float32, ...]]:
    return [
        tuple(np.float32(value) for value in run) for run in zip(*(n.tolist() for n in numbers), strict=True)
    ]


def _rows(x: Tensor) -> np.ndarray:
    return x.flatten(1).numpy()


def _row(x: Tensor) -> np.ndarray:
    return x.flatten().numpy()
