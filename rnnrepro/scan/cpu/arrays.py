"""What a compiled scan reads, as arrays that lead with the run axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnnrepro.drives.projection import Factored
from rnnrepro.errors import Fault
from rnnrepro.scan.source import Signature

DENSE, FLOATS, INDICES = 0, 1, 2


def factors(z: Tensor | Factored) -> tuple[list[Tensor], int]:
    """[z], or the factors [x, U, bias], and which of the three forms it is. Raises Fault for a symbol unknown."""
    if not isinstance(z, Factored):
        return [z], DENSE
    bias = z.weight.new_zeros(len(z.weight), z.weight.shape[2]) if z.bias is None else z.bias
    if z.x.dtype != torch.int64:
        return [z.x.to(z.weight.dtype), z.weight, bias], FLOATS
    if z.x.numel() and not (int(z.x.min()) >= 0 and int(z.x.max()) < z.weight.shape[1]):
        raise Fault(f"the inputs hold a symbol outside 0…{z.weight.shape[1] - 1}")
    return [z.x, z.weight, bias], INDICES


@dataclass(frozen=True)
class Inputs:
    """W (S, N, M); z (S, T, B, M), or x (S, T, B, D) with U (S, D + 1, M) whose last row is the bias, or index
    (S, T, B) with U (S, D, M) whose every row has it added; a slot of `state` (S, B, ·); p (S, P, units); q
    (S, T, Q). What the form of z leaves out is one number a run.
    """

    W: np.ndarray
    z: np.ndarray
    x: np.ndarray
    index: np.ndarray
    U: np.ndarray
    state: tuple[np.ndarray, ...]
    p: np.ndarray
    q: np.ndarray

    @property
    def runs(self) -> int:
        """S."""
        return len(self.W)

    @property
    def time(self) -> int:
        """T."""
        return self.q.shape[1]

    @property
    def batch(self) -> int:
        """B."""
        return self.state[0].shape[1]


def inputs(signature: Signature, mode: int, constants: Sequence[float], tensors: Sequence[Tensor]) -> Inputs:
    """The arrays of the contiguous tensors W, z or its factors, slots, parameters (S, units) and scalars (S, T)."""
    rest = iter(tensors)
    W = next(rest).numpy()
    z = [next(rest).numpy() for _ in range(1 if mode == DENSE else 3)]
    state = tuple(next(rest).numpy() for _ in signature.state)
    parameters = [next(rest).numpy() for _ in signature.parameters]
    scalars = [next(rest).numpy() for _ in signature.scalars]
    runs, time = z[0].shape[:2]
    units = W.shape[1] // len(signature.state[signature.reads])
    p = np.empty((runs, len(parameters), units), np.float32)
    for i, values in enumerate(parameters):
        p[:, i] = values
    q = np.empty((runs, time, len(scalars) + len(constants)), np.float32)
    for i, values in enumerate([*scalars, *constants]):
        q[:, :, i] = values
    nothing = np.zeros((runs, 1, 1, 1), np.float32)
    return Inputs(
        W,
        z[0] if mode == DENSE else nothing,
        z[0] if mode == FLOATS else nothing,
        z[0] if mode == INDICES else np.zeros((runs, 1, 1), np.int64),
        _with_bias(mode, *z) if mode != DENSE else nothing[:, 0],
        state,
        p,
        q,
    )


def _with_bias(mode: int, x: np.ndarray, U: np.ndarray, bias: np.ndarray) -> np.ndarray:
    rows = bias[:, None]
    return np.concatenate((U, rows), axis=1) if mode == FLOATS else U + rows


def without_bias(mode: int, dU: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of U and of the bias, apart again."""
    return (dU[:, :-1], dU[:, -1]) if mode == FLOATS else (dU, dU.sum(1))
