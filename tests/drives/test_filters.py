from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor

from rnnrepro.drives.filters import BLOCK, constant, filter_of, number_a_run
from rnnrepro.errors import Fault

TIMES = (1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def decays(runs: int, time: int) -> Tensor:
    """Between 0 and 1, with zeros, after which v begins anew."""
    c = normal(runs, time, seed=1).abs().clamp(max=1)
    c[:, ::7] = 0
    return c


def step_by_step(c: Tensor, gain: Tensor, g: Tensor, start: Tensor | None) -> Tensor:
    v, found = torch.zeros_like(g[:, 0]) if start is None else start, []
    for t in range(g.shape[1]):
        v = c[:, t, None, None] * v + gain[:, None, None] * g[:, t]
        found.append(v)
    return torch.stack(found, 1)


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("time", TIMES)
def test_blocks_give_what_steps_give_with_every_gradient(time: int, started: bool) -> None:
    g, start, c, gain = (
        normal(2, time, 3, 4),
        normal(2, 3, 4, seed=2),
        decays(2, time),
        torch.tensor([0.6, 2]),
    )
    direction, results = normal(2, time, 3, 4, seed=3), []
    for through in (lambda g, s: filter_of(c, gain, g)(g, s), lambda g, s: step_by_step(c, gain, g, s)):
        point = [g.clone().requires_grad_(), *([start.clone().requires_grad_()] if started else [])]
        v = through(point[0], point[1] if started else None)
        results.append([v, *torch.autograd.grad((v * direction).sum(), point)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)


def test_gradients_are_those_of_central_differences() -> None:
    g, start = normal(2, BLOCK + 3, 1, 2).requires_grad_(), normal(2, 1, 2, seed=2).requires_grad_()
    through = filter_of(decays(2, BLOCK + 3), torch.tensor([0.6, 2.0]), g)
    assert torch.autograd.gradcheck(through, (g, start))


def test_a_constant_decay_is_scipys_filter() -> None:
    g = normal(1, 500, 2, 3)
    v = filter_of(
        constant(torch.tensor([0.9], dtype=torch.float64), 500), torch.tensor([0.3], dtype=torch.float64), g
    )(g)
    expected = scipy.signal.lfilter([0.3], [1, -0.9], g.numpy(), axis=1)
    np.testing.assert_allclose(v.numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (5, 3)])
@pytest.mark.parametrize("time", [1, 33, 70])
def test_a_run_has_the_same_bits_alone_and_in_a_stack(time: int, sizes: tuple[int, int]) -> None:
    g, start = normal(3, time, *sizes).float(), normal(3, *sizes, seed=2).float()
    c, gain, direction = (
        decays(3, time),
        torch.tensor([0.1, 0.7, 0.3]),
        normal(3, time, *sizes, seed=3).float(),
    )

    def results(rows: list[int]) -> list[Tensor]:
        point = [g[rows].clone().requires_grad_(), start[rows].clone().requires_grad_()]
        v = filter_of(c[rows], gain[rows], g)(*point)
        return [v, *torch.autograd.grad((v * direction[rows]).sum(), point)]

    together = results([0, 1, 2])
    for run in range(3):
        for alone, stacked in zip(results([run]), together, strict=True):
            assert torch.equal(alone[0], stacked[run])


def test_three_thousand_steps_take_no_square_of_the_time_and_keep_no_sequence() -> None:
    time, g = 3000, normal(1, 3000, 4, 25).float().requires_grad_()
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        v = filter_of(constant(torch.tensor([0.99]), time), torch.tensor([0.5]), g)(g)
    assert sum(kept) <= (BLOCK + 1) * (time + BLOCK)
    exact = scipy.signal.lfilter([0.5], [1, -float(np.float32(0.99))], g.detach().double().numpy(), axis=1)
    assert np.abs(v.detach().numpy() - exact).max() < 2e-6 * np.abs(exact).max()


def test_numbers_of_runs_are_checked() -> None:
    assert number_a_run("mu", 0.5, 2) == [0.5, 0.5]
    assert number_a_run("mu", [0.5, 1], 2) == [0.5, 1.0]
    with pytest.raises(Fault, match="mu: a number for each run: 3 runs, 2 numbers"):
        number_a_run("mu", [0.5, 1], 3)
    for wrong in (1.0, -0.1, float("nan")):
        with pytest.raises(Fault, match="at least 0 and below 1"):
            number_a_run("mu", [0.0, wrong], 2, low=0, below=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_weight_of_a_filter_is_a_number_that_processors_are_slow_with(dtype: torch.dtype) -> None:
    found = filter_of(constant(torch.tensor([0.01]), 300), torch.tensor([1.0]), torch.ones(1, dtype=dtype))
    for weights in (found.inside, found.before, found.reach):
        assert not ((weights != 0) & (weights.abs() < torch.finfo(dtype).tiny)).any()
    assert found.inside[0, 0, 5, 0] == pytest.approx(1e-10, rel=1e-5)
