"""Outputs that go back into the units (Murray 2019, Fig. 2, supplement 2), held to the equations written out."""

from __future__ import annotations

import pytest
import torch

from rnnrepro import models
from rnnrepro.errors import Fault
from rnnrepro.models.network import Network

RUNS, UNITS, STEPS = 3, 6, 9


def network(name: str = "leaky_rnn", **rule: object) -> Network:
    arguments = {
        "rule": {"trains": "readout", "fed_back": True, **rule},
        "readout": {"bias": None},
        "start": {"init": "constant(0.1)", "trained": False},
    }
    return models.build(
        name,
        generators=[torch.Generator().manual_seed(seed) for seed in range(RUNS)],
        input_size=0,
        hidden_size=UNITS,
        output_size=2,
        readout_every=True,
        dtype=torch.float64,
        arguments=arguments,
    )


def written_out(net: Network, run: int) -> tuple[torch.Tensor, torch.Tensor]:
    """h(1) … h(T) and y: u(t+1) = h(t) W + y(t) Bᵀ, τ = 10."""
    state = net.state_dict()
    W, V, B = (state[name][run] for name in ("layers.0.matrix.weight", "readout_weight", "feedback"))
    h, states = state["layers.0.start"][run], []
    for _ in range(STEPS):
        h = 0.9 * h + 0.1 * torch.tanh(h @ W + (h @ V) @ B.mT)
        states.append(h)
    found = torch.stack(states)
    return found, found @ V


def test_an_output_enters_the_units_a_step_later_through_the_feedback():
    net = network()
    outputs, _ = net(torch.zeros(RUNS, STEPS, 1, 0, dtype=torch.float64))
    for run in range(RUNS):
        torch.testing.assert_close(outputs[run, :, 0], written_out(net, run)[1], rtol=0, atol=1e-13)


def test_the_readout_learns_from_what_it_reads_alone():
    net = network()
    weights = torch.randn(RUNS, STEPS, 1, 2, dtype=torch.float64)
    (net(torch.zeros(RUNS, STEPS, 1, 0, dtype=torch.float64))[0] * weights).sum().backward()
    assert list(net.trained()) == ["readout_weight"]
    for run in range(RUNS):
        expected = written_out(net, run)[0].mT @ weights[run, :, 0]
        torch.testing.assert_close(net.readout_weight.grad[run], expected, rtol=0, atol=1e-13)


def test_without_it_the_recurrent_matrix_is_that_of_the_layer():
    net = network(fed_back=False, feedback="normal(1.0)")
    assert torch.equal(net.build()[0], net.layers[0].matrix.weight)


def test_units_of_several_gates_cannot_take_outputs_back():
    with pytest.raises(Fault, match="leave out rule"):
        network("lstm")
