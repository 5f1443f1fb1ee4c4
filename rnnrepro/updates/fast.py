"""Gated updates with few parameters beyond those of a plain network: FastRNN and FastGRNN.

Kusupati et al., NeurIPS 2018 (arXiv:1901.02358). The scalars are sigmoids of trained numbers, one a run each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.initialisers import fill
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import sigmoid, tanh


def fastrnn(u, h, write, keep):
    c = tanh(u)
    return sigmoid(write) * c + sigmoid(keep) * h, c, h


def fastrnn_back(dh, c, h_before, write, keep):
    alpha = sigmoid(write)
    beta = sigmoid(keep)
    return (
        dh * alpha * (1.0 - c * c),
        dh * beta,
        dh * c * alpha * (1.0 - alpha),
        dh * h_before * beta * (1.0 - beta),
    )


class FastRNN(Update):
    """h' = α tanh(u) + β h, α = σ(write) and β = σ(keep) trained; `write` and `keep` say where they start."""

    stages = (Stage(fastrnn, fastrnn_back, saves=("c", "h_before"), gradients=("u", "h", "write", "keep")),)

    def __init__(self, write: float = -3.0, keep: float = 3.0) -> None:
        self.write, self.keep = write, keep

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        starts = {"write": self.write, "keep": self.keep}
        return {name: torch.full((len(generators),), start, dtype=dtype) for name, start in starts.items()}


def fastgrnn(u, h, gate_bias, update_bias, zeta, nu):
    z = sigmoid(u + gate_bias)
    c = tanh(u + update_bias)
    return (sigmoid(zeta) * (1.0 - z) + sigmoid(nu)) * c + z * h, z, c, h


def fastgrnn_back(dh, z, c, h_before, zeta, nu):
    share = sigmoid(zeta)
    rest = sigmoid(nu)
    dgate = dh * (h_before - share * c) * z * (1.0 - z)
    dupdate = dh * (share * (1.0 - z) + rest) * (1.0 - c * c)
    dzeta = dh * (1.0 - z) * c * share * (1.0 - share)
    dnu = dh * c * rest * (1.0 - rest)
    return dgate + dupdate, dh * z, dgate, dupdate, dzeta, dnu


class FastGRNN(Update):
    """z = σ(u + gate_bias), c = tanh(u + update_bias), h' = (ζ (1 − z) + ν) c + z h: one product, two biases.

    ζ = σ(zeta) and ν = σ(nu) are trained; `zeta` and `nu` say where they start, the initialisers `gate_bias` and
    `update_bias` (S, N) the biases, so that the drive needs none.
    """

    stages = (
        Stage(
            fastgrnn,
            fastgrnn_back,
            saves=("z", "c", "h_before"),
            gradients=("u", "h", "gate_bias", "update_bias", "zeta", "nu"),
        ),
    )

    def __init__(
        self, zeta: float = 1.0, nu: float = -4.0, gate_bias: str = "ones", update_bias: str = "ones"
    ) -> None:
        self.zeta, self.nu = zeta, nu
        self.gate_bias, self.update_bias = gate_bias, update_bias

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        biases = {"gate_bias": self.gate_bias, "update_bias": self.update_bias}
        found = {name: fill(b, generators, (hidden_size,), dtype=dtype) for name, b in biases.items()}
        starts = {"zeta": self.zeta, "nu": self.nu}
        return found | {n: torch.full((len(generators),), v, dtype=dtype) for n, v in starts.items()}
