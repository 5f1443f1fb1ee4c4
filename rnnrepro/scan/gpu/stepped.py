"""The form for matrices that no multiprocessor holds: a batched product and one fused pointwise kernel a step.

Its launches are the same at every call of one shape, so that a graph of them can be captured
(`rnnrepro.scan.gpu.captured`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType

import torch
import triton
from torch import Tensor

from rnnrepro.scan.gpu.fit import COMPILING
from rnnrepro.scan.gpu.problem import Backward, Forward, Problem
from rnnrepro.scan.gpu.stepped_text import SteppedTemplate
from rnnrepro.scan.gpu.template import saved_names
from rnnrepro.scan.source import Signature, module_of

BLOCK = 256


@cache
def module(signature: Signature) -> ModuleType:
    """The kernels `forward_step_i` and `backward_step_i`."""
    return module_of(SteppedTemplate(signature).text(), "stepped")


def forward(problem: Problem, tensors: Sequence[Tensor]) -> list[Tensor]:
    """What is kept, what is saved and the last state, from W, z, parameters, scalars and the first state."""
    given = Forward.of(problem, tensors)
    S, T, B, N = problem.runs, problem.time, problem.batch, problem.units
    signature = problem.signature
    state = [
        given.W.new_empty(S, times, B, width)
        for times, width in zip(_times(problem), problem.widths, strict=True)
    ]
    for slot, start in zip(state, given.first, strict=True):
        slot[:, 0] = start
    saved = [given.W.new_empty(S, T if problem.train else 1, B, N) for _ in saved_names(signature)]
    arrived = [given.W.new_empty(S, B, count * N) for count in (signature.gates, 1)]
    read = state[signature.reads]
    kernels = module(signature)
    arguments = [*given.values, *problem.constants, *state, *saved]
    for t in range(T):
        torch.baddbmm(given.z[:, t], read[:, t % read.shape[1]], given.W, out=arrived[0])
        kernels.forward_step_0[_grid(problem)](arrived[0], *arguments, t, T, B, **_settings(problem))
        if len(signature.stages) == 2:
            torch.bmm(saved[-1][:, t % saved[-1].shape[1]], given.W.mT, out=arrived[1])
            kernels.forward_step_1[_grid(problem)](arrived[1], *arguments, t, T, B, **_settings(problem))
    last = [slot[:, T % slot.shape[1]].clone() for slot in state]
    return [*(state[k] for k in problem.kept), *saved[: problem.saves], *last]


def backward(problem: Problem, tensors: Sequence[Tensor]) -> list[Tensor]:
    """dz, of two stages dy, the gradients of parameters and scalars, and of the first state."""
    given = Backward.of(problem, tensors)
    S, T, B, N = problem.runs, problem.time, problem.batch, problem.units
    signature = problem.signature
    kernels, two = SteppedTemplate(signature), len(signature.stages) == 2
    W = given.W
    dz = W.new_empty(S, T, B, signature.gates * N)
    dy, da = W.new_empty(S, T if two else 0, B, N), W.new_empty(S, B, N)
    state = [slot.clone() for slot in given.dlast]
    between = [torch.empty_like(da) for _ in kernels.between()]
    sums = [W.new_zeros(S, B, N) for _ in signature.parameters]
    steps = [W.new_zeros(S, T, len(signature.stages), _grid(problem)[0]) for _ in signature.scalars]
    dout = W if given.dout is None else given.dout
    kept = dict(zip(problem.kept, given.kept, strict=True))
    arguments = [
        *given.values,
        *problem.constants,
        *(kept.get(k, W) for k in range(len(state))),
        *given.saved,
    ]
    arguments += [*state, *between, *sums, *steps]
    launch = module(signature)
    settings = _settings(problem) | {"DOUT": problem.dout}
    for t in reversed(range(T)):
        if two:
            launch.backward_step_1[_grid(problem)](dout, dy, *arguments, t, T, B, **settings)
            torch.bmm(dy[:, t], W, out=da)
        launch.backward_step_0[_grid(problem)](da if two else dout, dz, *arguments, t, T, B, **settings)
        if problem.full:
            state[signature.reads].baddbmm_(dz[:, t], W.mT)
    found = [*(x.sum(1) for x in sums), *(x.sum((2, 3)) for x in steps), *state]
    return [dz, dy, *found] if two else [dz, *found]


def _times(problem: Problem) -> list[int]:
    """For how many times each slot is kept: all, or the present and the next."""
    slots = range(len(problem.signature.state))
    return [problem.time + 1 if k in problem.kept else 2 for k in slots]


def _grid(problem: Problem) -> tuple[int, int]:
    return (triton.cdiv(problem.batch * problem.units, BLOCK), problem.runs)


def _settings(problem: Problem) -> dict[str, object]:
    kept = {f"KEPT_{k}": k in problem.kept for k in range(len(problem.widths))}
    settings = {"N": problem.units, "BLOCK": BLOCK, "SAVED": problem.train}
    return settings | kept | {"num_warps": 4} | COMPILING
