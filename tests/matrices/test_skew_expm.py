"""The polynomials against e^{iω}, and the exponential against `torch.matrix_exp`: never worse than a small multiple."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.matrices import skew_polynomials
from rnnrepro.matrices.skew import block_diagonal, draw
from rnnrepro.matrices.skew_expm import exponential, exponential_back, norm_bounds, norms, skew_expm
from rnnrepro.matrices.skew_polynomials import COMBINATIONS, REACH

NORMS = [1e-3, 0.1, 0.39, 1.0, 3.1, 10.0, 100.0, 1000.0]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def of_norm(size: int, norm: float, kind: str = "dense") -> torch.Tensor:
    """A skew matrix (1, N, N) in float64 with this 2-norm."""
    if kind == "equal":
        a = block_diagonal(torch.ones(size // 2, dtype=torch.float64), size)
    else:
        a = torch.randn(size, size, generator=generator(size), dtype=torch.float64)
        a = (a - a.T) * (1e-3 if kind == "nearly blocks" else 1.0)
        if kind == "nearly blocks":
            a += draw("henaff", generator(1), size)
    return (a * (norm / torch.linalg.matrix_norm(a, 2))).unsqueeze(0)


def value_and_gradient(function, a: torch.Tensor, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """W, and the skew part of the gradient of ⟨W, G⟩, both in float64."""
    a = a.clone().requires_grad_()
    w = function(a)
    (gradient,) = torch.autograd.grad(w, a, g.to(a.dtype))
    return w.detach().double(), ((gradient - gradient.mT) / 2).double()


@pytest.mark.parametrize(
    ("dtype", "value", "slope"), [(torch.float32, 1.7e-7, 1.1e-6), (torch.float64, 3e-15, 1e-14)]
)
@pytest.mark.parametrize("short", [True, False])
def test_the_polynomials_are_the_exponential_up_to_their_reach(dtype, value, slope, short) -> None:
    rows = np.polynomial.Polynomial
    b = [rows(row) for row in COMBINATIONS[dtype][0 if short else 1]]
    if short:
        p = b[0] + rows([0, 0, 0, 1]) * b[1]
    else:
        a6 = b[2] + b[3] ** 2
        p = b[0] + (b[1] + a6) * a6
    omega = np.linspace(-1, 1, 2001) * REACH[dtype][0 if short else 1]
    assert p.degree() == (6 if short else 12)
    assert np.abs(p(1j * omega) - np.exp(1j * omega)).max() < value
    assert np.abs(p.deriv()(1j * omega) - np.exp(1j * omega)).max() < slope


def test_a_matrix_of_zeros_gives_exactly_the_identity() -> None:
    for dtype in (torch.float32, torch.float64):
        assert torch.equal(
            skew_expm(torch.zeros(2, 5, 5, dtype=dtype)), torch.eye(5, dtype=dtype).expand(2, 5, 5)
        )


@pytest.mark.parametrize("kind", ["dense", "nearly blocks", "equal"])
@pytest.mark.parametrize("size", [2, 7, 60, 129])
def test_single_precision_errs_no_more_than_matrix_exp(size: int, kind: str) -> None:
    # Errors over ‖W‖ and over ‖G‖. The floors are a few roundings of W, and a sixth of one of A, which moves W by ‖A‖.
    g = torch.randn(1, size, size, generator=generator(3), dtype=torch.float64)
    for norm in NORMS:
        a = of_norm(size, norm, kind).float()
        exact = value_and_gradient(torch.matrix_exp, a.double(), g)
        ours, theirs = (value_and_gradient(f, a, g) for f in (skew_expm, torch.matrix_exp))
        for scale, x, y, z in zip((size**0.5, float(g.norm())), ours, theirs, exact, strict=True):
            error, allowed = float((x - z).norm()) / scale, float((y - z).norm()) / scale
            assert error <= 1.5 * allowed + 5e-7 + 1e-8 * norm, (
                f"{error:.1e} against {allowed:.1e} at ‖A‖ = {norm}"
            )


@pytest.mark.parametrize(("dtype", "ulp"), [(torch.float32, 1.2e-7), (torch.float64, 2.3e-16)])
@pytest.mark.parametrize("size", [2, 33, 128])
def test_w_is_orthogonal_whatever_the_norm(size: int, dtype: torch.dtype, ulp: float) -> None:
    for kind in ("dense", "nearly blocks"):
        for norm in [0.0, *NORMS, 1e5]:
            w = skew_expm(of_norm(size, norm, kind).to(dtype))[0].double()
            gap = torch.linalg.matrix_norm(w.T @ w - torch.eye(size), 2)
            assert float(gap) < ulp * (8 + 4 * size**0.5), f"{gap:.1e} at ‖A‖ = {norm}"


def test_double_precision_agrees_with_matrix_exp() -> None:
    g = torch.randn(1, 31, 31, generator=generator(3), dtype=torch.float64)
    for norm in NORMS:
        a = of_norm(31, norm)
        for x, y in zip(*(value_and_gradient(f, a, g) for f in (skew_expm, torch.matrix_exp)), strict=True):
            assert torch.allclose(x, y, atol=1e-14 * (10 + norm))


@pytest.mark.parametrize("kind", ["dense", "nearly blocks", "equal"])
def test_the_bounds_hold_and_are_no_more_than_twice_the_norm(kind: str) -> None:
    for size in (2, 3, 64, 200):
        bounds = norm_bounds(*norms(skew_polynomials.powers(of_norm(size, 3.0, kind))))
        assert all(float(bound) >= 3 * (1 - 1e-12) for bound in bounds)
        assert float(min(bounds)) < 6


def test_a_stack_as_a_gpu_takes_it_gives_what_the_runs_give_alone() -> None:
    # On a GPU the runs go through one loop, each sitting out the squarings that it does not need.
    a = torch.cat([of_norm(9, norm) for norm in (0.1, 3.0, 0.0, 40.0, 500.0)]).float()
    a[2] = torch.nan
    g = torch.randn(5, 9, 9, generator=generator(3))
    w, scale, polynomial, squared = exponential(a)
    gradient = exponential_back(g, scale, polynomial.powers, polynomial.factors, polynomial.short, squared)
    assert len(squared) > 5 and not polynomial.short
    assert w[2].isnan().all() and gradient[2].isnan().all()
    for i in (0, 1, 3, 4):
        alone, slope = value_and_gradient(skew_expm, a[i : i + 1], g[i : i + 1])
        assert (w[i] - alone[0]).abs().max() < 1e-6
        assert (gradient[i] - slope[0]).abs().max() < 1e-5


def test_what_has_no_exponential_is_not_a_number_and_harms_no_other_run() -> None:
    a = torch.cat([of_norm(6, 1.0).float()] * 4)
    a[0, 1, 2], a[0, 2, 1], a[1, 3, 0], a[2] = torch.inf, -torch.inf, torch.nan, 1e13 * a[2]
    a.requires_grad_()
    w = skew_expm(a)
    w.sum().backward()
    alone = of_norm(6, 1.0).float().requires_grad_()
    skew_expm(alone).sum().backward()
    assert w[:3].isnan().all() and a.grad[:3].isnan().all()
    assert torch.equal(w[3], skew_expm(alone)[0]) and torch.equal(a.grad[3], alone.grad[0])


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    a = of_norm(4, 1.0).requires_grad_()
    (gradient,) = torch.autograd.grad(skew_expm(a).square().sum(), a, create_graph=True)
    with pytest.raises(RuntimeError):
        gradient.sum().backward()


def test_an_evaluation_before_training_leaves_a_gradient_possible() -> None:
    skew_polynomials._rows.cache_clear()
    a = of_norm(4, 1.0)
    with torch.inference_mode():
        skew_expm(a)
    assert value_and_gradient(skew_expm, a, torch.ones(1, 4, 4))[1].isfinite().all()
