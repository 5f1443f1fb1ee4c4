"""Updates of complex units, stored as pairs of real numbers: u = u_re + i u_im."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import relu, sqrt, where


def complex_modrelu(u_re, u_im, bias, root, denominator):
    square = u_re * u_re + u_im * u_im + root
    some = square > 0.0
    # The root of 0 has no derivative: another number takes its place, and is put back.
    size = where(some, sqrt(where(some, square, 0.0 * u_re + 1.0)), 0.0 * u_re)
    gain = relu(size + bias) / (size + denominator)
    return gain * u_re, gain * u_im, u_re, u_im


def complex_modrelu_back(dh_re, dh_im, u_re, u_im, bias, root, denominator):
    square = u_re * u_re + u_im * u_im + root
    some = square > 0.0
    safe = sqrt(where(some, square, 0.0 * u_re + 1.0))
    size = where(some, safe, 0.0 * u_re)
    whole = size + denominator
    gain = relu(size + bias) / whole
    dgain = (dh_re * u_re + dh_im * u_im) / whole
    dbias = where(size + bias > 0.0, dgain, 0.0 * dgain)
    along = (dbias - dgain * gain) / safe
    return dh_re * gain + along * u_re, dh_im * gain + along * u_im, dbias


class ComplexModReLU(Update):
    """h = u relu(r + b)/(r + denominator), r = √(|u|² + root): one real b a unit, initialised by `bias`.

    Arjovsky, Shah and Bengio 2016 (arXiv:1511.06464) with `root` 0; the authors of scuRNN (Maduranga, Helfrich and
    Ye, AAAI 2019) and of the full-capacity uRNN (Wisdom et al. 2016) put ε = 1e-5 inside the root as well, so that
    the derivative is bounded at u = 0. There, with `root` 0, r counts as a constant. Raises Fault for constants
    that let h or its derivative be infinite.
    """

    stages = (
        Stage(
            complex_modrelu,
            complex_modrelu_back,
            inputs=("u_re", "u_im"),
            saves=("u_re", "u_im"),
            gradients=("u_re", "u_im", "bias"),
        ),
    )
    state = (("h_re", "h_im"),)

    def __init__(self, bias: str = "uniform(0.01)", root: float = 1e-5, denominator: float = 1e-5) -> None:
        if root < 0 or denominator < 0 or root + denominator == 0:
            raise Fault(
                f"root and denominator are not negative, and one is positive; here {root} and {denominator}"
            )
        self.bias, self.root, self.denominator = bias, root, denominator

    @property
    def constants(self) -> Mapping[str, float]:
        return {"root": self.root, "denominator": self.denominator}

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"bias": fill(self.bias, generators, (hidden_size,), dtype=dtype)}
