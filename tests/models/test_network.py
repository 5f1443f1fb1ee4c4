from __future__ import annotations

import pytest
import torch

from rnnrepro import models
from rnnrepro.errors import Fault
from rnnrepro.models.network import Network


def network(name: str = "nnrnn", runs: int = 3, **settings: object) -> Network:
    defaults = {"input_size": 3, "hidden_size": 6, "output_size": 4, "dtype": torch.float64}
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return models.build(name, generators=generators, **(defaults | settings))


def test_outputs_are_those_of_the_equations_written_out() -> None:
    net, x = network("rnn"), torch.randn(3, 5, 2, 3, dtype=torch.float64)
    outputs, (last,) = net(x)
    p = dict(net.named_parameters())
    for run in range(3):
        h = torch.zeros(2, 6, dtype=torch.float64)
        for t in range(5):
            z = h @ p["layers.0.matrix.weight"][run] + x[run, t] @ p["layers.0.drive.weight"][run]
            h = z.sign() * torch.relu(z.abs() + p["layers.0.update.bias"][run])
            expected = h @ p["readout_weight"][run] + p["readout_bias"][run]
            torch.testing.assert_close(outputs[run, t], expected, rtol=0, atol=1e-13)
        torch.testing.assert_close(last[run], h, rtol=0, atol=1e-13)


def test_it_reads_every_step_or_the_last_as_the_task_says() -> None:
    x = torch.randn(3, 5, 2, 3, dtype=torch.float64)
    every, last = network(readout_every=True), network(readout_every=False)
    assert every(x)[0].shape == (3, 5, 2, 4) and last(x)[0].shape == (3, 2, 4)
    assert every(x, every=False)[0].shape == (3, 2, 4) and last(x, every=True)[0].shape == (3, 5, 2, 4)


def test_indices_are_read_one_hot() -> None:
    net = network(input_size=7, index_inputs=True)
    index = torch.randint(0, 7, (3, 5, 2))
    assert torch.equal(net(index)[0], net(torch.nn.functional.one_hot(index, 7).double())[0])


def test_an_embedding_looks_up_its_rows() -> None:
    net = network(
        input_size=7, index_inputs=True, arguments={"embedding": {"size": 5, "init": "uniform(0.1)"}}
    )
    index = torch.randint(0, 7, (3, 5, 2))
    assert net.embedding.shape == (3, 7, 5) and net.embedding.abs().max() <= 0.1
    rows = torch.stack([net.embedding[run][index[run]] for run in range(3)])
    outputs, _ = net(index)
    h, _ = net.recurrence(rows)
    torch.testing.assert_close(outputs, net.read(h), rtol=0, atol=1e-13)
    assert net.parameter_groups()["embedding"] == "main"


def test_an_embedding_of_numbers_is_a_fault() -> None:
    with pytest.raises(Fault, match="embedding"):
        network(arguments={"embedding": {"size": 5}})


@pytest.mark.parametrize(
    ("readout", "largest", "bias"),
    [
        ({}, 64**-0.5, 64**-0.5),
        ({"init": "zeros", "bias": "glorot_vector"}, 0.0, (3 / 400) ** 0.5),
        ({"bias": "zeros"}, 64**-0.5, 0.0),
    ],
)
def test_the_readout_starts_as_it_is_told(readout: dict, largest: float, bias: float) -> None:
    net = network("rnn", hidden_size=64, output_size=400, arguments={"readout": readout})
    assert net.readout.abs().max().item() == pytest.approx(largest, rel=0.01)
    assert net.readout_bias.abs().max().item() == pytest.approx(bias, rel=0.01)


@pytest.mark.parametrize(
    ("name", "arguments", "special"),
    [
        ("rnn", {}, {}),
        ("lstm", {}, {}),
        ("exprnn", {}, {"layers.0.matrix.skew": "orthogonal"}),
        ("scornn", {}, {"layers.0.matrix.skew": "orthogonal"}),
        ("nnrnn", {}, {"layers.0.matrix.skew": "orthogonal", "layers.0.matrix.triangle": "triangular"}),
        ("enrnn", {"matrix": {"short": 2}}, {"layers.0.matrix.long.skew": "orthogonal"}),
    ],
)
def test_the_special_groups_hold_the_special_parameters_and_no_other(
    name: str, arguments: dict, special: dict
) -> None:
    groups = network(name, arguments=arguments).parameter_groups()
    assert {parameter: group for parameter, group in groups.items() if group != "main"} == special


def test_the_gradient_at_the_initial_state_equals_finite_differences() -> None:
    net, x = network(), torch.randn(3, 4, 2, 3, dtype=torch.float64)
    h_0 = torch.randn(3, 2, 6, dtype=torch.float64).requires_grad_()
    torch.autograd.gradcheck(lambda h: net(x, (h,), every=False)[0], h_0)


def test_gradients_at_every_state_are_had_one_step_at_a_time() -> None:
    net, x = network(), torch.randn(3, 4, 2, 3, dtype=torch.float64)
    W, states, state = net.build(), [], (torch.zeros(3, 2, 6, dtype=torch.float64, requires_grad=True),)
    for t in range(4):
        states.append(state[0])
        h, state = net.hidden(x[:, t : t + 1], state, W=W)
    by_step = torch.autograd.grad(net.read(h).sum(), states)
    for t in range(4):
        h_t = states[t].detach().requires_grad_()
        rest = torch.autograd.grad(net(x[:, t:], (h_t,), every=False)[0].sum(), h_t)[0]
        torch.testing.assert_close(by_step[t], rest, rtol=0, atol=1e-13)


def test_a_given_w_is_the_one_that_is_used() -> None:
    net, x = network(), torch.randn(3, 4, 2, 3, dtype=torch.float64)
    assert torch.equal(net(x, W=net.build())[0], net(x)[0])
    assert not torch.equal(net(x, W=[2 * net.build()[0]])[0], net(x)[0])


def test_the_matrixs_own_affairs_are_reached_through_the_network() -> None:
    net = network(arguments={"matrix": {"radius_penalty": 0.5}})
    with torch.no_grad():
        net.recurrence.matrix.radius[:, 0] += torch.tensor([0.0, 1.0, 2.0])
    torch.testing.assert_close(net.penalty(), torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64))
    assert network("rnn").penalty() is None
    assert net.residual().shape == (3,) and net.arrays()["recurrent"].shape == (3, 6, 6)


def test_after_step_reaches_the_active_runs_alone() -> None:
    net = network("dtriv", arguments={"matrix": {"rebase_every": 1}})
    with torch.no_grad():
        net.recurrence.matrix.skew += 0.1
    before = net.recurrence.matrix.skew.clone()
    net.after_step(torch.tensor([True, False, True]))
    assert (net.recurrence.matrix.skew[::2] == 0).all() and torch.equal(
        net.recurrence.matrix.skew[1], before[1]
    )


def test_runs_are_taken_out_in_the_order_asked() -> None:
    net, x = (
        network("enrnn", arguments={"matrix": {"short": 2}}),
        torch.randn(3, 4, 2, 3, dtype=torch.float64),
    )
    taken = net.take([2, 0])
    assert taken.runs == 2 and net.runs == 3
    assert torch.equal(taken(x[[2, 0]])[0], net(x)[0][[2, 0]])
    assert [name for name, _ in taken.named_parameters()] == [name for name, _ in net.named_parameters()]
    with torch.no_grad():
        taken.readout_weight.zero_()
    assert net.readout.abs().min() > 0


def test_a_stack_is_filled_from_states_of_runs() -> None:
    net, other = network(), network(runs=2)
    other.load_runs([net.state_of_run(2), net.state_of_run(0)])
    x = torch.randn(3, 4, 2, 3, dtype=torch.float64)
    assert torch.equal(other(x[[2, 0]])[0], net(x)[0][[2, 0]])
    with pytest.raises(Fault, match="2 runs cannot be filled from the states of 1"):
        other.load_runs([net.state_of_run(0)])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nnrn", {}, "unknown model 'nnrn'; did you mean 'nnrnn'"),
        ("nnrnn", {"matrx": {}}, "unknown part 'matrx' of model 'nnrnn'; did you mean 'matrix'"),
        (
            "rnn",
            {"matrix": {"inti": "haar"}},
            "unknown argument 'inti' of the matrix of 'rnn'; did you mean 'init'",
        ),
        ("nnrnn", {"readout": {"weight": "zeros"}}, "unknown argument 'weight' of the readout"),
        ("exprnn", {"matrix": "haar"}, "by name"),
        ("nnrnn", {"drive": {"init": "glorot"}}, "glorot"),
    ],
)
def test_unknown_names_are_faults_with_the_nearest(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        network(name, arguments=arguments)


def test_a_gated_update_needs_a_matrix_that_may_be_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnrepro import tables

    monkeypatch.setitem(tables.MODELS, "tried", tables.Model(matrix="expm", update="lstm"))
    with pytest.raises(Fault, match="free"):
        network("tried")
