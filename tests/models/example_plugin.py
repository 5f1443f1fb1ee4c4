"""A leaky orthogonal unit, h_t = λ h_{t-1} + (1 − λ) tanh(h_{t-1} W + x_t U + b): all that a new model takes."""

from __future__ import annotations

import torch

from rnnrepro.tables import Component, Model
from rnnrepro.updates.base import Update


class Leaky(Update):
    """h = leak · h + (1 − leak) tanh z."""

    def __init__(self, leak: float = 0.5) -> None:
        self.leak = leak

    def step(self, p, state, recurrent, z_t):
        return (self.leak * state[0] + (1 - self.leak) * torch.tanh(recurrent + z_t),)


UPDATES = {"leaky": Component(path="this:Leaky", arguments={"leak": 0.5})}
MODELS = {"leaky_orthogonal": Model(matrix="cayley", update="leaky", defaults={"drive": {"bias": "zeros"}})}
