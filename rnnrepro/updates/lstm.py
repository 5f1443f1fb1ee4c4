"""The long short-term memory (Hochreiter and Schmidhuber 1997; with forget gate, Gers et al. 2000)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnrepro.updates.base import State, Update


class LSTM(Update):
    """c' = σ(f + forget_offset) c + σ(i) tanh(g); h' = σ(o) tanh(c').

    The columns of W and of z are the gates i, f, g, o in PyTorch's order, each N wide. The state is (h, c).
    The gates' biases belong to the drive; `forget_offset` is the constant that TensorFlow's cell adds to f.
    """

    gates = 4
    slots = 2

    def __init__(self, forget_offset: float = 0.0) -> None:
        self.forget_offset = forget_offset

    def step(self, p: Mapping[str, Tensor], state: State, recurrent: Tensor, z_t: Tensor) -> State:
        z = recurrent + z_t
        if self.forget_offset:
            z = z + self._offset(z)
        # The gates stay views of the joint tensor: the bits of a sigmoid then do not depend on the stack.
        i, f, g, o = z.chunk(4, dim=-1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def _offset(self, z: Tensor) -> Tensor:
        gates = z.new_zeros(4, z.shape[-1] // 4)
        gates[1] = self.forget_offset
        return gates.flatten()
