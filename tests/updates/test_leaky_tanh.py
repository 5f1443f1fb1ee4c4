"""Leaky tanh units: an Euler step of τ h' = −h + tanh(h W + z)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.errors import Fault
from rnnrepro.scan import scan
from rnnrepro.updates.leaky_tanh import LeakyTanh


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def test_the_recurrence_is_the_formula_step_by_step() -> None:
    W, z, h = drawn(1, 6, 6), drawn(1, 9, 2, 6), drawn(1, 2, 6)
    found, _ = scan(LeakyTanh(tau=4.0), {}, W, z, (h,))
    state = h[0].numpy()
    for t in range(9):
        state = 0.75 * state + 0.25 * np.tanh(state @ W[0].numpy() + z[0, t].numpy())
        assert np.allclose(found[0, t].numpy(), state, rtol=1e-13, atol=1e-13)


def test_without_input_and_coupling_the_state_decays_as_the_leak_says() -> None:
    h = drawn(1, 3, 5)
    found, _ = scan(LeakyTanh(), {}, torch.zeros(1, 5, 5, dtype=h.dtype), h.new_zeros(1, 30, 3, 5), (h,))
    torch.testing.assert_close(found[:, -1], 0.9**30 * h, rtol=1e-13, atol=0)


def test_a_constant_drive_is_reached_as_the_time_constant_says() -> None:
    z = torch.full((1, 50, 1, 1), 0.7, dtype=torch.float64)
    found, _ = scan(LeakyTanh(5.0), {}, z.new_zeros(1, 1, 1), z, (z.new_zeros(1, 1, 1),))
    expected = np.tanh(0.7) * (1 - 0.8 ** np.arange(1, 51))
    assert np.allclose(found[0, :, 0, 0].numpy(), expected, rtol=1e-13)


def test_a_time_constant_of_one_step_leaves_plain_tanh() -> None:
    W, z, h = drawn(1, 6, 6), drawn(1, 1, 2, 6), drawn(1, 2, 6)
    found, _ = scan(LeakyTanh(1.0), {}, W, z, (h,))
    torch.testing.assert_close(found[:, 0], torch.tanh(h @ W + z[:, 0]), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("tau", [0.5, 0.0, -3.0, float("nan")])
def test_a_time_constant_below_a_step_is_a_fault(tau: float) -> None:
    with pytest.raises(Fault, match="tau is a time constant in steps, 1 or more"):
        LeakyTanh(tau)
