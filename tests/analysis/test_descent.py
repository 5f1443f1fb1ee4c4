"""The Jacobian of SBO-RNN's descent, and its bounds, against autograd through the update and through networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.analysis import descent
from rnnrepro.matrices.low_rank import LowRank
from rnnrepro.scan import scan
from rnnrepro.updates.bilevel import BilevelSGD

TIME, N, ETA, ALPHA = 6, 9, 0.1, 0.8


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def steepness(W: np.ndarray, on: np.ndarray) -> np.ndarray:
    """‖M‖² of steps."""
    return np.linalg.norm(descent.residual_jacobian(W, on, ALPHA), 2, axis=(-2, -1)) ** 2


@pytest.fixture(scope="module")
def sequence() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]:
    """W (N, N), z (T, N), the states h_0 … h_T and which units are on at each step (T, N)."""
    W, z = torch.eye(N).double() + drawn(N, N) / N**0.5, drawn(TIME, N, seed=1)
    h = drawn(1, 1, N, seed=2)
    outputs, _ = scan(BilevelSGD(ETA, ALPHA), {}, W[None], z[None, :, None], (h,))
    states = torch.cat((h[0], outputs[0, :, 0]))
    return W, z, states, (states[:-1] @ W + z > 0).double().numpy()


def test_it_is_autograds_jacobian_of_each_step(sequence) -> None:
    W, z, states, on = sequence
    found = descent.jacobian(W.numpy(), on, ETA, ALPHA)
    assert 0.2 < on.mean() < 0.8
    for t in range(TIME):

        def step(h: torch.Tensor, t=t) -> torch.Tensor:
            part = z[None, t : t + 1, None]
            return scan(BilevelSGD(ETA, ALPHA), {}, W[None], part, (h[None, None],))[0][0, 0, 0]

        theirs = torch.autograd.functional.jacobian(step, states[t])
        np.testing.assert_allclose(found[t], theirs.numpy(), rtol=0, atol=1e-12)


def test_m_is_the_derivative_of_the_residual_and_its_square_the_hessian(sequence) -> None:
    W, z, states, on = sequence

    def residual(h: torch.Tensor) -> torch.Tensor:
        return ALPHA * h - torch.relu(h @ W + z[2])

    M = descent.residual_jacobian(W.numpy(), on[2], ALPHA)
    by_column = torch.autograd.functional.jacobian(residual, states[2]).numpy()
    np.testing.assert_allclose(M, by_column.T, rtol=0, atol=1e-13)
    hessian = torch.autograd.functional.hessian(lambda h: 0.5 * (residual(h) ** 2).sum(), states[2]).numpy()
    np.testing.assert_allclose(M @ M.T, hessian, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [1e-3, 0.05, 0.4, 1.0])
def test_all_singular_values_lie_between_the_bounds_which_are_reached(eta: float) -> None:
    W = np.eye(N) + drawn(N, N, seed=3).numpy() / N**0.5
    on = (drawn(40, N, seed=4) > 0).double().numpy()
    L = steepness(W, on)
    assert descent.steepest(W, ALPHA) >= L.max()
    smallest, largest = descent.extremes(descent.jacobian(W, on, eta, ALPHA))
    low, high = np.transpose([descent.bounds(eta, own) for own in L])
    assert (smallest >= low - 1e-12).all() and (largest <= high + 1e-12).all()
    inside = eta * L <= 1
    # The steepest direction attains 1 − ηL where that is not negative, and |1 − ηL| anywhere.
    np.testing.assert_allclose(smallest[inside], (1 - eta * L)[inside], rtol=0, atol=1e-12)
    np.testing.assert_allclose(largest[eta * L > 2], (eta * L - 1)[eta * L > 2], rtol=1e-12)
    assert inside.all() == (eta <= 0.05) and ((eta * L > 2).any() == (eta == 1.0))


def test_the_start_of_the_paper_lets_a_gradient_through_hundreds_of_steps() -> None:
    """At N = 128 and k = 50 ‖U V‖ is 0.62, L below 6 whatever is on, and 1.2 with half of the units on."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    on = (drawn(10, 128) > 0).double().numpy()
    for W in LowRank(128, input_size=1, generators=generators, dtype=torch.float64).build().detach().numpy():
        assert np.linalg.norm(W - np.eye(128), 2) == pytest.approx(0.62, rel=0.05)
        assert descent.steepest(W) < 6 and descent.bounds(1e-3, descent.steepest(W))[0] ** 784 > np.exp(-4.8)
        M = descent.residual_jacobian(W, on)
        assert np.linalg.norm(M, 2, axis=(-2, -1)).max() ** 2 == pytest.approx(1.2, rel=0.1)


def network(make, name: str, task, seeds: list[int], **arguments):
    return make.network(name, task, seeds, hidden=6, update={"eta": ETA, "alpha": ALPHA}, **arguments)


@pytest.mark.parametrize("name", ["sbo_sgd", "sbo_sgd_sparse"])
def test_the_values_are_those_of_autograds_jacobians_of_steps_and_of_all_that_follow(make, name) -> None:
    task = make.adding([0, 1])
    net = network(make, name, task, [0, 1])
    with torch.no_grad():
        for parameter in net.recurrence.matrix.parameters():
            parameter += 0.4 / parameter[0].numel() ** 0.5
    found = descent.descent_spectrum(net, task)
    x = task.batch(0).inputs.double()[:, :, :2]
    time = x.shape[1]
    assert {values.shape[1] for metric, values in found.items() if "est" in metric} == {time}
    np.testing.assert_array_equal(found["descent_faded"][:, 0], found["descent_chain_smallest"][:, -1])
    np.testing.assert_array_equal(found["descent_grown"][:, 0], found["descent_chain_largest"].max(1))
    layer, h = net.recurrence, net.hidden(x)[0].detach()

    def values(run: int, b: int, first: int, steps: int) -> torch.Tensor:
        def after(state: torch.Tensor) -> torch.Tensor:
            place = (torch.tensor(run), torch.tensor(b))
            rows = torch.zeros(2, 2, 6, dtype=torch.float64).index_put(place, state)
            return layer(x[:, first : first + steps], (rows,), every=False)[0][run, 0, b]

        before = h[run, first - 1, b] if first else torch.zeros(6, dtype=torch.float64)
        return torch.linalg.svdvals(torch.autograd.functional.jacobian(after, before))

    for run in range(2):
        for t in range(time):
            of_steps = [values(run, b, t, 1) for b in range(2)]
            of_chains = [values(run, b, time - 1 - t, t + 1) for b in range(2)]
            for theirs, prefix in ((of_steps, "descent_"), (of_chains, "descent_chain_")):
                lowest, highest = min(v[-1] for v in theirs), max(v[0] for v in theirs)
                np.testing.assert_allclose(found[f"{prefix}smallest"][run, t], lowest, rtol=1e-10)
                np.testing.assert_allclose(found[f"{prefix}largest"][run, t], highest, rtol=1e-10)
    norms = np.array([np.linalg.norm(w, 2) for w in net.build()[0].detach().numpy()])
    np.testing.assert_allclose(found["descent_norm"][:, 0], norms, rtol=1e-12)
    low = np.maximum(0.0, 1 - ETA * (ALPHA + norms) ** 2)
    np.testing.assert_allclose(found["descent_bounds"][:, 0], low, rtol=1e-12)
    np.testing.assert_allclose(found["descent_bounds"][:, 1], 1.0, rtol=0)
    assert (found["descent_smallest"] >= low[:, None]).all()
    powers = low[:, None] ** np.arange(1, time + 1)
    assert (found["descent_chain_smallest"] >= powers).all() and (found["descent_chain_largest"] <= 1).all()


@pytest.mark.parametrize("name", ["sbo_shb", "sbo_snag_sparse"])
def test_a_run_is_measured_alone_as_in_a_stack(make, name) -> None:
    seeds = [3, 4, 5]
    task = make.adding(seeds)
    stacked = descent.descent_spectrum(network(make, name, task, seeds).float(), task)
    assert stacked["descent_momentum"].tolist() == [[0.5]] * 3 and "descent_chain_largest" not in stacked
    for run, seed in enumerate(seeds):
        task = make.adding([seed])
        alone = descent.descent_spectrum(network(make, name, task, [seed]).float(), task)
        assert alone.keys() == stacked.keys()
        for metric, values in alone.items():
            np.testing.assert_array_equal(values[0], stacked[metric][run])


def test_symbols_are_measured_as_their_rows_of_the_embedding(make) -> None:
    task = make.copying([0])
    net = network(make, "sbo_snag", task, [0], embedding={"size": 3})
    found = descent.descent_spectrum(net, task)
    symbols = task.batch(0).inputs[:, :, : descent.SEQUENCES]
    rows = net.embedding[0].detach()[symbols[0]]
    layer = net.recurrence
    h, W = layer(rows[None])[0].detach()[0].numpy(), net.build()[0][0].detach().numpy()
    z = (rows @ layer.drive.weight[0] + layer.drive.bias[0]).detach().numpy()
    on = np.concatenate((np.zeros_like(h[:1]), h[:-1])) @ W + z > 0
    assert 0.1 < on.mean() < 0.9
    for t in range(len(on)):
        M = [ALPHA * np.eye(6) - W @ np.diag(active) for active in on[t]]
        values = [np.linalg.eigvalsh(np.eye(6) - ETA * m @ m.T) for m in M]
        assert found["descent_smallest"][0, t] == pytest.approx(np.abs(values).min(), rel=1e-10)
        assert found["descent_largest"][0, t] == pytest.approx(np.abs(values).max(), rel=1e-10)


def test_an_update_that_descends_nothing_is_not_measured(make) -> None:
    task = make.adding([0])
    assert descent.descent_spectrum(make.network("rnn", task, [0]), task) == {}
