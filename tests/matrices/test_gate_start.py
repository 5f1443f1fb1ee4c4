"""The starts of Orhan and Pitkow (2020), held by their entries, by what they remember and by which way they run."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from rnnrepro import models, tables
from rnnrepro.errors import Fault
from rnnrepro.matrices.free import Free


def starts(init: str, size: int = 100, gates: int = 1, runs: int = 1, **arguments) -> np.ndarray:
    """W (S, N, gates · N)."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    matrix = Free(
        size,
        width=gates * size,
        input_size=3,
        generators=generators,
        init=init,
        dtype=torch.float64,
        **arguments,
    )
    return matrix.build().detach().numpy()


def memory(w: np.ndarray, unit: int = 0) -> float:
    """J_tot of h' = h W + s e_unit + noise: the Fisher memory of Ganguli, Huh and Sompolinsky (2008)."""
    covariance = scipy.linalg.solve_discrete_lyapunov(w.T, np.eye(len(w)))
    signal, total = np.eye(len(w))[unit], 0.0
    for _ in range(4 * len(w)):
        total += signal @ np.linalg.solve(covariance, signal)
        signal = signal @ w
    return total


@pytest.mark.parametrize(
    ("init", "arguments", "expected"),
    [  # N = 100, from the closed forms of the reproduction card
        ("chain", {"gain": 0.99}, 4.391),
        ("chain", {}, 5.187),
        ("chain", {"gain": 1.01}, 6.281),
        ("chain", {"gain": 1.02}, 7.606),
        ("chain", {"gain": 1.05}, 12.087),
        ("fbchain", {"gain": 0.01}, 4.458),
        ("fbchain", {"gain": 0.02}, 4.653),
        ("fbchain", {"gain": 0.03}, 4.958),
        ("fbchain", {"gain": 0.04}, 5.346),
        ("fbchain", {"gain": 0.05}, 5.793),
        ("fbchain", {"gain": 0.04, "forward": 1.02}, 8.423),
        ("fbchain", {"gain": 0.05, "forward": 1.05}, 12.689),
        ("chain", {"gain": 1.02, "orientation": "torch_release"}, 0.001),
    ],
)
def test_a_chain_remembers_as_much_as_theory_says(init: str, arguments: dict, expected: float) -> None:
    assert memory(starts(init, **arguments)[0]) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("init", ["identity", "orthogonal"])
def test_a_normal_start_remembers_one_whatever_it_is(init: str) -> None:
    assert memory(starts(init, gain=0.9)[0], unit=17) == pytest.approx(1.0, abs=1e-9)


def test_the_released_orientation_fed_at_its_other_end_is_the_papers() -> None:
    w = starts("chain", gain=1.02, orientation="torch_release")[0]
    assert memory(w, unit=99) == pytest.approx(7.606, abs=6e-4)


def test_the_entries_are_those_of_the_paper_transposed() -> None:
    paper = np.diag(np.full(4, 0.99), -1) + np.diag(np.full(4, 0.04), 1)  # row: the unit that receives
    assert np.array_equal(starts("fbchain", 5, gain=0.04)[0].T, paper)
    assert np.array_equal(starts("fbchain", 5, gain=0.04, orientation="torch_release")[0], paper)
    assert np.array_equal(starts("chain", 5, gain=1.05)[0].T, np.diag(np.full(4, 1.05), -1))
    assert np.array_equal(starts("identity", 5, gain=1.05)[0], 1.05 * np.eye(5))


def test_each_gate_of_an_orthogonal_start_is_a_haar_matrix_of_its_own() -> None:
    blocks = np.split(starts("orthogonal", 30, gates=4, gain=1.01)[0], 4, axis=1)
    for block in blocks:
        assert np.allclose(block.T @ block, 1.01**2 * np.eye(30), atol=1e-12)
    assert all(abs(a - b).max() > 0.1 for i, a in enumerate(blocks) for b in blocks[:i])
    # on O(n) half of the matrices are reflections, and the trace has mean 0 and variance 1
    drawn = starts("orthogonal", 5, runs=2000)
    turned = (np.linalg.det(drawn) > 0).sum()
    assert scipy.stats.binomtest(int(turned), 2000).pvalue > 0.01
    traces = np.trace(drawn, axis1=1, axis2=2)
    assert abs(traces.mean()) < 4 / math.sqrt(2000) and abs(traces.var() - 1) < 0.15


@pytest.mark.parametrize("orientation", tables.ORIENTATIONS)
def test_the_mixed_start_of_an_lstm_has_ramps_and_a_chain_that_run_one_way(orientation: str) -> None:
    i, f, g, o = np.split(starts("mixed", 11, gates=4, orientation=orientation)[0], 4, axis=1)
    assert np.array_equal(i, f) and np.array_equal(i, o)
    # released: R_jk = 0.01 (k − j)/(H − 1) and a super-diagonal chain, in PyTorch's (out, in)
    released = np.array([[0.01 * (k - j) / 10 for k in range(11)] for j in range(11)])
    of_torch = (i.T, g.T) if orientation == "torch_release" else (i, g)
    assert np.allclose(of_torch[0], released, atol=1e-17)
    assert np.array_equal(of_torch[1], np.diag(np.full(10, 1.02), 1))


@pytest.mark.parametrize("init", ["identity", "orthogonal", "chain", "fbchain"])
def test_every_gate_of_an_lstm_starts_alike(init: str) -> None:
    blocks = np.split(starts(init, 6, gates=4, gain=0.5)[0], 4, axis=1)
    one = starts(init, 6, gain=0.5)[0]
    assert np.array_equal(blocks[0], one)
    assert init == "orthogonal" or all(np.array_equal(block, one) for block in blocks)


@pytest.mark.parametrize("init", ["identity", "orthogonal", "chain", "fbchain"])
def test_each_run_has_its_own_gain_and_nothing_else_of_it(init: str) -> None:
    both = starts(init, 6, runs=2, gain=[0.5, 1.5])
    assert np.array_equal(both[0], starts(init, 6, gain=0.5)[0])
    assert np.array_equal(both[1], starts(init, 6, runs=2, gain=1.5)[1])
    assert not np.array_equal(both[0], starts(init, 6, gain=1.5)[0])


@pytest.mark.parametrize(("orientation", "held"), [("paper", 6), ("torch_release", 1)])
def test_a_pulse_walks_along_the_chain_that_the_input_feeds(orientation: str, held: int) -> None:
    layer = models.make(
        "chain",
        input_size=1,
        hidden_size=6,
        matrix={"gain": 1.02, "orientation": orientation},
        update={"kind": "relu"},
    )
    x = torch.zeros(9, 1)
    x[0] = 1.0
    h = layer(x)[0].detach()
    expected = torch.zeros(9, 6)
    for step in range(held):
        expected[step, step] = 0.9 * 1.02**step
    torch.testing.assert_close(h, expected)


def test_in_the_released_orientation_component_k_is_held_k_steps() -> None:
    layer = models.make(
        "chain",
        input_size=3,
        hidden_size=6,
        matrix={"orientation": "torch_release"},
        update={"kind": "relu"},
    )
    for component in range(3):
        x = torch.zeros(9, 3)
        x[0, component] = 1.0
        alive = layer(x)[0].abs().sum(1) > 0
        assert int(alive.sum()) == component + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"init": "chian"}, "did you mean 'chain'"),
        (
            {"init": "chain", "orientation": "torch"},
            "unknown orientation 'torch'; known: paper, torch_release",
        ),
        ({"init": "chain", "gain": [1.0, 1.1]}, "1 runs, 2 gains"),
        ({"init": "glorot_normal", "gain": 1.1}, "'glorot_normal' has no gain"),
        ({"init": "mixed"}, "four gates of an LSTM, not for 1"),
        ({"init": "mixed", "gates": 4, "gain": 1.02}, "'mixed' has no gain"),
    ],
)
def test_what_a_start_cannot_be_is_a_fault(arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        starts(size=4, **arguments)


def test_the_identity_of_the_first_gate_is_pytorchs_eye_of_all_gates_at_once() -> None:
    all_gates = torch.nn.init.eye_(torch.empty(4 * 5, 5)).T.numpy()
    assert np.array_equal(starts("first_gate_identity", 5, gates=4)[0], all_gates)
    assert np.array_equal(starts("first_gate_identity", 5, gates=4, gain=0.5)[0], 0.5 * all_gates)
