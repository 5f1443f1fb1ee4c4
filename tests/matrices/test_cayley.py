from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnrepro.errors import Fault
from rnnrepro.matrices.cayley import ScaledCayley, scaled_cayley
from rnnrepro.matrices.skew import coordinates_of, skew


def cayley(
    size: int, seeds: tuple[int, ...] = (0,), dtype: torch.dtype = torch.float64, **arguments
) -> ScaledCayley:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return ScaledCayley(size, input_size=2, generators=generators, dtype=dtype, **arguments)


def test_w_is_the_formula_of_the_paper() -> None:
    matrix = cayley(7, init="haar", negative=3)
    a = skew(matrix.skew.detach(), 7)[0].numpy()
    d = np.diag([1.0] * 4 + [-1.0] * 3)
    expected = np.linalg.inv(np.eye(7) + a) @ (np.eye(7) - a) @ d
    assert np.allclose(matrix.build()[0].detach().numpy(), expected, atol=1e-13)


def test_the_order_of_the_paper_is_the_transpose_so_that_d_acts_first() -> None:
    code, paper = (cayley(6, negative=2, init="haar", order=order).build() for order in ("code", "paper"))
    assert torch.equal(paper, code.mT)


@pytest.mark.parametrize("order", ["code", "paper"])
def test_the_gradient_is_the_closed_form_of_the_paper(order: str) -> None:
    matrix = cayley(8, init="haar", negative=3, order=order)
    g = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    w = matrix.build()
    w.backward(g)
    w0, g0 = (x[0].detach().numpy() if order == "code" else x[0].detach().numpy().T for x in (w, g))
    a = skew(matrix.skew.detach(), 8)[0].numpy()
    v = np.linalg.solve((np.eye(8) + a).T, g0 @ (np.diag(matrix.signs[0].numpy()) + w0.T))
    assert np.allclose(matrix.skew.grad[0].numpy(), (v.T - v)[np.triu_indices(8, 1)], atol=1e-12)


def test_the_gradient_is_that_of_autograd_through_solve() -> None:
    matrix = cayley(9, seeds=(1, 2), init="haar", negative=4)
    g = torch.randn(2, 9, 9, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    matrix.build().backward(g)
    x = matrix.skew.detach().clone().requires_grad_()
    a, identity = skew(x, 9), torch.eye(9, dtype=torch.float64)
    (torch.linalg.solve(identity + a, identity - a) * matrix.signs.unsqueeze(1)).backward(g)
    assert torch.allclose(matrix.skew.grad, x.grad, atol=1e-13)


def test_the_start_has_its_angles_in_the_right_half_circle_and_d_moves_the_last_to_the_left() -> None:
    angles = torch.linalg.eigvals(cayley(40).build()[0].detach()).angle().abs()
    assert float(angles.max()) < math.pi / 2
    moved = torch.linalg.eigvals(cayley(40, negative=20).build()[0])
    assert int((moved.real < 0).sum()) == 20
    left = (math.pi - moved[moved.real < 0].angle().abs()).sort().values
    blocks = torch.linalg.eigvals(cayley(40).build()[0, 20:, 20:]).angle().abs().sort().values
    assert torch.allclose(left, blocks, atol=1e-12)


def test_w_is_orthogonal_to_single_precision_rounding_for_large_coordinates() -> None:
    matrix = cayley(60, dtype=torch.float32, negative=30)
    with torch.no_grad():
        matrix.skew.copy_(20 * torch.randn(matrix.skew.shape, generator=torch.Generator().manual_seed(0)))
    assert float(matrix.residual()) < 1e-5


@pytest.mark.parametrize("norm", [0.0, 1e-3, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("size", [1, 2, 33, 128])
def test_single_precision_errs_no_more_than_a_solve(size: int, norm: float) -> None:
    a = torch.randn(1, size, size, generator=torch.Generator().manual_seed(size), dtype=torch.float64)
    a = a - a.mT
    a = (a * (norm / torch.linalg.matrix_norm(a, 2).clamp(min=1e-9))).float()
    signs = torch.ones(1, size).index_fill_(1, torch.arange(size // 2), -1)
    g = torch.randn(1, size, size, generator=torch.Generator().manual_seed(5))

    def solve(a: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
        identity = torch.eye(size, dtype=a.dtype)
        return torch.linalg.solve(identity + a, identity - a) * signs.unsqueeze(1)

    def both(function, a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = a.clone().requires_grad_()
        w = function(a, signs.to(a.dtype))
        return w.detach(), torch.autograd.grad(w, a, g.to(a.dtype))[0]

    exact, ours, theirs = both(solve, a.double()), both(scaled_cayley, a), both(solve, a)
    for x, y, z in zip(ours, theirs, exact, strict=True):
        error, allowed = (float((found - z).norm() / z.norm()) for found in (x, y))
        assert error <= 1.5 * allowed + 3e-7
    w = ours[0][0].double()
    assert float(torch.linalg.matrix_norm(w.T @ w - torch.eye(size), 2)) < 5e-7


def test_parameters_are_counted_as_in_the_papers() -> None:
    for size in (170, 190, 512):
        assert sum(p.numel() for p in cayley(size).parameters()) == size * (size - 1) // 2


def test_a_step_of_an_odd_optimiser_on_the_full_matrix_is_the_same_step_on_the_coordinates() -> None:
    # The authors' optimiser acts on all of A; its slots are symmetric, so A stays skew.
    matrix = cayley(6, init="haar")
    a0 = skew(matrix.skew.detach(), 6)
    g = torch.randn(1, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    matrix.build().backward(g)
    full = skew(matrix.skew.grad, 6)

    def rmsprop(gradient: torch.Tensor) -> torch.Tensor:
        return 0.01 * gradient / (0.9 + 0.1 * gradient.square() + 1e-10).sqrt()

    assert torch.allclose(matrix.skew - rmsprop(matrix.skew.grad), coordinates_of(a0 - rmsprop(full)))


@pytest.mark.parametrize(
    "arguments",
    [{"negative": 7}, {"negative": -1}, {"order": "rows"}, {"init": "glorot_normal"}, {"width": 12}],
)
def test_unfit_arguments_are_faults(arguments: dict) -> None:
    with pytest.raises(Fault):
        cayley(6, **arguments)
