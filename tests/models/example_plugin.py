"""A leaky orthogonal unit, h_t = λ h_{t-1} + (1 − λ) tanh(h_{t-1} W + x_t U + b): all that a new model takes."""

from rnnrepro.tables import Component, Model
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import tanh


def leaky(u, h, leak):
    c = tanh(u)
    return leak * h + (1.0 - leak) * c, c


def leaky_back(dh, c, leak):
    return dh * (1.0 - leak) * (1.0 - c * c), dh * leak


class Leaky(Update):
    stages = (Stage(leaky, leaky_back, saves=("c",), gradients=("u", "h")),)

    def __init__(self, leak=0.5):
        self.leak = leak

    @property
    def constants(self):
        return {"leak": self.leak}


UPDATES = {"leaky": Component(path="this:Leaky", arguments={"leak": 0.5})}
MODELS = {"leaky_orthogonal": Model(matrix="cayley", update="leaky", defaults={"drive": {"bias": "zeros"}})}
