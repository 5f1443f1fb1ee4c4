"""The compiled scan as a function of tensors, differentiated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.drives.projection import Factored
from rnnrepro.scan.cpu.arrays import DENSE, Inputs, factors, inputs, without_bias
from rnnrepro.scan.cpu.kernels import Kernels, kernels
from rnnrepro.scan.cpu.threads import Item, for_each, items, tiles
from rnnrepro.scan.source import Signature
from rnnrepro.updates.base import State, Update


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
) -> tuple[Tensor, State]:
    """As `rnnrepro.scan.scan`, for float32 tensors on the processor; per-step scalars apart from z.

    The runs go over `torch.get_num_threads()` threads, and the sequences of a batch where that shares the work
    out more evenly. With one thread a run's numbers are the same bits in any stack.
    """
    signature = Signature.of(update, parameters, scalars)
    units = W.shape[1] // len(update.state[update.reads])
    arrays, mode = factors(z)
    spread = [value.reshape(len(value), -1).expand(-1, units) for value in parameters.values()]
    tensors = [W, *arrays, *state, *spread, *scalars.values()]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    constants = tuple(update.constants.values())
    call = _Call(kernels(signature), signature, constants, mode, credit == "full", every, keep)
    outputs, *last = _Scan.apply(call, *tensors)
    return outputs, tuple(last)


@dataclass(frozen=True)
class _Call:
    """A scan but for its tensors. `keep`: whether a backward pass may follow."""

    kernels: Kernels
    signature: Signature
    constants: tuple[float, ...]
    mode: int
    full: bool
    every: bool
    keep: bool

    def inputs(self, tensors: Sequence[Tensor]) -> Inputs:
        return inputs(self.signature, self.mode, self.constants, tensors)

    def sequences(self, given: Inputs) -> list[Tensor]:
        """Room for each slot: at all times where they are wanted afterwards, at two otherwise."""
        room = []
        for k, start in enumerate(given.state):
            kept = self.keep and k in (0, self.signature.reads)
            length = given.time if kept or (k == 0 and self.every) else 2
            room.append(torch.empty(given.runs, length, given.batch, start.shape[2]))
        return room

    def saves(self, given: Inputs) -> list[Tensor]:
        """Room for what the stages save, and for what goes into a second product."""
        lead = (given.runs, given.time if self.keep else 1, given.batch)
        second = given.W.shape[2] if len(self.signature.stages) == 2 else 0
        return [torch.empty(*lead, self.kernels.saved * given.p.shape[2]), torch.empty(*lead, second)]

    def forward(self, given: Inputs, last: list[Tensor], kept: list[Tensor]) -> None:
        """Fill `last` and `kept`: sequences, then saves."""
        ends = [part.numpy() for part in last]
        *slots, saved, middle = [part.numpy() for part in kept]

        def run(item: Item) -> None:
            s = item.run
            self.kernels.forward(
                given.W[s], self.mode, given.z[s], given.x[s], given.index[s], given.U[s],
                _of_run(given.state, s), _of_run(ends, s), _of_run(slots, s), saved[s], middle[s],
                given.p[s], given.q[s], item.b0, item.b1, self.keep,
            )  # fmt: skip

        self._spread(given, run)

    def _spread(self, given: Inputs, run: Any) -> None:
        threads = torch.get_num_threads()
        count = tiles(given.runs, given.batch, threads)
        for_each(run, items(given.runs, given.batch, count), threads)

    def backward(
        self, given: Inputs, kept: list[Tensor], g: Tensor, ends: list[Tensor], out: _Gradients
    ) -> None:
        """Fill `out` from the gradients of the outputs and of the last state, which is overwritten."""
        gradient = g.numpy()
        arriving = [part.numpy() for part in ends]
        *slots, saved, middle = [part.numpy() for part in kept]

        def run(item: Item) -> None:
            s, i = item.run, item.tile
            self.kernels.backward(
                given.W[s], self.mode, given.x[s], given.index[s], given.U[s],
                _of_run(given.state, s), _of_run(slots, s), saved[s], middle[s], given.p[s], given.q[s],
                gradient.shape[1] == given.time, gradient[s], _of_run(arriving, s), _of_run(out.state, s),
                self.full, item.b0, item.b1, out.W[s, i], out.z[s], out.x[s], out.U[s, i],
                out.p[s, i], out.q[s, i],
            )  # fmt: skip

        self._spread(given, run)


class _Gradients:
    """Room for all gradients: of each piece of a batch apart where the pieces add up."""

    def __init__(self, given: Inputs, dense: bool, wanted: Sequence[bool]) -> None:
        count = tiles(given.runs, given.batch, torch.get_num_threads())
        pieces, nothing = (given.runs, count), np.empty((given.runs, 0, 0, 0), np.float32)
        width = given.W.shape[2]
        self.W = np.zeros((*pieces, *given.W.shape[1:]), np.float32)
        full = (given.runs, given.time, given.batch)
        self.z = np.empty((*full, width), np.float32) if dense and wanted[1] else nothing
        self.x = np.empty((*full, given.x.shape[3]), np.float32) if not dense and wanted[1] else nothing
        self.U = np.zeros((*pieces, *given.U.shape[1:]))
        self.state = tuple(np.empty_like(part) for part in given.state)
        self.p = np.zeros((*pieces, *given.p.shape[1:]))
        self.q = np.zeros((*pieces, *given.q.shape[1:]))

    def tensors(self, call: _Call, wanted: Sequence[bool]) -> list[Tensor | None]:
        """A gradient for each tensor of the call, None where it is not wanted."""
        p, q = _summed(self.p), _summed(self.q)
        entering = [self.z] if call.mode == DENSE else [self.x, *without_bias(call.mode, _summed(self.U))]
        found = [
            _summed(self.W),
            *entering,
            *self.state,
            *(p[:, i] for i in range(len(call.signature.parameters))),
            *(q[:, :, i] for i in range(len(call.signature.scalars))),
        ]
        return [
            torch.from_numpy(np.ascontiguousarray(array)) if want else None
            for array, want in zip(found, wanted, strict=True)
        ]


def _summed(pieces: np.ndarray) -> np.ndarray:
    """The sum over the pieces of a batch, axis 1, as float32."""
    total = pieces[:, 0]
    for i in range(1, pieces.shape[1]):
        total = total + pieces[:, i]
    return total.astype(np.float32, copy=False)


def _of_run(arrays: Sequence[np.ndarray], run: int) -> tuple[np.ndarray, ...]:
    return tuple(array[run] for array in arrays)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        whole = [tensor.detach().contiguous() for tensor in tensors]
        given = call.inputs(whole)
        last = [torch.empty(part.shape) for part in given.state]
        kept = [*call.sequences(given), *call.saves(given)]
        call.forward(given, last, kept)
        outputs = kept[0] if call.every else last[0].unsqueeze(1).clone()
        if call.keep:
            ctx.call = call
            ctx.count = len(whole)
            ctx.save_for_backward(*whole, *kept)
        return outputs, *last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor | None, *ends: Tensor | None) -> tuple[Tensor | None, ...]:
        call, wanted = ctx.call, ctx.needs_input_grad[1:]
        whole, kept = ctx.saved_tensors[: ctx.count], list(ctx.saved_tensors[ctx.count :])
        given = call.inputs(whole)
        if g is None:
            g = torch.zeros(given.runs, 1, given.batch, given.state[0].shape[2])
        arriving = [
            torch.zeros(part.shape) if end is None else end.clone(memory_format=torch.contiguous_format)
            for part, end in zip(given.state, ends, strict=True)
        ]
        found = _Gradients(given, call.mode == DENSE, wanted)
        call.backward(given, kept, g.contiguous(), arriving, found)
        return None, *found.tensors(call, wanted)
