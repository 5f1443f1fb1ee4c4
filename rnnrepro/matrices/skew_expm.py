"""The exponential of a skew-symmetric matrix with its exact gradient, from products of matrices alone.

Scaling and squaring (Higham, Functions of Matrices, 2008, chapter 10): expm(A) = p(A/2^s)^(2^s), p one of the two
polynomials of `skew_polynomials` and s from a bound of ‖A‖₂ read off A² and A³. Errors double with each squaring;
after the second and each third from there a Newton–Schulz step W ← W (3I − WᵀW)/2 brings W back to the orthogonal
matrices, so that it is one to rounding whatever the size of A. Degree and s are each run's own, so are its bits.

The gradient is that of the skew directions, the only ones in which a skew A moves: a skew matrix itself, the skew
part of the gradient in all directions. The coordinates of A = X − Xᵀ get the same from either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnrepro.matrices.skew_polynomials import REACH, Evaluation, evaluate, powers, pull_back
from rnnrepro.reduce import where_run

CAPTURED_SQUARINGS = 8
"""Squarings inside a captured CUDA graph, which cannot ask how many are needed: enough for ‖A‖₂ ≤ 800."""

ORTHOGONALISE_EVERY = 3


class _Exponential(NamedTuple):
    """W (S, N, N) and what its gradient reads: the scales (S,), the polynomial, and what was squared each time."""

    w: Tensor
    scale: Tensor
    polynomial: Evaluation
    squared: list[Tensor]


class _SkewExponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        found = [exponential(part) for part in _parts(a)]
        ctx.short = [one.polynomial.short for one in found]
        ctx.kept = [3 + len(one.squared) for one in found]
        ctx.save_for_backward(
            *(x for w, scale, p, squared in found for x in (scale, p.powers, p.factors, *squared))
        )
        return _joined([one.w for one in found])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        saved, found = iter(ctx.saved_tensors), []
        for part, short, count in zip(_parts(g), ctx.short, ctx.kept, strict=True):
            scale, on_powers, factors, *squared = islice(saved, count)
            found.append(exponential_back(part, scale, on_powers, factors, short, squared))
        return _joined(found)


def _parts(stack: Tensor) -> Sequence[Tensor]:
    """The runs one by one on a CPU, all together elsewhere."""
    return stack.split(1) if stack.device.type == "cpu" else [stack]


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def exponential(a: Tensor) -> _Exponential:
    """expm(A) (S, N, N); the runs share the loop over the squarings, and a run that needs fewer sits them out."""
    on_powers = powers(a)
    plan = _plan_alone(on_powers) if _alone(a) else _plan_stack(on_powers)
    if plan.count or not _alone(a):
        scale = plan.scale
        on_powers *= torch.stack((scale, scale**2, scale**3), 1).view(-1, 3, 1, 1)
    polynomial = evaluate(on_powers, plan.short)
    w, squared = polynomial.w, []
    for k in range(plan.count):
        squared.append(w)
        w = _where_squared(plan.scale, k, _square(w, k), w)
    return _Exponential(w, plan.scale, polynomial, squared)


def exponential_back(
    g: Tensor, scale: Tensor, on_powers: Tensor, factors: Tensor, short: bool, squared: Sequence[Tensor]
) -> Tensor:
    """The skew part (S, N, N) of the gradient of A, from that of W."""
    for k in reversed(range(len(squared))):
        x = squared[k].mT
        g = _where_squared(scale, k, torch.bmm(g, x).baddbmm_(x, g), g)
    gradient = pull_back(g, on_powers, factors, short)
    return gradient.mul_(scale.view(-1, 1, 1)) if squared else gradient


class _Plan(NamedTuple):
    """The power of two (S,) that scales A (NaN for a run that is to give NaN), the squarings, the polynomial."""

    scale: Tensor
    count: int
    short: bool


def _plan_alone(on_powers: Tensor) -> _Plan:
    """The plan of one run in numbers of the host, for the sake of small matrices."""
    least, most = REACH[on_powers.dtype]
    bounds = norm_bounds(*(norm.item() for norm in norms(on_powers)))
    if not all(map(math.isfinite, bounds)):
        return _Plan(on_powers.new_full((1,), math.nan), 1, False)
    bound = min(bounds)
    count = max(0, math.ceil(math.log2(bound / most))) if bound else 0
    return _Plan(on_powers.new_full((1,), 0.5**count), count, bound <= least)


def _plan_stack(on_powers: Tensor) -> _Plan:
    bounds = torch.stack(norm_bounds(*norms(on_powers)))
    squarings = torch.log2(bounds.amin(0) / REACH[on_powers.dtype][1]).ceil().clamp(min=0)
    finite = bounds.isfinite().all(0)
    captured = bounds.device.type == "cuda" and torch.cuda.is_current_stream_capturing()
    if captured:
        finite = finite & (squarings <= CAPTURED_SQUARINGS)
    scale = torch.where(finite, torch.exp2(-squarings), math.nan)
    count = CAPTURED_SQUARINGS if captured else int(torch.where(finite, squarings, 0.0).max())
    return _Plan(scale, count, False)


def _alone(a: Tensor) -> bool:
    return len(a) == 1 and a.device.type == "cpu"


def _where_squared(scale: Tensor, k: int, after: Tensor, before: Tensor) -> Tensor:
    """`after` for the runs that are squared more than k times; a run alone is never in the loop in vain."""
    return after if _alone(scale) else where_run(scale < 0.75 * 0.5**k, after, before)


def _square(w: Tensor, k: int) -> Tensor:
    """W², orthogonalised where it is the turn of the k-th. To first order the step changes no tangent direction."""
    w = torch.bmm(w, w)
    if k % ORTHOGONALISE_EVERY != 1:
        return w
    return torch.baddbmm(w, w, torch.bmm(w.mT, w), beta=1.5, alpha=-0.5)


def norms(on_powers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """‖A²‖₁, ‖A³‖₁ and the Frobenius norm of A³, (S,) each, from A, A² and A³ (S, 3, N, N)."""
    columns = on_powers[:, 1:].abs().sum(2).amax(2)
    return columns[:, 0], columns[:, 1], torch.linalg.vector_norm(on_powers[:, 2], dim=(1, 2))


def norm_bounds(square: Any, cube: Any, frobenius: Any) -> tuple[Any, Any, Any]:
    """Three upper bounds of ‖A‖₂ from these norms.

    The 1-norm of a power bounds that power of ‖A‖₂; so does, as the eigenvalues of a skew matrix come in pairs ±iω,
    the Frobenius norm over √2. Blocks make the first ones sharp, dense matrices the last.
    """
    return square ** (1 / 2), cube ** (1 / 3), (frobenius / math.sqrt(2)) ** (1 / 3)


def skew_expm(a: Tensor) -> Tensor:
    """expm(A) for skew A, (S, N, N) -> (S, N, N), differentiable once; the gradient is a skew matrix.

    A run gives NaN whose entries are not finite, or so large that the norm of A³ overflows (‖A‖ of 10⁶ in float32);
    in a captured CUDA graph so does one with ‖A‖₂ above 3 · 2^CAPTURED_SQUARINGS. In a stack outside a CPU the
    number of squarings is read back once, and a run's last digits may depend on the stack.
    """
    return _SkewExponential.apply(a)
