"""Updates of no paper, which use what the contract of stages allows and no row of the tables does.

With them a fast form of the scan is tried on slots of two parts, on a slot other than the first that W multiplies,
on numbers a step and a number a run, on an odd count of gates, and on every word. They are meant to be right, stable
over long times, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.initialisers import fill
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import absolute, exp, expm1, relu, sigmoid, sign, sqrt, tanh, where


def rotor(x, y, re, im, bias, turn, share):
    size = sqrt(x * x + y * y + 1e-3)
    gain = share * relu(size + bias) / size
    return gain * x - turn * im, gain * y + turn * re, x, y, size, re, im


def rotor_back(dre, dim, x, y, size, re_before, im_before, bias, turn, share):
    on = where(size + bias > 0.0, 0.0 * size + share, 0.0 * size)
    gain = share * relu(size + bias) / size
    dgain = dre * x + dim * y
    dsize = dgain * (on - gain) / (size * size)
    dx, dy = dre * gain + dsize * x, dim * gain + dsize * y
    dturn = dim * re_before - dre * im_before
    return dx, dy, turn * dim, -turn * dre, dgain * on / size, dturn


class Rotor(Update):
    """What enters is shrunk in size and keeps its phase, and is added to i turn_t (re + i im).

    One slot of two parts, two gates, a bias a unit, a number a step, and a constant.
    """

    stages = (
        Stage(
            rotor,
            rotor_back,
            inputs=("x", "y"),
            saves=("x", "y", "size", "re_before", "im_before"),
            gradients=("x", "y", "re", "im", "bias", "turn"),
        ),
    )
    state = (("re", "im"),)

    def __init__(self, share: float = 0.4) -> None:
        self.share = share

    @property
    def constants(self) -> Mapping[str, float]:
        return {"share": self.share}

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"bias": fill("normal(0.3)", generators, (hidden_size,), dtype=dtype)}


def clocked(u, h, rate, shift, leak):
    c = tanh(u + shift)
    return h + rate * (c - leak * h), c, h


def clocked_back(dh, c, h_before, rate, leak):
    inward = dh * rate * (1.0 - c * c)
    return inward, dh * (1.0 - rate * leak), dh * (c - leak * h_before), inward


class Clocked(Update):
    """h' = h + rate_t (tanh(u + shift_t) − leak h): two numbers a step and a constant."""

    stages = (Stage(clocked, clocked_back, saves=("c", "h_before"), gradients=("u", "h", "rate", "shift")),)

    def __init__(self, leak: float = 0.9) -> None:
        self.leak = leak

    @property
    def constants(self) -> Mapping[str, float]:
        return {"leak": self.leak}


def swing(u, h, v, gain, bias):
    c = tanh(u)
    v_next = v * exp(-absolute(gain)) + gain * c
    return 0.5 * h + v_next + bias, v_next, c, v


def swing_back(dh, dv, c, v_before, gain):
    dv_next = dv + dh
    damped = exp(-absolute(gain))
    dgain = dv_next * (c - v_before * damped * sign(gain))
    return dv_next * gain * (1.0 - c * c), 0.5 * dh, dv_next * damped, dgain, dh


class Swing(Update):
    """v' = e^{−|gain|} v + gain tanh(u), h' = h / 2 + v' + bias: W multiplies v; `gain` is one number a run."""

    stages = (Stage(swing, swing_back, saves=("c", "v_before"), gradients=("u", "h", "v", "gain", "bias")),)
    state = (("h",), ("v",))
    reads = 1

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        bias = fill("normal(0.1)", generators, (hidden_size,), dtype=dtype)
        return {"gain": torch.full((len(generators),), 0.4, dtype=dtype), "bias": bias}


def gated(k, p, q, h):
    k = sigmoid(k)
    e = exp(-absolute(p)) - 0.5
    s = expm1(-relu(q))
    new = where(p > q, e, s)
    return k * h + (1.0 - k) * new, k, p, q, h


def gated_back(dh, k, p, q, h_before):
    e = exp(-absolute(p)) - 0.5
    s = expm1(-relu(q))
    dnew = dh * (1.0 - k)
    dp = where(p > q, -dnew * sign(p) * (e + 0.5), 0.0 * p)
    dq = where(p > q, 0.0 * q, -dnew * (s + 1.0) * sign(relu(q)))
    return dh * (h_before - where(p > q, e, s)) * k * (1.0 - k), dp, dq, dh * k


class Gated(Update):
    """h' = σ(k) h + (1 − σ(k)) new, new of two other gates: an odd count of gates, branches, and many words."""

    stages = (
        Stage(
            gated,
            gated_back,
            inputs=("k", "p", "q"),
            saves=("k", "p", "q", "h_before"),
            gradients=("k", "p", "q", "h"),
        ),
    )


def aim(u, h, v, bias, rate):
    t = tanh(u + bias)
    return t * v, t, t - rate * h, h, v


def aim_back(da, dt, dr, t, h_before, v_before, rate):
    inward = (da * v_before + dt + dr) * (1.0 - t * t)
    return inward, -rate * dr, da * t, inward, -h_before * dr


def pursue(y, h, v, r, t, rate, damp):
    push = y + t
    v_next = damp * v + rate * push
    return tanh(0.9 * h + r * v_next), v_next, push, v_next


def pursue_back(dh, dv, h, r, push, v_after, rate, damp):
    inward = dh * (1.0 - h * h)
    dv_next = dv + inward * r
    dpush = dv_next * rate
    return dpush, 0.9 * inward, damp * dv_next, inward * v_after, dpush, dv_next * push


class Pursuit(Update):
    """Two stages, both of which read a slot, a saved value and a number a step of the other; W multiplies v.

    t = tanh(u + bias), r = t − rate h, a = t v; v' = damp v + rate (a Wᵀ + t), h' = tanh(0.9 h + r v').
    """

    stages = (
        Stage(
            aim,
            aim_back,
            saves=("t", "r", "h_before", "v_before"),
            gradients=("u", "h", "v", "bias", "rate"),
        ),
        Stage(
            pursue,
            pursue_back,
            inputs=("y",),
            saves=("push", "v_after"),
            gradients=("y", "h", "v", "r", "t", "rate"),
        ),
    )
    state = (("h",), ("v",))
    reads = 1

    def __init__(self, damp: float = 0.5) -> None:
        self.damp = damp

    @property
    def constants(self) -> Mapping[str, float]:
        return {"damp": self.damp}

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"bias": fill("normal(0.3)", generators, (hidden_size,), dtype=dtype)}


SAMPLES: dict[str, type[Update]] = {
    "rotor": Rotor,
    "clocked": Clocked,
    "swing": Swing,
    "gated": Gated,
    "pursuit": Pursuit,
}
