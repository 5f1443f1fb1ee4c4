"""The loop over time as other codes write it: the inputs multiplied at each step, or some steps compiled at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnnrepro.drives.projection import Factored, project
from rnnrepro.scan import plain
from rnnrepro.updates.base import State, Update

CHUNK = 28  # steps compiled at once; 16 to 56 gain the same


def unhoisted(
    update: Update, parameters: Mapping[str, Tensor], W: Tensor, z: Factored, state: State, every: bool = True
) -> Tensor:
    """The outputs h (S, T, B, N), or (S, 1, B, N) of the last time, with x_t U + b formed at each step.

    The authors' codes do so. With one feature it is faster than one product before the loop, whose result goes
    through memory twice.
    """
    values = _values(update, parameters, z.x.shape[2])
    bias = None if z.bias is None else z.bias[:, None, None]
    outputs = []
    for x_t in z.x.unbind(1):
        z_t = project(x_t.unsqueeze(1), z.weight)
        z_t = (z_t if bias is None else z_t + bias).squeeze(1)
        state = plain.advance(update, values, W, z_t, state, "full")
        if every:
            outputs.append(state[0])
    return torch.stack(outputs or [state[0]], dim=1)


class Compiled:
    """The plain loop over z (S, T, B, M) with `CHUNK` steps at once in `torch.compile`; the first call compiles."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self.steps = torch.compile(self._steps, dynamic=False)

    def __call__(self, parameters: Mapping[str, Tensor], W: Tensor, z: Tensor, state: State) -> Tensor:
        values = _values(self.update, parameters, z.shape[2])
        outputs = []
        for chunk in z.split(CHUNK, dim=1):
            h, state = self.steps(values, W, chunk, state)
            outputs.append(h)
        return torch.cat(outputs, dim=1)

    def _steps(self, values: Mapping[str, Any], W: Tensor, z: Tensor, state: State) -> tuple[Tensor, State]:
        outputs = []
        for z_t in z.unbind(1):
            state = plain.advance(self.update, values, W, z_t, state, "full")
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state


def _values(update: Update, parameters: Mapping[str, Tensor], batch: int) -> dict[str, Any]:
    return dict(update.constants) | {
        name: value.reshape(len(value), 1, -1).expand(-1, batch, -1) for name, value in parameters.items()
    }
