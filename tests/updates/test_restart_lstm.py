"""The released restart LSTM against its formula: y_t = r_t − ε g_t, a_t = y_t + c_t (y_t − y_{t−1})."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnrepro import models
from rnnrepro.drives.projection import Stepped
from rnnrepro.models.layer import Layer
from rnnrepro.scan import chosen, scan
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.restart_lstm import RestartLSTM

D, N, T, B = 3, 4, 11, 2
EPSILON = 0.3


def layer(period: int, dtype: torch.dtype = torch.float64) -> Layer:
    return models.make(
        "restart_lstm_released",
        input_size=D,
        hidden_size=N,
        dtype=dtype,
        matrix={"init": "normal(0.4)"},
        drive={"init": "normal(1)", "bias": "normal(0.5)", "epsilon": EPSILON, "period": period},
    )


def step_by_step(module: Layer, x: Tensor, period: int) -> Tensor:
    """As in the released cell: the gates i, f, g, o of an LSTM, y_0 = 0."""
    drive, U = module.recurrence.drive, module.recurrence.matrix.weight[0]
    h, c, y, found = x.new_zeros(B, N), x.new_zeros(B, N), x.new_zeros(B, 4 * N), []
    for t, x_t in enumerate(x):
        g, r = x_t @ drive.weight[0] + drive.bias[0], h @ U + drive.outside[0]
        k = t % period + 1
        before, y = y, r - EPSILON * g
        i, f, g, o = (y + (k - 1) / (k + 2) * (y - before)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("period", [1, 2, 8])
def test_it_is_the_formula_with_every_gradient_and_in_chunks(period: int) -> None:
    ours = layer(period)
    x = torch.randn(T, B, D, dtype=torch.float64)
    found, last = ours(x)
    expected = step_by_step(ours, x, period)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    parameters = list(ours.parameters())
    for ours_, theirs in zip(
        *(torch.autograd.grad((h**2).sum(), parameters) for h in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours_, theirs, rtol=0, atol=1e-12)
    first, state = ours(x[:5])
    second, end = ours(x[5:], state)
    torch.testing.assert_close(torch.cat((first, second)), expected, rtol=0, atol=1e-12)
    assert [part.shape[-1] for part in end] == [N, N, 4 * N, 1]
    assert torch.equal(end[-1], last[-1]) and end[-1].unique().tolist() == [T % period]


def test_without_momentum_it_is_an_lstm() -> None:
    generator = torch.Generator().manual_seed(0)
    W, z = (torch.randn(1, *shape, 4 * N, generator=generator) for shape in ((N,), (T, B)))
    h, c, y = (torch.zeros(1, B, size) for size in (N, N, 4 * N))
    plain, _ = scan(LSTM(), {}, W, z, (h, c))
    ours, (_, _, last) = scan(RestartLSTM(), {}, W, Stepped(z, {"momentum": torch.zeros(1, T)}), (h, c, y))
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(last, torch.bmm(ours[:, -2], W) + z[:, -1])


def test_it_runs_in_the_compiled_scan() -> None:
    ours = layer(8, torch.float32)
    assert chosen("auto", ours.recurrence.rule, ours.recurrence.matrix.weight) == "cpu"
    x = torch.randn(T, B, D)
    torch.testing.assert_close(ours(x)[0], step_by_step(ours, x, 8))
