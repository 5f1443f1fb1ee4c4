"""The persistent form: one launch for a whole sequence, W resident in each multiprocessor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType

import torch
import triton
from torch import Tensor

from rnnrepro.scan.gpu.fit import COMPILING, TILE, Fit
from rnnrepro.scan.gpu.problem import Backward, Forward, Problem
from rnnrepro.scan.gpu.resident_text import ResidentTemplate
from rnnrepro.scan.source import Signature, module_of


@cache
def module(signature: Signature, chunks: int) -> ModuleType:
    """The kernels `forward` and `backward`."""
    return module_of(ResidentTemplate(signature, chunks).text(), "resident")


def forward(problem: Problem, fit: Fit, tensors: Sequence[Tensor]) -> list[Tensor]:
    """What is kept, what is saved and the last state, from W, z, parameters, scalars and the first state."""
    given = Forward.of(problem, tensors)
    S, T, B, N = problem.runs, problem.time, problem.batch, problem.units
    kept = {k: given.W.new_empty(S, T + 1, B, problem.widths[k]) for k in problem.kept}
    for k, slot in kept.items():
        slot[:, 0] = given.first[k]
    saved = [given.W.new_empty(S, T, B, N) for _ in range(problem.saves)]
    last = [torch.empty_like(slot) for slot in given.first]
    kernels = ResidentTemplate(problem.signature, fit.chunks)
    spare = given.W  # what is neither kept nor saved is not written
    arguments = [given.W, given.z, *given.values, *problem.constants, *given.first, *last]
    arguments += [kept.get(k, spare) for k in kernels.kept]
    arguments += saved or [spare] * len(kernels.saved)
    module(problem.signature, fit.chunks).forward[_grid(problem)](
        *arguments,
        T,
        B,
        **_settings(problem, fit),
        TRAIN=problem.train,
        EVERY=bool(problem.kept),
    )
    return [*kept.values(), *saved, *last]


def backward(problem: Problem, fit: Fit, tensors: Sequence[Tensor]) -> list[Tensor]:
    """dz, of two stages dy, the gradients of parameters and scalars, and of the first state."""
    given = Backward.of(problem, tensors)
    S, T, B, N = problem.runs, problem.time, problem.batch, problem.units
    signature = problem.signature
    tiles = _grid(problem)[1]
    wide = [signature.gates, 1][: len(signature.stages)]
    products = [given.W.new_empty(S, T, B, count * N) for count in wide]
    sums = [given.W.new_empty(S, tiles, N) for _ in signature.parameters]
    steps = [given.W.new_empty(S, tiles, T) for _ in signature.scalars]
    first = [torch.empty_like(slot) for slot in given.dlast]
    arguments = [given.W, *given.values, *problem.constants, *given.kept, *given.saved]
    arguments += [given.W if given.dout is None else given.dout, *given.dlast]
    module(signature, fit.chunks).backward[_grid(problem)](
        *arguments,
        *products,
        *sums,
        *steps,
        *first,
        T,
        B,
        **_settings(problem, fit),
        DOUT=problem.dout,
        FULL=problem.full,
    )
    return [*products, *(x.sum(1) for x in (*sums, *steps)), *first]


def _grid(problem: Problem) -> tuple[int, int]:
    return (problem.runs, triton.cdiv(problem.batch, TILE))


def _settings(problem: Problem, fit: Fit) -> dict[str, object]:
    settings = {"N": problem.units, "TILE": TILE, "U": fit.padded, "PRECISION": problem.precision}
    return settings | {"num_warps": fit.warps} | COMPILING
