"""The scan on a GPU: its forms under one autograd function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.drives.projection import Factored, one_hot
from rnnrepro.errors import Fault, nearest
from rnnrepro.scan.gpu import captured, resident, stepped
from rnnrepro.scan.gpu.fit import Fit, fit, shared_bytes
from rnnrepro.scan.gpu.problem import Problem
from rnnrepro.scan.source import Signature
from rnnrepro.updates.base import State, Update

FORMS = ("resident", "stepped")
PRECISIONS = ("ieee", "tf32x3", "tf32")


def scan(
    update: Update,
    parameters: Mapping[str, Tensor],
    W: Tensor,
    z: Tensor | Factored,
    scalars: Mapping[str, Tensor],
    state: State,
    *,
    credit: str = "full",
    every: bool = True,
    form: str | None = None,
    precision: str | None = None,
) -> tuple[Tensor, State]:
    """As `rnnrepro.scan.scan`, in float32, with the per-step scalars (S, T) of z apart.

    `form` is "resident" (W in one multiprocessor for the whole sequence), "stepped" (a product and a kernel a step)
    or what fits. `precision` is that of the products inside the resident form: "ieee" (float32), "tf32x3" (three
    products of tensor cores for one, nearly float32) or "tf32"; without it that of PyTorch's own products
    (`torch.set_float32_matmul_precision`), which all others follow. Raises Fault for a form or a precision unknown
    and for "resident" where W does not fit.
    """
    signature = Signature.of(update, parameters, scalars)
    z = _dense(z)
    units = W.shape[1] // len(signature.state[signature.reads])
    values = [_each_unit(value, units) for value in parameters.values()]
    tensors = [x.contiguous() for x in (W, z, *values, *scalars.values(), *state)]
    problem = Problem(
        signature,
        tuple(float(value) for value in update.constants.values()),
        *z.shape[:3],
        units=units,
        train=torch.is_grad_enabled() and any(x.requires_grad for x in tensors),
        every=every,
        full=credit == "full",
        precision=_precision(precision),
    )
    with torch.cuda.device_of(W):
        found = _Scan.apply(problem, _form(problem, form, W.device), *tensors)
    return found[0], tuple(found[1:])


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, problem: Problem, fit: Fit | None, *tensors: Tensor
    ) -> tuple:
        if fit is None:
            found = captured.run(("forward", problem), partial(stepped.forward, problem), tensors)
        else:
            found = resident.forward(problem, fit, tensors)
        kept, last = found[: len(problem.kept)], found[len(problem.kept) + problem.saves :]
        if problem.train:
            ctx.problem, ctx.fit = problem, fit
            ctx.set_materialize_grads(False)
            values = tensors[2 : len(tensors) - len(last)]
            ctx.save_for_backward(tensors[0], *values, *found[: len(found) - len(last)])
        return kept[0][:, 1:] if problem.every else last[0].unsqueeze(1).clone(), *last

    @staticmethod
    @once_differentiable
    def backward(
        ctx: torch.autograd.function.FunctionCtx, dout: Tensor | None, *dlast: Tensor | None
    ) -> tuple:
        problem, own = ctx.problem, list(ctx.saved_tensors)
        dlast = [
            own[0].new_zeros(problem.runs, problem.batch, width) if d is None else d.contiguous()
            for d, width in zip(dlast, problem.widths, strict=True)
        ]
        if dout is not None and not problem.every:
            dlast[0], dout = dlast[0] + dout[:, 0], None
        problem = _with_dout(problem, dout)
        tensors = [*own, *([] if dout is None else [dout.contiguous()]), *dlast]
        if ctx.fit is None:
            found = captured.run(("backward", problem), partial(stepped.backward, problem), tensors)
        else:
            found = resident.backward(problem, ctx.fit, tensors)
        dy = found.pop(1) if len(problem.signature.stages) == 2 else None
        dW = _weight_gradient(problem, own, found[0], dy) if ctx.needs_input_grad[2] else None
        return None, None, dW, *found


def _weight_gradient(problem: Problem, own: Sequence[Tensor], dz: Tensor, dy: Tensor | None) -> Tensor:
    """Σ_t hᵀ dz + dyᵀ a: one product over all times and sequences for each."""
    signature = problem.signature
    first = 1 + len(signature.parameters) + len(signature.scalars)
    h = own[first + problem.kept.index(signature.reads)][:, :-1]
    dW = torch.bmm(h.flatten(1, 2).mT, dz.flatten(1, 2))
    return dW if dy is None else torch.baddbmm(dW, dy.flatten(1, 2).mT, own[-1].flatten(1, 2))


class _Rows(torch.autograd.Function):
    """Row x of each run's table: (S, T, B) and (S, D, M) -> (S, T, B, M). The gradient is a product, as it is then the
    same each time."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.size = table.shape[1]
        return table[torch.arange(len(table), device=table.device)[:, None, None], x]

    @staticmethod
    @once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, dz: Tensor) -> tuple[None, Tensor]:
        (x,) = ctx.saved_tensors
        return None, torch.bmm(one_hot(x, ctx.size, dz.dtype).flatten(1, 2).mT, dz.flatten(1, 2))


def _dense(z: Tensor | Factored) -> Tensor:
    if not isinstance(z, Factored):
        return z
    if z.x.dtype != torch.int64:
        return z.dense()
    return _Rows.apply(z.x, z.weight if z.bias is None else z.weight + z.bias[:, None])


def _each_unit(value: Tensor, units: int) -> Tensor:
    """A parameter (S, N) or (S,) as one number a unit."""
    return value.reshape(len(value), -1).expand(-1, units)


def _form(problem: Problem, form: str | None, device: torch.device) -> Fit | None:
    if form is not None and form not in FORMS:
        raise Fault(f"unknown form {form!r} of the GPU scan{nearest(form, FORMS)}")
    found = (
        None
        if form == "stepped"
        else fit(problem.signature, problem.units, problem.precision, shared_bytes(device))
    )
    if form == "resident" and found is None:
        raise Fault(f"W of {problem.units} units does not fit in one multiprocessor; leave the form out")
    return found


def _precision(precision: str | None) -> str:
    if precision is None:
        return "tf32" if torch.backends.cuda.matmul.fp32_precision == "tf32" else "ieee"
    if precision not in PRECISIONS:
        raise Fault(f"unknown precision {precision!r}{nearest(precision, PRECISIONS)}")
    return precision


def _with_dout(problem: Problem, dout: Tensor | None) -> Problem:
    return problem if dout is None else replace(problem, dout=True)
