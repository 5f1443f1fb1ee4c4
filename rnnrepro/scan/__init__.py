"""The loop over time. Its plain form is the text of the papers; faster forms stand beside it under one name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.scan import plain
from rnnrepro.updates.base import State, Update

BACKENDS: dict[str, Callable[..., tuple[Tensor, State]]] = {"plain": plain.scan}
CREDITS = ("full",)


def scan(
    update: Update,
    parameters: Mapping[str, Tensor],
    W: Tensor,
    z: Tensor,
    state: State,
    credit: str = "full",
    backend: str = "plain",
    every: bool = True,
) -> tuple[Tensor, State]:
    """Run `update` over time: state_t = update(state_{t-1}, h_{t-1} W, z_t), from `state`.

    `parameters` are the update's own, (S, N) or (S,); W (S, N, M); z (S, T, B, M) with T ≥ 1; `state` a tuple
    of (S, B, N). Returns the outputs h (S, T, B, N), or (S, 1, B, N) of the last time alone unless `every`,
    and the last state. `credit` "full" is backpropagation through time. Raises Fault for an unknown credit or
    backend.
    """
    if credit not in CREDITS:
        raise Fault(f"unknown credit {credit!r}{nearest(credit, CREDITS)}")
    if backend not in BACKENDS:
        raise Fault(f"unknown backend {backend!r}{nearest(backend, BACKENDS)}")
    return BACKENDS[backend](update, parameters, W, z, state, every=every)
