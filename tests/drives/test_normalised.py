"""The compiled form of v/√(s + 1e-16) against PyTorch's operations in float64, and in every stack."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnrepro.drives import normalised as module
from rnnrepro.drives.normalised import normalised, plainly

SHAPE = (3, 41, 2, 5)


def problem() -> list[Tensor]:
    """g with zeros at first, the numbers of three runs, and starts."""
    drawn = torch.Generator().manual_seed(0)
    g = torch.randn(SHAPE, generator=drawn)
    g[0, :4] = 0
    v, s = (torch.rand(3, 2, 5, generator=drawn) for _ in range(2))
    s[0], v[0] = 0, 0
    return [
        g,
        torch.tensor([0.6, 0.0, 0.9]),
        torch.tensor([0.6, 1.0, 0.1]),
        torch.tensor([0.1, 0.9, 0.0]),
        v,
        s,
    ]


def solved(function: object, values: list[Tensor]) -> list[Tensor]:
    """All results, and the gradients of g and the starts."""
    values = [value.clone() for value in values]
    learnt = [values[i].requires_grad_() for i in (0, 4, 5)]
    found = function(*values)
    drawn = torch.Generator().manual_seed(1)
    pushes = [torch.randn(each.shape, generator=drawn).to(each) for each in found]
    pushes = [push[: len(each)] for push, each in zip(pushes, found, strict=True)]
    return [*found, *torch.autograd.grad(found, learnt, pushes)]


def test_the_compiled_form_is_the_plain_one() -> None:
    values = problem()
    assert module._can_compile()
    exact = solved(plainly, [value.double() for value in values])
    for found, true in zip(solved(normalised, values), exact, strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(
            found.double(), true, rtol=2e-5, atol=2e-6 * float(true.detach().abs().max().clamp(max=9))
        )


def test_without_starts_both_are_zero() -> None:
    g, *numbers, v, s = problem()
    zeros = [torch.zeros_like(v), torch.zeros_like(s)]
    for found, same in zip(normalised(g, *numbers), normalised(g, *numbers, *zeros), strict=True):
        assert torch.equal(found, same)


@pytest.mark.parametrize("rows", [[0], [2], [2, 1]])
def test_a_run_has_the_same_bits_in_every_stack(rows: list[int]) -> None:
    values = problem()
    drawn = [torch.ones_like(each) for each in normalised(*values)]

    def gradients(part: list[Tensor], pushes: list[Tensor]) -> list[Tensor]:
        learnt = [part[i].clone().requires_grad_() for i in (0, 4, 5)]
        found = normalised(learnt[0], *part[1:4], *learnt[1:])
        return [*found, *torch.autograd.grad(found, learnt, pushes)]

    together = gradients(values, drawn)
    apart = gradients([value[rows] for value in values], [each[rows] for each in drawn])
    for one, all_of_them in zip(apart, together, strict=True):
        assert torch.equal(one, all_of_them[rows])
