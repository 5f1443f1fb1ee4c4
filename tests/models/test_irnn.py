"""iRNN against its inner loop, number after number, and its drive."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro import models
from rnnrepro.drives.repeated import Repeated
from rnnrepro.errors import Fault
from rnnrepro.models.network import Network

TIME, BATCH, INPUTS, HIDDEN, INNER, ALPHA = 4, 2, 3, 5, 3, 0.7


def network(carry: float) -> Network:
    net = models.build(
        "irnn",
        input_size=INPUTS,
        hidden_size=HIDDEN,
        output_size=2,
        arguments={"drive": {"steps": INNER}, "update": {"alpha": ALPHA, "carry": carry}},
        generators=[torch.Generator().manual_seed(seed) for seed in (1, 2)],
        dtype=torch.float64,
    )
    with torch.no_grad():
        net.recurrence.drive.eta += torch.tensor([[0.1, 0.2, 0.3], [-0.05, 0.4, 0.0]])
    return net


@pytest.mark.parametrize("carry", [0.0, 1.0])
def test_every_time_is_its_inner_loop(carry: float) -> None:
    net = network(carry)
    x = torch.randn(2, TIME, BATCH, INPUTS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = net.hidden(x)[0].detach().numpy()
    assert found.shape == (2, TIME, BATCH, HIDDEN)
    drive = net.recurrence.drive
    arrays = (net.build()[0], drive.weight, drive.bias, drive.eta)
    for run, b in np.ndindex(2, BATCH):
        W, U, bias, eta = (value[run].detach().numpy() for value in arrays)
        before = np.zeros(HIDDEN)
        for t in range(TIME):
            h = carry * before
            for step in eta:
                both = h + before
                h = h + step * (np.tanh(both @ W + x[run, t, b].numpy() @ U + bias) - ALPHA * both)
            np.testing.assert_allclose(found[run, t, b], h, rtol=0, atol=1e-13)
            before = h


def test_with_small_steps_and_many_of_them_it_is_at_an_equilibrium() -> None:
    """h + h_prev then solves α y = tanh(y W + z), whatever the steps."""
    net = network(1.0)
    drive = Repeated(
        INPUTS, HIDDEN, HIDDEN, steps=400, eta=0.1, generators=[torch.Generator()], dtype=torch.float64
    )
    layer = net.take([0]).recurrence
    layer.drive, layer.rule = drive, type(layer.rule)(alpha=2.0, carry=1.0)
    x = torch.randn(1, 2, 1, INPUTS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    h = layer(x)[0].detach()[0, :, 0]
    for y, z in zip((h[0], h[1] + h[0]), drive(x)[0].z.dense()[0, [0, 400], 0], strict=True):
        torch.testing.assert_close(2.0 * y, torch.tanh(y @ layer.matrix.build()[0] + z), rtol=0, atol=1e-12)


def test_numbers_a_step_are_those_of_the_inner_steps_over_and_over() -> None:
    drive = network(0.0).recurrence.drive
    z, state = drive(torch.zeros(2, TIME, BATCH, INPUTS, dtype=torch.float64))
    assert z.z.shape == (2, TIME * INNER, BATCH, HIDDEN) and state == ()
    assert z.scalars["last"].tolist() == [[0.0, 0.0, 1.0] * TIME] * 2
    torch.testing.assert_close(z.scalars["eta"][:, 3:6], drive.eta, rtol=0, atol=0)


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_a_number_of_inner_steps_that_is_none_is_a_fault(steps) -> None:
    with pytest.raises(Fault, match="steps is a whole number from 1 on"):
        Repeated(1, 2, 2, steps=steps, generators=[torch.Generator()])
