"""Updates that apply one function to each unit: h_t = φ(u), u = h_{t-1} W + z_t."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.initialisers import fill
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import absolute, expm1, relu, sign, tanh, where


def modrelu(u, bias):
    return sign(u) * relu(absolute(u) + bias)


def modrelu_back(dh, h, bias):
    on = sign(h)  # 0 wherever the unit is off
    dbias = dh * on
    return dbias * on, dbias


class ModReLU(Update):
    """h = sign(u) relu(|u| + b), sign(0) = 0, no epsilon; `bias` initialises b (Helfrich et al. 2018).

    dh/du = 1 where |u| + b > 0 and u ≠ 0, else 0; dh/db = sign(u) there.
    """

    stages = (Stage(modrelu, modrelu_back, gradients=("u", "bias")),)

    def __init__(self, bias: str = "uniform(0.01)") -> None:
        self.bias = bias

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"bias": fill(self.bias, generators, (hidden_size,), dtype=dtype)}


def tanh_(u):
    return tanh(u)


def tanh_back(dh, h):
    return dh * (1.0 - h * h)


class Tanh(Update):
    """h = tanh u."""

    stages = (Stage(tanh_, tanh_back, gradients=("u",)),)


def relu_(u):
    return relu(u)


def relu_back(dh, h):
    return where(h > 0.0, dh, 0.0 * h)


class ReLU(Update):
    """h = max(u, 0)."""

    stages = (Stage(relu_, relu_back, gradients=("u",)),)


def elu(u):
    up = relu(u)
    return up + expm1(u - up)


def elu_back(dh, h):
    return dh * where(h > 0.0, 0.0 * h + 1.0, h + 1.0)


class ELU(Update):
    """h = u for u > 0, exp(u) − 1 otherwise."""

    stages = (Stage(elu, elu_back, gradients=("u",)),)
