from __future__ import annotations

import torch
from torch import Tensor

from rnnrepro.reduce import each_run, finite_per_run, product, sum_per_run, where_run


def test_sum_per_run_has_the_same_bits_alone_and_in_a_stack() -> None:
    for shape in ((3,), (33,), (7, 9), (5, 50, 33)):
        x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
        for layout in (x, x.transpose(1, -1)):
            alone = torch.cat([sum_per_run(layout[i : i + 1]) for i in range(4)])
            assert torch.equal(sum_per_run(layout), alone)


def test_sum_per_run_is_the_sum_and_its_gradient_is_one() -> None:
    x = torch.arange(12.0).view(3, 2, 2).requires_grad_()
    total = sum_per_run(x)
    total.sum().backward()
    assert total.tolist() == [6.0, 22.0, 38.0] and torch.equal(x.grad, torch.ones_like(x))
    assert sum_per_run(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_products_and_their_gradients_have_the_same_bits_alone_and_in_a_stack() -> None:
    generator = torch.Generator().manual_seed(0)
    # Sizes that break the alignment of a run's slice, and single rows, which MKL multiplies in a way of their own.
    for rows, inner, columns in (
        (3, 33, 33),
        (10, 50, 9),
        (1, 30, 30),
        (1, 33, 112),
        (1, 5, 90),
        (7, 90, 90),
    ):
        for dtype in (torch.float32, torch.float64):
            x = torch.randn(5, rows, inner, generator=generator, dtype=dtype)
            w = torch.randn(5, inner, columns, generator=generator, dtype=dtype)
            g = torch.randn(5, rows, columns, generator=generator, dtype=dtype)

            def found(part: slice, x: Tensor = x, w: Tensor = w, g: Tensor = g) -> list[Tensor]:
                point = [x[part].clone().requires_grad_(), w[part].clone().requires_grad_()]
                y = product(*point)
                return [y.detach(), *torch.autograd.grad(y, point, g[part].clone())]

            alone = [found(slice(i, i + 1)) for i in range(5)]
            for together, *apart in zip(found(slice(None)), *alone, strict=True):
                assert torch.equal(together, torch.cat(apart)), (rows, inner, columns, dtype)


def test_finite_per_run_and_where_run_act_on_whole_runs() -> None:
    x = torch.ones(3, 2, 2)
    x[1, 0, 1], x[2, 1, 1] = torch.inf, torch.nan
    assert finite_per_run(x).tolist() == [True, False, False]
    assert where_run(finite_per_run(x), x, 0.0).sum((1, 2)).tolist() == [4.0, 0.0, 0.0]


def test_each_run_calls_the_function_run_by_run_and_joins_the_results() -> None:
    seen = []

    def function(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len(x))
        return x + y, x * y

    x, y = torch.arange(3.0), torch.ones(3)
    total, product = each_run(function, x, y)
    assert seen == [1, 1, 1] and torch.equal(total, x + 1) and torch.equal(product, x)
