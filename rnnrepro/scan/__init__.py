"""The loop over time. Its plain form is the text of the papers; faster forms stand beside it under one name."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from rnnrepro.drives.projection import Factored, Stepped, Z
from rnnrepro.errors import Fault, nearest
from rnnrepro.scan import plain
from rnnrepro.scan.choice import BACKENDS, chosen
from rnnrepro.updates.base import State, Update

CREDITS = ("full", "local")

__all__ = ["BACKENDS", "CREDITS", "chosen", "scan"]


def scan(
    update: Update,
    parameters: Mapping[str, Tensor],
    W: Tensor,
    z: Z,
    state: State,
    credit: str = "full",
    backend: str = "auto",
    every: bool = True,
) -> tuple[Tensor, State]:
    """Run `update` over time from `state`: u = h_{t-1} W + z_t, and the new state from u and the old one.

    `parameters` are the update's own, (S, units) or (S,); W (S, N, M); z (S, T, B, M) with T ≥ 1, as it is, in
    factors or with numbers a step (`rnnrepro.drives.projection`); `state` a tuple of (S, B, ·), one a slot.
    Returns the outputs h (S, T, B, N), or (S, 1, B, N) of the last time alone unless `every`, and the last state.

    `credit` "full" is backpropagation through time; "local" takes h inside h W for a constant. `backend` is one of
    `BACKENDS`: `auto` is the fastest that serves the update on the device of W; every one computes the same, to
    rounding. Raises Fault for an unknown credit or backend and for a backend that the device cannot run.
    """
    if credit not in CREDITS:
        raise Fault(f"unknown credit {credit!r}{nearest(credit, CREDITS)}")
    name = chosen(backend, update, W)
    scalars: Mapping[str, Tensor] = {}
    if isinstance(z, Stepped):
        z, scalars = z.z, z.scalars
    if name == "plain":
        z = z.dense() if isinstance(z, Factored) else z
        return plain.scan(update, parameters, W, z, scalars, state, credit=credit, every=every)
    if name == "cpu":
        from rnnrepro.scan import cpu as fast
    else:
        from rnnrepro.scan import gpu as fast
    return fast.scan(update, parameters, W, z, scalars, state, credit=credit, every=every)
