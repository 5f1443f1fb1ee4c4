from __future__ import annotations

import doctest

import pytest
import torch

import rnnrepro
from rnnrepro import models, tables
from rnnrepro.errors import Fault
from rnnrepro.models import layer as module

ARGUMENTS = {"enrnn": {"matrix": {"short": 2, "negative": 1}}}


def layer(name: str, **arguments: object) -> models.Layer:
    return models.make(name, input_size=3, hidden_size=6, **ARGUMENTS.get(name, {}), **arguments)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=6)


@pytest.mark.parametrize("shape", [(7, 4, 3), (7, 3), (1, 1, 3)])
@pytest.mark.parametrize("name", tables.MODELS)
def test_it_is_called_like_pytorchs_rnn(name: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    ours = layer(name)
    theirs = (torch.nn.LSTM if name == "lstm" else torch.nn.RNN)(3, ours.recurrence.features)
    (output, h_n), (expected, expected_h) = ours(x), theirs(x)
    assert output.shape == expected.shape
    parts, expected_parts = (h if isinstance(h, tuple) else (h,) for h in (h_n, expected_h))
    shapes = [part.shape for part in parts]  # more of them where the update or the drive carries more
    assert shapes[: len(expected_parts)] == [part.shape for part in expected_parts]
    assert all(shape[:-1] == shapes[0][:-1] for shape in shapes)
    assert torch.equal(parts[0][0], output[-1])
    onward, _ = ours(x, h_n)
    torch.testing.assert_close(onward, ours(torch.cat((x, x)))[0][shape[0] :])


def test_one_sequence_is_a_batch_of_one() -> None:
    x = torch.randn(7, 3)
    for name in ("nnrnn", "lstm"):
        torch.testing.assert_close(layer(name)(x)[0], layer(name)(x.unsqueeze(1))[0].squeeze(1))


def test_the_initial_values_depend_on_the_seed_alone() -> None:
    x = torch.randn(7, 4, 3)
    torch.manual_seed(1)
    first = layer("nnrnn", seed=5)(x)[0]
    torch.manual_seed(2)
    assert torch.equal(first, layer("nnrnn", seed=5)(x)[0])
    assert not torch.equal(first, layer("nnrnn", seed=6)(x)[0])


def test_it_trains_inside_other_code() -> None:
    ours = layer("dtriv", matrix={"rebase_every": 2})
    head = torch.nn.Linear(6, 1)
    optimiser = torch.optim.Adam([*ours.parameters(), *head.parameters()], lr=0.02)
    x = torch.randn(10, 16, 3, generator=torch.Generator().manual_seed(0))
    target = x[:, :, 0].mean(0)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((head(ours(x)[0][-1]).squeeze(-1) - target) ** 2).mean()
        loss.backward()
        optimiser.step()
        ours.after_step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert ours.recurrence.matrix.residual().max() < 1e-5


def test_penalty_and_groups_are_offered() -> None:
    assert layer("nnrnn", matrix={"radius_penalty": 1.0}).penalty().item() == pytest.approx(0)
    assert layer("rnn").penalty() is None
    ours = layer("nnrnn")
    assert set(ours.parameter_groups()) == {name for name, _ in ours.named_parameters()}
    assert set(ours.parameter_groups().values()) == {"main", "orthogonal", "triangular"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "nnrn"}, "unknown model 'nnrn'; did you mean 'nnrnn'"),
        ({"negative": 3}, "unknown argument 'negative'"),
        ({"matrices": {}}, "unknown argument 'matrices' of make.*did you mean 'matrix'"),
        ({"matrix": {"negativ": 3}}, "did you mean 'negative'"),
        ({"update": {"slope": 3}}, "unknown argument 'slope' of the update"),
        ({"name": "dtriv", "update": {"bias": "one"}}, "one"),
        ({"hidden_size": 0}, "hidden_size is a positive whole number, not 0"),
        ({"input_size": 3.0}, "input_size is a positive whole number, not 3.0"),
        ({"name": "nnrnn", "hidden_size": 5}, "even"),
    ],
)
def test_what_cannot_be_made_is_a_fault(arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        models.make(**({"name": "scornn", "input_size": 3, "hidden_size": 6} | arguments))


@pytest.mark.parametrize(
    ("name", "x", "h", "message"),
    [
        ("rnn", torch.zeros(5, 2, 4), None, r"\(T, B, 3\) or \(T, 3\).*not \(5, 2, 4\)"),
        ("rnn", torch.zeros(3), None, "not"),
        ("rnn", torch.zeros(0, 2, 3), None, "T ≥ 1"),
        ("rnn", torch.zeros(5, 2, 3, dtype=torch.int64), None, "floating-point"),
        (
            "rnn",
            torch.zeros(5, 2, 3),
            torch.zeros(1, 3, 6),
            r"h_0 has the shape \(1, 2, 6\) here, not \(1, 3, 6\)",
        ),
        ("rnn", torch.zeros(5, 3), torch.zeros(1, 1, 6), r"h_0 has the shape \(1, 6\)"),
        ("lstm", torch.zeros(5, 2, 3), torch.zeros(1, 2, 6), "tuple of 2 tensors"),
        ("lstm", torch.zeros(5, 2, 3), (torch.zeros(1, 2, 6), torch.zeros(1, 2, 5)), r"not \(1, 2, 5\)"),
    ],
)
def test_wrong_shapes_are_faults_that_say_the_right_ones(
    name: str, x: torch.Tensor, h: object, message: str
) -> None:
    with pytest.raises(Fault, match=message):
        layer(name)(x, h)


def test_complex_units_give_twice_as_many_numbers_and_their_first_state_is_trained() -> None:
    ours = layer("scurnn")
    x = torch.randn(7, 4, 3)
    output, h_n = ours(x)
    assert output.shape == (7, 4, 12) and h_n.shape == (1, 4, 12)
    start = ours.recurrence.start
    h_0 = start.detach().expand(4, -1)[None].clone().requires_grad_()
    torch.testing.assert_close(ours(x, h_0)[0], output, rtol=0, atol=0)
    (own,) = torch.autograd.grad(output.square().sum(), start)
    (of_state,) = torch.autograd.grad(ours(x, h_0)[0].square().sum(), h_0)
    torch.testing.assert_close(own[0], of_state[0].sum(0))
    assert own.abs().min() > 0


def test_a_unitary_matrix_of_full_capacity_stays_unitary_under_the_optimiser_of_a_stack() -> None:
    stacked = rnnrepro.stack([layer("urnn_fc", seed=seed) for seed in (1, 2)])
    optimiser = stacked.optimiser("adam_torch", [1e-2, 1e-1])
    x = torch.randn(9, 4, 3, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = (stacked(x)[0][:, -1] - 1).square().mean((1, 2))
        loss.sum().backward()
        optimiser.step()
        stacked.after_step()
        losses.append(loss.detach())
    assert (losses[-1] < losses[0]).all()
    assert float(stacked.recurrence.matrix.residual().max()) < 1e-5
