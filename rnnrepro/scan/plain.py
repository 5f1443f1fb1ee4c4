"""The plain scan: one step after the other, differentiated by autograd.

It is the reference that the compiled forms are held against, and serves every update, type of number and device.
Indexing `z[:, t]` would make the backward pass quadratic in T; `unbind` does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnrepro.reduce import product
from rnnrepro.updates.base import State, Update


def scan(
    update: Update,
    parameters: Mapping[str, Tensor],
    W: Tensor,
    z: Tensor,
    scalars: Mapping[str, Tensor],
    state: State,
    *,
    credit: str = "full",
    every: bool = True,
) -> tuple[Tensor, State]:
    """As `rnnrepro.scan.scan`, with z multiplied out and its per-step scalars apart."""
    # Expanded once: the sums over the batch in the backward pass are then made once, not at every step.
    fixed = dict(update.constants) | {
        name: value.reshape(len(value), 1, -1).expand(-1, z.shape[2], -1)
        for name, value in parameters.items()
    }
    steps = {name: value[:, :, None, None].unbind(1) for name, value in scalars.items()}
    outputs = []
    for t, z_t in enumerate(z.unbind(1)):
        values = fixed | {name: value[t] for name, value in steps.items()}
        state = advance(update, values, W, z_t, state, credit)
        if every:
            outputs.append(state[0])
    return torch.stack(outputs or [state[0]], dim=1), state


def advance(
    update: Update, values: Mapping[str, Tensor | float], W: Tensor, z_t: Tensor, state: State, credit: str
) -> State:
    """The state at t from the one at t − 1; `values` are parameters, scalars and constants by name."""
    h = state[update.reads]
    u = product(h if credit == "full" else h.detach(), W) + z_t
    known = {**values, **parts_of(update, state), **_named(update.stages[0].inputs, _chunks(u, update.gates))}
    found = update.stages[0].run(known)
    if len(update.stages) == 2:
        first, second = update.stages
        y = product(found[0], W.mT)
        saved = _named(first.saves, found[1:])
        found = second.run({**known, **saved, **_named(second.inputs, (y,))})
    return joined(update, found)


def parts_of(update: Update, state: State) -> dict[str, Tensor]:
    """Every part of the state by name, (S, B, units)."""
    return {
        name: part
        for names, slot in zip(update.state, state, strict=True)
        for name, part in zip(names, _chunks(slot, len(names)), strict=True)
    }


def joined(update: Update, found: tuple[Tensor, ...]) -> State:
    """The slots of the state from all its parts, in order; what follows the parts is left out."""
    parts, slots = iter(found), []
    for names in update.state:
        own = [next(parts) for _ in names]
        slots.append(own[0] if len(own) == 1 else torch.cat(own, dim=-1))
    return tuple(slots)


def _chunks(x: Tensor, count: int) -> tuple[Tensor, ...]:
    return (x,) if count == 1 else x.chunk(count, dim=-1)


def _named(names: tuple[str, ...], values: tuple[Tensor, ...]) -> dict[str, Tensor]:
    return dict(zip(names, values, strict=False))
