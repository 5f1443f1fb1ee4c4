"""The hidden chain: pure chains, shuffled ones, gates, and what a real network stores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro import tables
from rnnrepro.analysis import chains, hidden_chain


def chain(size: int, gain: float = 1.0) -> np.ndarray:
    """Row i receives: unit i − 1 feeds unit i."""
    return gain * np.eye(size, k=-1)


def answer(matrix: np.ndarray, source: np.ndarray, steps: int = 101) -> np.ndarray:
    """States (steps, N) of a linear network after one pulse."""
    states = [source]
    for _ in range(steps - 1):
        states.append(matrix @ states[-1])
    return np.array(states)


def test_a_pure_chain_has_a_single_peak_at_one_also_when_its_units_are_shuffled():
    draw = np.random.default_rng(3)
    shuffle = draw.permutation(20)
    for order in (np.arange(20), shuffle):
        matrix = chain(20, 1.02)[np.ix_(order, order)]
        activity = answer(matrix, np.eye(20)[0][order])
        curve = chains.profile(matrix, chains.order_of_peaks(activity, draw.normal(0, 1e-3, 20)))
        assert curve.shape == (39,)
        expected = np.zeros(39)
        expected[20] = 1.02  # k = +1
        np.testing.assert_allclose(curve, expected, atol=1e-15)
        assert chains.asymmetry(curve) == pytest.approx(1.02 / 5)


def test_the_profile_is_the_mean_over_pairs_of_one_difference():
    draw = np.random.default_rng(0)
    matrix, order = draw.normal(size=(6, 6)), draw.permutation(6)
    place = np.argsort(order)  # where a unit stands in the order
    curve = chains.profile(matrix, order)
    for k in range(-5, 6):
        pairs = [matrix[i, j] for i in range(6) for j in range(6) if place[i] - place[j] == k]
        assert curve[k + 5] == pytest.approx(np.mean(pairs), abs=1e-15)


def test_the_asymmetry_of_a_matrix_and_of_its_transpose_are_opposite():
    matrix = np.random.default_rng(1).normal(size=(9, 9))
    order = np.arange(9)
    forwards, back = (chains.asymmetry(chains.profile(m, order)) for m in (matrix, matrix.T))
    assert forwards == pytest.approx(-back) and forwards != 0
    assert chains.asymmetry(chains.profile(np.ones((1, 1)), np.arange(1))) == 0.0


def test_jitter_decides_between_units_that_peak_together_and_no_others():
    activity = np.array([[0, 0, 1.0], [1, 1, 0.0]])
    assert chains.order_of_peaks(activity, np.array([0.002, 0.001, 0.0])).tolist() == [2, 1, 0]
    assert chains.order_of_peaks(activity, np.array([0.001, 0.002, 0.9])).tolist() == [2, 0, 1]


def linear_chain(make, task, **arguments):
    """A ReLU network whose matrix, with rows for sending units, is a chain fed at its start."""
    net = make.network("rnn", task, [0], update={"kind": "relu"}, drive={"bias": None}, **arguments)
    with torch.no_grad():
        net.recurrence.matrix.weight[0] = torch.from_numpy(chain(8).T.copy())
        net.recurrence.drive.weight.zero_()
        net.recurrence.drive.weight[0, :, 0] = 0.9
    return net


def test_a_networks_own_row_convention_is_turned_into_the_papers(make):
    task = make.adding([0])
    found = hidden_chain.hidden_chain(linear_chain(make, task), task)
    assert found["chain_profile"][0, 8] == pytest.approx(1.0) and found["chain_profile"][0].sum() == 1.0
    assert found["chain_asymmetry"].tolist() == [[0.2]]


def test_a_pulse_of_symbols_is_symbol_one_and_reaches_the_units_through_an_embedding(make):
    task = make.copying([0])
    plain = linear_chain(make, task)
    embedded = linear_chain(make, task, embedding={"size": 3})
    with torch.no_grad():
        plain.recurrence.drive.weight[0, hidden_chain.SYMBOL, 0] = 0.5
        plain.recurrence.drive.weight[0, 0, 0] = 100.0  # of a symbol that is not sent
        embedded.embedding.zero_()
        embedded.embedding[0, hidden_chain.SYMBOL, 1] = 1.0
    for net in (plain, embedded):
        assert hidden_chain.hidden_chain(net, task)["chain_profile"][0, 8] == pytest.approx(1.0)
    pulse = hidden_chain._pulse(plain, task)
    assert pulse.shape == (1, 101, 1, 6) and pulse.sum() == 1 and pulse[0, 0, 0, 1] == 1
    assert hidden_chain._pulse(embedded, task).shape == (1, 101, 1, 3)


def test_the_gates_of_an_lstm_are_measured_apart_in_one_order(make):
    task = make.adding([4])
    net = make.network("lstm", task, [4])
    found = hidden_chain.hidden_chain(net, task)
    kinds = ("chain_profile", "chain_asymmetry")
    assert set(found) == {f"{kind}_{gate}" for kind in kinds for gate in "ifgo"} <= set(tables.METRICS)
    diagonal = [found[f"chain_profile_{gate}"][0, 7] for gate in "ifgo"]
    blocks = net.recurrence.matrix.weight[0].detach().chunk(4, dim=1)
    np.testing.assert_allclose(diagonal, [block.diagonal().mean() for block in blocks])


def test_complex_units_have_no_profile(make):
    task = make.adding([0])
    assert hidden_chain.hidden_chain(make.network("scurnn", task, [0]), task) == {}


def test_of_a_stack_of_layers_the_middle_one_is_measured(make):
    task = make.copying([0, 1])
    net = make.network("lstm", task, [0, 1], embedding={"size": 3}, network={"layers": 3})
    found = hidden_chain.hidden_chain(net, task)
    for gate, block in zip("ifgo", net.layers[1].matrix.build().detach().chunk(4, dim=2), strict=True):
        diagonal = block.diagonal(dim1=1, dim2=2).mean(1)
        np.testing.assert_allclose(found[f"chain_profile_{gate}"][:, 7], diagonal)
