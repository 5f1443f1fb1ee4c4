"""Updates that are a step of the explicit Euler method for a differential equation of the state."""

from __future__ import annotations

from collections.abc import Mapping

from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import tanh


def euler_tanh(u, h, step):
    c = tanh(u)
    return h + step * c, c


def euler_tanh_back(dh, c, step):
    return dh * step * (1.0 - c * c), dh


class EulerTanh(Update):
    """h' = h + step · tanh(u) (AntisymmetricRNN without a gate, Chang et al., ICLR 2019)."""

    stages = (Stage(euler_tanh, euler_tanh_back, saves=("c",), gradients=("u", "h")),)

    def __init__(self, step: float = 0.1) -> None:
        self.step = step

    @property
    def constants(self) -> Mapping[str, float]:
        return {"step": self.step}


def lipschitz(linear, inner, h, step):
    c = tanh(inner)
    return h + step * (linear + c), c


def lipschitz_back(dh, c, step):
    change = step * dh
    return change, change * (1.0 - c * c), dh


class Lipschitz(EulerTanh):
    """h' = h + step · (linear + tanh(inner)) (Lipschitz RNN, Erichson et al., ICLR 2021).

    Of the two gates `linear` is h A, and `inner` h W with the input: the drive 'one_gate' with `gate` 1 keeps the
    input out of the first.
    """

    stages = (
        Stage(
            lipschitz,
            lipschitz_back,
            inputs=("linear", "inner"),
            saves=("c",),
            gradients=("linear", "inner", "h"),
        ),
    )

    def __init__(self, step: float = 0.03) -> None:
        super().__init__(step)
