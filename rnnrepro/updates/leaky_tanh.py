"""Leaky tanh units: h_t = (1 − 1/τ) h_{t-1} + (1/τ) tanh(u), u = h_{t-1} W + z_t."""

from __future__ import annotations

from collections.abc import Mapping

from rnnrepro.errors import Fault
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import tanh


def leaky_tanh(u, h, keep, share):
    c = tanh(u)
    return keep * h + share * c, c


def leaky_tanh_back(dh, c, keep, share):
    return share * dh * (1.0 - c * c), keep * dh


class LeakyTanh(Update):
    """h = (1 − 1/τ) h + (1/τ) tanh(u): an Euler step of one time step, τ in steps (Murray 2019, Eq. 1).

    The exact derivative 1 − tanh² (the released notebook squashes its argument). Raises Fault for τ below 1.
    """

    stages = (Stage(leaky_tanh, leaky_tanh_back, saves=("c",), gradients=("u", "h")),)

    def __init__(self, tau: float = 10.0) -> None:
        if not tau >= 1:
            raise Fault(f"tau is a time constant in steps, 1 or more, not {tau}")
        self.tau = tau

    @property
    def constants(self) -> Mapping[str, float]:
        return {"keep": 1.0 - 1.0 / self.tau, "share": 1.0 / self.tau}
