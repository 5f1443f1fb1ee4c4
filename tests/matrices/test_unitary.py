"""The full-capacity unitary matrix: its retraction, and that it stays unitary."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnnrepro.matrices.complex_block import parts
from rnnrepro.matrices.unitary import Unitary
from rnnrepro.matrices.urnn import RestrictedUnitary
from rnnrepro.optim import Optimiser

SIZE = 6


def unitary(
    size: int = SIZE, runs: int = 1, dtype: torch.dtype = torch.float64, polish: bool = True
) -> Unitary:
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return Unitary(size, input_size=2, generators=generators, dtype=dtype, polish=polish)


def as_complex(weight: torch.Tensor) -> np.ndarray:
    """The first run of (S, 2, N, N)."""
    re, im = weight[0].detach().numpy()
    return re + 1j * im


def test_it_starts_as_one_of_restricted_capacity() -> None:
    start = RestrictedUnitary(
        SIZE, input_size=2, generators=[torch.Generator().manual_seed(0)], dtype=torch.float64
    )
    torch.testing.assert_close(torch.stack(parts(start.build()), 1), unitary().weight, rtol=0, atol=0)


@pytest.mark.parametrize(("polish", "tolerance"), [(False, 1e-14), (True, 1e-14)])
def test_the_retraction_is_the_formula_of_the_paper(polish: bool, tolerance: float) -> None:
    matrix = unitary(polish=polish)
    step = 0.3 * torch.randn(
        matrix.weight.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    w, g, identity = as_complex(matrix.weight), as_complex(step), np.eye(SIZE)
    a = g @ w.conj().T - w @ g.conj().T
    expected = np.linalg.solve(identity + a / 2, (identity - a / 2) @ w)
    matrix.retract("weight", step)
    np.testing.assert_allclose(as_complex(matrix.weight), expected, atol=tolerance)


def test_a_small_step_is_the_gradient_step_in_the_metric_of_the_retraction() -> None:
    # ⟨G, 𝒜W⟩ = ½ ‖𝒜‖²: the linear loss Re⟨G, W⟩ falls by that much times the rate, whatever G.
    matrix = unitary()
    g = torch.randn(matrix.weight.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    w, rate = as_complex(matrix.weight), 1e-6
    a = as_complex(g) @ w.conj().T - w @ as_complex(g).conj().T
    before = float((g * matrix.weight.detach()).sum())
    matrix.retract("weight", rate * g)
    fall = (before - float((g * matrix.weight.detach()).sum())) / rate
    assert fall == pytest.approx(0.5 * np.linalg.norm(a) ** 2, rel=1e-4)


def test_the_network_matrix_finds_a_target_by_an_optimiser_of_any_form() -> None:
    matrix = unitary()
    target = unitary(runs=2).weight[1:].detach()
    settings = {"unitary": SimpleNamespace(kind="rmsprop_tf", arguments={"initial_square": 0.0})}
    optimiser = Optimiser(
        {"weight": matrix.weight},
        dict(matrix.groups),
        settings,
        {"unitary": torch.tensor([0.01])},
        {"weight": lambda step: matrix.retract("weight", step)},
    )
    distances = []
    for _ in range(300):
        optimiser.zero_grad()
        distance = (matrix.weight - target).square().sum()
        distance.backward()
        optimiser.step()
        distances.append(float(distance.detach()))
    assert distances[-1] < 0.01 * distances[0]
    assert float(matrix.residual()) < 1e-13


def worst_residual(steps: int, polish: bool, size: int = 24) -> float:
    """The largest residual over RMSProp steps at a rate that moves W about, in single precision."""
    matrix = unitary(size, dtype=torch.float32, polish=polish)
    settings = {"unitary": SimpleNamespace(kind="rmsprop_tf", arguments={})}
    optimiser = Optimiser(
        {"weight": matrix.weight},
        dict(matrix.groups),
        settings,
        {"unitary": torch.tensor([1e-3])},
        {"weight": lambda step: matrix.retract("weight", step)},
    )
    drawn, worst = torch.Generator().manual_seed(1), 0.0
    for step in range(steps):
        matrix.weight.grad = torch.randn(matrix.weight.shape, generator=drawn)
        optimiser.step()
        if step % 10 == 0:
            worst = max(worst, float(matrix.residual()))
    return worst


def test_w_stays_unitary_to_rounding_over_hundreds_of_steps() -> None:
    assert worst_residual(300, polish=True) < 24 * 1.2e-7


@pytest.mark.slow
def test_w_stays_unitary_to_rounding_over_thousands_of_steps_and_drifts_without_polish() -> None:
    polished = worst_residual(10_000, polish=True)
    assert polished < 24 * 1.2e-7
    assert worst_residual(10_000, polish=False) > 10 * polished
