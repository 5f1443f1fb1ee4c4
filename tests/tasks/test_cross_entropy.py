"""The cross-entropy with its own gradient, against PyTorch's in float64."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from rnnrepro.tasks.cross_entropy import cross_entropy, guesses


def scores(scale: float, shape: tuple[int, ...] = (3, 7, 4, 9)) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    outputs = scale * torch.randn(shape, generator=drawn, dtype=torch.float64)
    return outputs, torch.randint(0, shape[-1], shape[:-1], generator=drawn)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
def test_values_and_gradients_are_those_of_log_softmax_in_float64(scale):
    outputs, targets = scores(scale)
    weights = torch.rand(targets.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    exact = outputs.clone().requires_grad_()
    wanted = functional.cross_entropy(exact.flatten(0, -2), targets.flatten(), reduction="none")
    (wanted.view(targets.shape) * weights).sum().backward()
    for dtype, bound in ((torch.float64, 1e-13), (torch.float32, 4e-7)):
        given = outputs.detach().to(dtype).clone().requires_grad_()
        found = cross_entropy(given, targets)
        (found * weights.to(dtype)).sum().backward()
        torch.testing.assert_close(
            found.double(), wanted.detach().view(targets.shape), rtol=bound, atol=bound * scale
        )
        if dtype == torch.float64 or scale <= 1.0:  # float32 scores of 30 are themselves off by 2e-6
            torch.testing.assert_close(given.grad.double(), exact.grad, rtol=0, atol=2 * bound)


def test_gradients_are_those_of_finite_differences():
    outputs, targets = scores(1.0, (2, 3, 5))
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, targets), outputs.requires_grad_())


def test_scores_that_are_not_finite_give_a_loss_that_is_not():
    outputs = torch.zeros(3, 2)
    outputs[0, 0], outputs[1, 1] = float("nan"), float("inf")
    assert cross_entropy(outputs, torch.zeros(3, dtype=torch.int64)).isfinite().tolist() == [
        False,
        False,
        True,
    ]


def test_a_guess_is_the_first_of_the_largest_scores_and_nan_counts_as_such():
    outputs = torch.tensor([[0.0, 2.0, 2.0], [0.0, 0.0, 0.0], [1.0, float("nan"), 3.0]])
    assert guesses(outputs).tolist() == [1, 0, 1]
    assert torch.equal(guesses(outputs), outputs.argmax(-1))
    drawn, _ = scores(1.0)
    assert torch.equal(guesses(drawn.transpose(0, 2)), drawn.transpose(0, 2).argmax(-1))
