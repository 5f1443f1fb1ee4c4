"""Two polynomials for the exponential of a small skew-symmetric matrix, each with its exact derivative.

On the spectrum of a skew matrix, an interval of the imaginary axis, a polynomial fitted to the exponential over
the whole interval needs a lower degree than the Taylor series. Both are evaluated from A, A² and A³:
- degree 12 in two more products, W = B₁ + (B₂ + A₆) A₆ with A₆ = B₃ + B₄² and each Bᵢ a combination of I, A, A²
  and A³ (Bader, Blanes and Casas, Mathematics 7, 1174, 2019);
- degree 6 in one, W = B₁ + A³ B₂.
In float64 the coefficients are those of the Taylor series. In float32 they minimise the larger of |p − e^{iω}| and
|p′ − e^{iω}|/6 over 0 ≤ ω ≤ REACH (the sixth because rounding costs a derivative more), for degree 12 together with
a bound of the rounding errors of the evaluation, which three spare coefficients leave room for.

Shapes: matrices (S, N, N). The derivative of W pulls a gradient back to the skew matrices, the directions in which
a skew A can move: the skew part of the gradient in all of them, for a third fewer products.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial
from typing import NamedTuple

import torch
from torch import Tensor

REACH = {torch.float32: (0.4, 3.15), torch.float64: (0.006, 0.25)}
"""The largest ‖A‖₂ for degree 6 and for degree 12, by dtype."""

TAYLOR_6 = (1 / 2, *(1 / factorial(k) for k in range(3, 7)))
FITTED_6 = (
    0.4999999422608819,
    0.16666158300537617,
    0.0416653164580568,
    0.008271648082015543,
    0.001378737256462636,
)
TAYLOR_12 = (
    (9.0198e-16, 0.46932117595418237389, -0.20099424927047284052, -0.04623946134063071740),
    (5.31597895759871264183, 1.19926790417132231573, 0.01179296240992997031, 0.01108844528519167989),
    (0.18188869982170434744, 0.05502798439925399070, 0.09351590770535414968, 0.00610700528898058230),
    (-2.0861320e-13, -0.13181061013830184015, -0.02027855540589259079, -0.00675951846863086359),
)
FITTED_12 = (
    (-0.07406288932740789, 0.16004405377186268, 0.10693240004716102, 0.012982659643753497),
    (3.78984863498954, 0.967626375548505, 0.1387087781305876, 0.00019816311807885833),
    (0.22214493718324207, 0.06427724900799468, 0.010764352390660065, 0.008289995073927072),
    (-0.206750551427001, -0.17130833420851777, -0.01907177940880176, -0.006404508494265116),
)


def _degree_6(c2: float, c3: float, c4: float, c5: float, c6: float) -> tuple[tuple[float, ...], ...]:
    return (1.0, 1.0, c2, 0.0), (c3, c4, c5, c6)


COMBINATIONS = {
    torch.float32: (_degree_6(*FITTED_6), FITTED_12),
    torch.float64: (_degree_6(*TAYLOR_6), TAYLOR_12),
}
"""The rows of each Bᵢ over I, A, A², A³, for degree 6 and for degree 12, by dtype."""


class Evaluation(NamedTuple):
    """W (S, N, N), and what its derivative reads: A, A², A³ (S, 3, N, N) and the factors (S, ·, N, N)."""

    w: Tensor
    powers: Tensor
    factors: Tensor
    short: bool


def powers(a: Tensor) -> Tensor:
    """A, A² and A³ (S, 3, N, N)."""
    found = a.new_empty(len(a), 3, *a.shape[1:])
    first, second, third = found.unbind(1)
    first.copy_(a)
    torch.bmm(a, a, out=second)
    torch.bmm(second, a, out=third)
    return found


def evaluate(powers: Tensor, short: bool) -> Evaluation:
    """The exponential of A from its powers, by degree 6 where `short`, else 12."""
    rows = _rows(powers.dtype, powers.device, short)
    b = torch.bmm(rows.of_powers.expand(len(powers), -1, -1), powers.flatten(2)).unflatten(
        2, powers.shape[2:]
    )
    b.diagonal(dim1=-2, dim2=-1).add_(rows.of_identity)
    if short:
        b1, b2 = b.unbind(1)
        return Evaluation(torch.baddbmm(b1, powers[:, 2], b2), powers, b[:, 1:], short)
    b1, b2, b3, b4 = b.unbind(1)
    a6, p = b3.baddbmm_(b4, b4), b2
    p += a6
    return Evaluation(torch.baddbmm(b1, p, a6), powers, b[:, 1:], short)


def pull_back(g: Tensor, powers: Tensor, factors: Tensor, short: bool) -> Tensor:
    """The skew matrix (S, N, N) whose product with each skew direction is that of G with the change of W."""
    rows = _rows(g.dtype, g.device, short)
    ends = _ends_6(g, powers) if short else _ends_12(g, factors)
    halves = torch.bmm(rows.back.expand(len(g), -1, -1), ends.flatten(2)).unflatten(2, g.shape[1:])
    first, second, third = halves.unbind(1)
    if short:
        third.baddbmm_(g, factors[:, 0].mT, alpha=0.5)
    return _through_powers(powers[:, 0], first, second, third)


def _ends_12(g: Tensor, factors: Tensor) -> Tensor:
    """The gradients of B₁ … B₄ (S, 4, N, N)."""
    p, a6, b4 = (factor.mT for factor in factors.unbind(1))
    ends = g.new_empty(len(g), 4, *g.shape[1:])
    of_b1, of_p, of_a6, of_b4 = ends.unbind(1)
    of_b1.copy_(g)
    torch.bmm(g, a6, out=of_p)
    torch.baddbmm(of_p, p, g, out=of_a6)
    torch.bmm(of_a6, b4, out=of_b4)
    of_b4.baddbmm_(b4, of_a6)
    return ends


def _ends_6(g: Tensor, powers: Tensor) -> Tensor:
    """The gradients of B₁ and B₂ (S, 2, N, N)."""
    return torch.stack((g, torch.bmm(powers[:, 2].mT, g)), 1)


def _through_powers(a: Tensor, half1: Tensor, half2: Tensor, half3: Tensor) -> Tensor:
    """Halves of the gradients Gᵢ of A, A² and A³ made one gradient of A.

    With K the skew part of G₃ and M the symmetric part of G₂ (A² is symmetric, A³ skew) A², A³ give
    K A² + A K A + A² K − M A − A M, which is Y − Yᵀ for Y = A (P/2 + Pᵀ − M), P = K A: two products, not six.
    """
    less = torch.baddbmm(half2, half3 - half3.mT, a, beta=-1.0)
    inner = torch.add(less.mT, less, alpha=0.5).sub_(half2, alpha=0.5)
    x = torch.baddbmm(half1, a, inner)
    return x - x.mT


class _Rows(NamedTuple):
    of_identity: Tensor
    of_powers: Tensor
    back: Tensor


@lru_cache(maxsize=16)
def _rows(dtype: torch.dtype, device: torch.device, short: bool) -> _Rows:
    """The coefficients of the Bᵢ: those of I, those of A, A² and A³, and half of the latter transposed."""
    # Kept beyond this call, so it must serve a backward pass even when an evaluation asks for it first.
    with torch.inference_mode(False):
        rows = torch.tensor(COMBINATIONS[dtype][0 if short else 1], dtype=dtype)
        parts = rows[:, :1], rows[None, :, 1:], 0.5 * rows[None, :, 1:].mT
        return _Rows(*(part.contiguous().to(device) for part in parts))
