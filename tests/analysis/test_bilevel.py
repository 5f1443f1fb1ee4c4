"""The Jacobian of SBO-RNN's descent against autograd through the update, and its bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.analysis import bilevel
from rnnrepro.matrices.low_rank import LowRank
from rnnrepro.scan import scan
from rnnrepro.updates.bilevel import BilevelSGD

TIME, N, ETA, ALPHA = 6, 9, 0.05, 0.9


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def sequence() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]:
    """W (N, N), z (T, N), the states h_0 … h_T and which units are on at each step (T, N)."""
    W, z = torch.eye(N).double() + drawn(N, N) / N**0.5, drawn(TIME, N, seed=1)
    h = drawn(1, 1, N, seed=2)
    outputs, _ = scan(BilevelSGD(ETA, ALPHA), {}, W[None], z[None, :, None], (h,))
    states = torch.cat((h[0], outputs[0, :, 0]))
    return W, z, states, (states[:-1] @ W + z > 0).double().numpy()


def test_it_is_autograds_jacobian_of_each_step_and_of_all_together(sequence) -> None:
    W, z, states, on = sequence
    found = bilevel.descent_jacobian(W.numpy(), on, ETA, ALPHA)
    assert 0.2 < on.mean() < 0.8

    def run(h: torch.Tensor, first: int, steps: int) -> torch.Tensor:
        part = z[None, first : first + steps, None]
        return scan(BilevelSGD(ETA, ALPHA), {}, W[None], part, (h[None, None],), every=False)[0][0, 0, 0]

    for t in range(TIME):
        theirs = torch.autograd.functional.jacobian(lambda h, t=t: run(h, t, 1), states[t])
        np.testing.assert_allclose(found[t], theirs.numpy(), rtol=0, atol=1e-12)
    low, high = bilevel.chain_extremes(found)
    for k in range(1, TIME + 1):
        first = TIME - k
        theirs = torch.autograd.functional.jacobian(lambda h, f=first, k=k: run(h, f, k), states[first])
        values = torch.linalg.svdvals(theirs)
        np.testing.assert_allclose((low[k - 1], high[k - 1]), (values[-1], values[0]), rtol=1e-10)


def test_m_is_the_derivative_of_the_residual_and_its_square_the_hessian(sequence) -> None:
    W, z, states, on = sequence

    def residual(h: torch.Tensor) -> torch.Tensor:
        return ALPHA * h - torch.relu(h @ W + z[2])

    M = bilevel.residual_jacobian(W.numpy(), on[2], ALPHA)
    by_column = torch.autograd.functional.jacobian(residual, states[2]).numpy()
    np.testing.assert_allclose(M, by_column.T, rtol=0, atol=1e-13)
    hessian = torch.autograd.functional.hessian(lambda h: 0.5 * (residual(h) ** 2).sum(), states[2]).numpy()
    np.testing.assert_allclose(M @ M.T, hessian, rtol=0, atol=1e-12)
    largest = np.linalg.eigvalsh(hessian)[-1]
    assert bilevel.steepness(W.numpy(), on, ALPHA)[2] == pytest.approx(largest, rel=1e-12)


@pytest.mark.parametrize("eta", [1e-3, 0.05, 0.4, 1.0])
def test_all_singular_values_lie_between_the_bounds_which_are_reached(eta: float) -> None:
    W = np.eye(N) + drawn(N, N, seed=3).numpy() / N**0.5
    on = (drawn(40, N, seed=4) > 0).double().numpy()
    L = bilevel.steepness(W, on, ALPHA)
    assert bilevel.steepest(W, ALPHA) >= L.max()
    smallest, largest = bilevel.extremes(bilevel.descent_jacobian(W, on, eta, ALPHA))
    low, high = bilevel.bounds(eta, L)
    assert (smallest >= low - 1e-12).all() and (largest <= high + 1e-12).all()
    inside = eta * L <= 1
    # The steepest direction attains 1 − ηL where that is not negative, and |1 − ηL| anywhere.
    np.testing.assert_allclose(smallest[inside], (1 - eta * L)[inside], rtol=0, atol=1e-12)
    np.testing.assert_allclose(largest[eta * L > 2], (eta * L - 1)[eta * L > 2], rtol=1e-12)
    assert inside.all() == (eta <= 0.05) and ((eta * L > 2).any() == (eta == 1.0))


def test_over_a_sequence_a_gradient_fades_no_further_than_the_bounds_to_its_length(sequence) -> None:
    W, _, _, on = sequence
    L = bilevel.steepness(W.numpy(), on, ALPHA).max()
    low, high = bilevel.chain_extremes(bilevel.descent_jacobian(W.numpy(), on, ETA, ALPHA))
    assert (low >= (1 - ETA * L) ** np.arange(1, TIME + 1) - 1e-12).all() and (high <= 1 + 1e-12).all()
    assert (np.diff(low) < 0).all()


def test_the_start_of_the_paper_lets_a_gradient_through_hundreds_of_steps() -> None:
    """At N = 128 and k = 50 ‖U V‖ is 0.62, L below 6 whatever is on, and 1.2 with half of the units on."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    on = (drawn(10, 128) > 0).double().numpy()
    for W in LowRank(128, input_size=1, generators=generators, dtype=torch.float64).build().detach().numpy():
        assert np.linalg.norm(W - np.eye(128), 2) == pytest.approx(0.62, rel=0.05)
        assert bilevel.steepest(W) < 6 and bilevel.bounds(1e-3, bilevel.steepest(W))[0] ** 784 > np.exp(-4.8)
        assert bilevel.steepness(W, on).max() == pytest.approx(1.2, rel=0.1)
