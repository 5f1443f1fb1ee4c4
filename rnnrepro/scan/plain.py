"""The plain scan: one step after the other, differentiated by autograd.

PyTorch's own `nn.RNN` and `nn.LSTM` are slower than this loop on a CPU (1.5 and 3.4 times, forward and
backward). Indexing `z[:, t]` would make the backward pass quadratic in T; `unbind` does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnrepro.updates.base import State, Update


def scan(
    update: Update,
    parameters: Mapping[str, Tensor],
    W: Tensor,
    z: Tensor,
    state: State,
    *,
    every: bool = True,
) -> tuple[Tensor, State]:
    """As `rnnrepro.scan.scan`."""
    # Expanded once: the sums over the batch in the backward pass are then made once, not at every step.
    p = {
        name: value.reshape(len(value), 1, -1).expand(-1, z.shape[2], -1)
        for name, value in parameters.items()
    }
    outputs = []
    for z_t in z.unbind(1):
        state = update.step(p, state, torch.bmm(state[0], W), z_t)
        if every:
            outputs.append(state[0])
    return torch.stack(outputs or [state[0]], dim=1), state
