"""Clipping by global norm, a run at a time, and by value."""

from __future__ import annotations

import pytest
import torch

from rnnrepro.optim.clipping import clip_by_norm, clip_by_value, global_norm


def gradients(runs: int = 3) -> list[torch.Tensor]:
    drawn = torch.Generator().manual_seed(5)
    scale = torch.tensor([0.01, 1.0, 100.0])
    return [
        (torch.randn((3, *shape), generator=drawn) * scale.reshape(-1, *[1] * len(shape)))[:runs].clone()
        for shape in ((17, 5), (7,), (2, 3, 4))
    ]


@pytest.mark.parametrize("bound", [0.5, 3.0])
def test_each_run_is_clipped_as_torch_clips_it_alone(bound):
    stacked = gradients()
    parameters = [[torch.nn.Parameter(torch.zeros_like(g[run])) for g in stacked] for run in range(3)]
    norms = []
    for run, own in enumerate(parameters):
        for parameter, gradient in zip(own, stacked, strict=True):
            parameter.grad = gradient[run].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(own, bound))
    torch.testing.assert_close(clip_by_norm(stacked, bound), torch.stack(norms))
    for run, own in enumerate(parameters):
        for parameter, gradient in zip(own, stacked, strict=True):
            torch.testing.assert_close(gradient[run], parameter.grad)


def test_a_run_below_the_bound_is_left_as_it_is_to_the_bit():
    before, after = gradients(), gradients()
    clip_by_norm(after, 2.0)
    assert all(torch.equal(x[0], y[0]) for x, y in zip(before, after, strict=True))
    assert global_norm(after)[1:].tolist() == pytest.approx([2.0, 2.0], rel=1e-5)


def test_a_run_alone_is_clipped_bit_equal_to_the_run_in_a_stack():
    stacked = gradients()
    alone = [[g[run : run + 1].clone() for g in stacked] for run in range(3)]
    norms = clip_by_norm(stacked, 0.7)
    for run in range(3):
        assert torch.equal(clip_by_norm(alone[run], 0.7), norms[run : run + 1])
        assert all(torch.equal(x[run], y[0]) for x, y in zip(stacked, alone[run], strict=True))


def test_clipping_by_value_bounds_every_entry():
    values = [torch.tensor([[-3.0, 0.5, 2.0]])]
    clip_by_value(values, 1.0)
    assert values[0].tolist() == [[-1.0, 0.5, 1.0]]
