from __future__ import annotations

import math

import pytest
import torch

from rnnrepro import models
from rnnrepro.models.layer import Layer

D, N, T, B = 3, 5, 11, 4


def pair(forget_offset: float = 0.0) -> tuple[Layer, torch.nn.LSTM]:
    """Our LSTM and PyTorch's with its weights."""
    ours = models.make(
        "lstm", input_size=D, hidden_size=N, dtype=torch.float64, update={"forget_offset": forget_offset}
    )
    theirs = torch.nn.LSTM(D, N, dtype=torch.float64)
    with torch.no_grad():
        theirs.bias_hh_l0[N : 2 * N] += forget_offset
        ours.recurrence.matrix.weight[0] = theirs.weight_hh_l0.T
        ours.recurrence.drive.weight[0] = theirs.weight_ih_l0.T
        ours.recurrence.drive.bias[0] = theirs.bias_ih_l0 + theirs.bias_hh_l0
        ours.recurrence.drive.bias[0, N : 2 * N] -= forget_offset
    return ours, theirs


@pytest.mark.parametrize("forget_offset", [0.0, 1.0])
def test_it_equals_pytorchs_lstm_with_every_gradient(forget_offset: float) -> None:
    ours, theirs = pair(forget_offset)
    x, h, c = (torch.randn(shape, dtype=torch.float64) for shape in ((T, B, D), (1, B, N), (1, B, N)))
    weights = [torch.randn(T, B, N, dtype=torch.float64), torch.randn(B, N, dtype=torch.float64)]
    results = []
    for layer in (ours, theirs):
        point = [t.clone().requires_grad_() for t in (x, h, c)]
        output, (h_n, c_n) = layer(point[0], (point[1], point[2]))
        objective = (output * weights[0]).sum() + (c_n[0] * weights[1]).sum()
        results.append([output, h_n, c_n, *torch.autograd.grad(objective, [*point, *layer.parameters()])])
    mine, reference = results
    for found, expected in zip(mine[:6], reference[:6], strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    recurrent, drive, bias = mine[6:]
    weight_ih, weight_hh, bias_ih, _ = reference[6:]
    for found, expected in ((recurrent[0], weight_hh.T), (drive[0], weight_ih.T), (bias[0], bias_ih)):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_it_starts_as_pytorchs_lstm() -> None:
    layer = models.make("lstm", input_size=30, hidden_size=64)
    bound = 64**-0.5
    for weight in (layer.recurrence.matrix.weight, layer.recurrence.drive.weight):
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    bias = layer.recurrence.drive.bias  # the sum of PyTorch's two
    assert bound < bias.abs().max() <= 2 * bound
    assert bias.std().item() == pytest.approx(bound * math.sqrt(2 / 3), rel=0.15)


def test_the_forget_offset_moves_the_forget_gate_alone() -> None:
    layer = models.make(
        "lstm",
        input_size=D,
        hidden_size=N,
        drive={"init": "zeros", "bias": "zeros"},
        matrix={"init": "zeros"},
        update={"forget_offset": 1.0},
    )
    h, c = torch.zeros(1, 1, N), torch.ones(1, 1, N)
    _, (h_n, c_n) = layer(torch.zeros(1, 1, D), (h, c))
    forget = 1 / (1 + math.exp(-1))
    torch.testing.assert_close(c_n, torch.full_like(c_n, forget))
    torch.testing.assert_close(h_n, torch.full_like(h_n, 0.5 * math.tanh(forget)))
