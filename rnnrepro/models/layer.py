"""Each model as a layer for use in other code, with the call convention of `torch.nn.RNN`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.models.composition import check_names, recurrence, resolve
from rnnrepro.models.recurrence import Recurrence
from rnnrepro.updates.base import State


def make(
    name: str,
    *,
    input_size: int,
    hidden_size: int,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    **arguments: Any,
) -> Layer:
    """The model `name` of `tables.MODELS` as a layer that is called like `torch.nn.RNN`.

    `matrix`, `drive`, `update` and `start` take the arguments of the model's parts by name; those left out have the
    model's own defaults. Initial values depend on `seed` alone. Raises Fault for an unknown model or argument,
    with the nearest known name, and for sizes that the model cannot have.

    >>> import torch
    >>> from rnnrepro.models import make
    >>> layer = make("scornn", input_size=3, hidden_size=8, matrix={"negative": 4})
    >>> output, h_n = layer(torch.randn(20, 5, 3))  # (T, B, D), or (T, D) for one sequence
    >>> output.shape, h_n.shape
    (torch.Size([20, 5, 8]), torch.Size([1, 5, 8]))
    >>> output, h_n = layer(torch.randn(20, 5, 3), h_n)  # goes on from the last state
    """
    for what, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise Fault(f"{what} is a positive whole number, not {size!r}")
    check_names("argument", f"make({name!r})", arguments, dict.fromkeys((*tables.PARTS, "start")))
    settings = resolve(name, hidden_size, arguments)
    return Layer(recurrence(settings, input_size, [Generator().manual_seed(seed)], dtype))


class Layer(nn.Module):
    """A model without read-out, made by `make`: `output, h_n = layer(input, h_0)`.

    After each optimiser step call `after_step()`: some matrices keep account of their training (the latch of
    ENRNN, the base of a dynamic trivialisation). Add `penalty()` to the loss where it is not None.
    """

    def __init__(self, recurrence: Recurrence) -> None:
        super().__init__()
        self.recurrence = recurrence

    def forward(self, input: Tensor, h_0: Tensor | State | None = None) -> tuple[Tensor, Tensor | State]:  # noqa: A002
        """`output` (T, B, N) and `h_n` (1, B, N) from `input` (T, B, D); without B for one sequence (T, D).

        `h_n` is what goes in as the next `h_0` (None: zeros, or what the model learned to start from); a tuple
        where the state has several parts, such as (h, c) of the LSTM. N is 2N where units are complex. Raises Fault
        for shapes that do not fit.
        """
        self._check_input(input)
        single = input.dim() == 2
        x = input.unsqueeze(1) if single else input
        state = None if h_0 is None else self._state(h_0, single, x.shape[1])
        output, last = self.recurrence(x.unsqueeze(0), state)
        last = tuple(part.squeeze(1) for part in last) if single else last
        output = output[0].squeeze(1) if single else output[0]
        return output, (last[0] if len(last) == 1 else last)

    def penalty(self) -> Tensor | None:
        """What the model adds to the loss, a scalar, or None."""
        penalty = self.recurrence.matrix.penalty()
        return None if penalty is None else penalty[0]

    def after_step(self) -> None:
        """To be called after each optimiser step."""
        self.recurrence.matrix.after_step(
            torch.ones(1, dtype=torch.bool, device=next(self.parameters()).device)
        )

    def parameter_groups(self) -> dict[str, str]:
        """Parameter name -> group: some papers give the group `orthogonal` a learning rate of its own."""
        return {f"recurrence.{name}": group for name, group in self.recurrence.parameter_groups().items()}

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        """Parameter name -> what moves it by an optimiser's step, where that is not to be subtracted.

        Of one model: the full-capacity unitary matrix. `rnnrepro.stack([layer]).optimiser(…)` sees to it; an optimiser
        of `torch.optim` would take W off the unitary group.
        """
        return {f"recurrence.{name}": move for name, move in self.recurrence.retractions().items()}

    def _check_input(self, x: Tensor) -> None:
        size = self.recurrence.drive.input_size
        if x.dim() not in (2, 3) or x.shape[-1] != size or x.shape[0] == 0:
            raise Fault(f"the input is (T, B, {size}) or (T, {size}) with T ≥ 1, not {tuple(x.shape)}")
        if not x.is_floating_point():
            raise Fault(f"the input holds floating-point numbers, not {x.dtype}")

    def _state(self, h_0: Tensor | State, single: bool, batch: int) -> State:
        parts = (h_0,) if isinstance(h_0, Tensor) else tuple(h_0)
        slots = self.recurrence.rule.slots
        if len(parts) < slots:
            raise Fault(f"h_0 of this model is a tuple of {slots} tensors, not of {len(parts)}")
        for part, like in zip(parts, self.recurrence.first(1, batch), strict=False):
            shape = (1, like.shape[-1]) if single else tuple(like.shape)
            if part.shape != shape:
                raise Fault(f"h_0 has the shape {shape} here, not {tuple(part.shape)}")
        return tuple(part.unsqueeze(1) for part in parts) if single else parts
