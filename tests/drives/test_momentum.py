"""The drives of MomentumRNN (Nguyen et al., NeurIPS 2020) against the formulas, step by step in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnrepro import models, tables
from rnnrepro.drives.affine import Affine
from rnnrepro.drives.projection import Embedded, Factored, Stepped, Z
from rnnrepro.errors import Fault

RUNS, TIME, BATCH = 2, 45, 3
MU, EPSILON, BETA, PERIOD = [0.3, 0.9], [0.6, 0.2], [0.1, 0.9], [2, 7]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "momentum": {"mu": MU, "epsilon": EPSILON},
    "adam": {"mu": MU, "epsilon": EPSILON, "beta": BETA},
    "rmsprop": {"epsilon": EPSILON, "beta": BETA},
    "restart": {"epsilon": EPSILON, "period": PERIOD},
    "descent": {"epsilon": EPSILON, "period": PERIOD},
}
BIASES = {"bias": "normal(0.5)", "outside": "normal(0.5)"}
WIDE, NARROW = (2, 5, 20), (9, 6, 6)
"""D, N and M, with D + 1 numbers fewer and more than M."""


def drive(name: str, sizes: tuple[int, int, int] = WIDE, runs: int = RUNS, **arguments: Any) -> Any:
    given = {"dtype": torch.float64, **ARGUMENTS[name], **BIASES, **arguments}
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return tables.load("drive", name)(*sizes, generators=generators, **given)


def inputs(
    sizes: tuple[int, int, int] = WIDE, time: int = TIME, dtype: torch.dtype = torch.float64
) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(RUNS, time, BATCH, sizes[0], generator=generator, dtype=torch.float64).to(dtype)


def dense(z: Z) -> Tensor:
    z = z.z if isinstance(z, Stepped) else z
    return z.dense() if isinstance(z, Factored) else z


def coefficient(t: int, period: int) -> float:
    """c at the step t = 1, 2, … as the card has it: (k − 1)/(k + 2), k = 1 … F cyclic."""
    k = (t - 1) % period + 1
    return (k - 1) / (k + 2)


def step_by_step(name: str, found: Any, x: Tensor, run: int) -> np.ndarray:
    """z (T, B, M) of one run by the formulas of the paper, one number after another."""
    W, b_x, b_h = (getattr(found, part)[run].detach().numpy() for part in ("weight", "bias", "outside"))
    epsilon, z = EPSILON[run], []
    v = s = np.zeros((BATCH, W.shape[1]))
    for t, x_t in enumerate(x[run].numpy(), 1):
        g = x_t @ W + b_x
        if name == "descent":
            z.append(b_h - epsilon * g)
            continue
        c = {"rmsprop": 0.0, "restart": coefficient(t, PERIOD[run])}.get(name, MU[run])
        v = c * v + epsilon * g
        s = BETA[run] * s + (1 - BETA[run]) * g * g
        z.append((v / np.sqrt(s + 1e-16) if name in ("adam", "rmsprop") else v) + b_h)
    return np.stack(z)


@pytest.mark.parametrize("sizes", [WIDE, NARROW])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_all_steps_at_once_are_the_formulas_step_by_step(name: str, sizes: tuple[int, int, int]) -> None:
    found, x = drive(name, sizes), inputs(sizes)
    z = dense(found(x)[0])
    for run in range(RUNS):
        expected = step_by_step(name, found, x, run)
        np.testing.assert_allclose(z[run].detach().numpy(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("sizes", [WIDE, NARROW])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_chunks_with_their_state_carried_are_the_whole_sequence(
    name: str, sizes: tuple[int, int, int]
) -> None:
    found, x = drive(name, sizes), inputs(sizes)
    whole, last = found(x)
    state, parts, steps = (), [], []
    for chunk in x.split([1, 33, 2, 9], 1):
        z, state = found(chunk, tuple(part.detach() for part in state))
        parts.append(dense(z))
        steps += [z.scalars["momentum"]] if isinstance(z, Stepped) else []
    torch.testing.assert_close(torch.cat(parts, 1), dense(whole), rtol=1e-11, atol=1e-13)
    for end, expected in zip(state, last, strict=True):
        torch.testing.assert_close(end, expected, rtol=1e-11, atol=1e-13)
    if steps:
        assert torch.equal(torch.cat(steps, 1), whole.scalars["momentum"])


@pytest.mark.parametrize("symbols", [3, 40])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_symbols_and_embedded_symbols_are_the_rows_they_stand_for(name: str, symbols: int) -> None:
    index = torch.randint(symbols, (RUNS, 7, BATCH), generator=torch.Generator().manual_seed(2))
    rows = torch.nn.functional.one_hot(index, symbols).double()
    found = drive(name, (symbols, 5, 20))
    torch.testing.assert_close(dense(found(index)[0]), dense(found(rows)[0]), rtol=0, atol=1e-13)
    table = torch.randn(RUNS, symbols, 4, dtype=torch.float64)
    found, embedded = drive(name, (4, 5, 20)), Embedded(index, table)
    expected = dense(found(embedded.dense())[0])
    torch.testing.assert_close(dense(found(embedded)[0]), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["momentum", "restart", "descent"])
def test_where_inputs_have_fewer_numbers_than_z_they_are_filtered_and_z_is_left_in_factors(name: str) -> None:
    z, _ = drive(name)(inputs())
    z = z.z if isinstance(z, Stepped) else z
    assert isinstance(z, Factored) and z.x.shape[-1] <= WIDE[0] + 1
    if name != "descent":
        assert isinstance(drive(name, NARROW)(inputs(NARROW))[0], Tensor)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_run_has_the_same_bits_alone_and_among_runs_with_other_settings(name: str) -> None:
    x = inputs(dtype=torch.float32)

    def results(found: Any, x: Tensor) -> list[Tensor]:
        first, state = found(x[:, :38])
        second, end = found(x[:, 38:], state)
        total = (dense(first) ** 3).sum() + (dense(second) ** 3).sum()
        return [dense(first), dense(second), *end, *torch.autograd.grad(total, list(found.parameters()))]

    stack = drive(name, dtype=torch.float32)
    together = results(stack, x)
    for run in range(RUNS):
        arguments = {key: [values[run]] for key, values in ARGUMENTS[name].items()}
        alone = drive(name, runs=1, dtype=torch.float32, **arguments)
        alone.load_state_dict({key: value[run : run + 1] for key, value in stack.state_dict().items()})
        for one, of_all in zip(results(alone, x[run : run + 1]), together, strict=True):
            assert torch.equal(one[0], of_all[run])


def test_a_constant_input_is_multiplied_by_the_sum_of_the_series() -> None:
    found = drive("momentum", outside=None)
    g = found.bias.detach()
    z = dense(found(torch.zeros(RUNS, 300, 1, 2, dtype=torch.float64))[0])
    mu, epsilon = (torch.tensor(n, dtype=torch.float64)[:, None] for n in (MU, EPSILON))
    torch.testing.assert_close(z[:, 0, 0], epsilon * g)
    torch.testing.assert_close(z[:, -1, 0], epsilon / (1 - mu) * g, rtol=1e-12, atol=0)


def test_at_the_first_step_only_the_sign_of_a_normalised_input_is_left() -> None:
    found = drive("rmsprop", outside=None)
    z = dense(found(inputs())[0])[:, 0]
    size = torch.tensor([e / (1 - b) ** 0.5 for e, b in zip(EPSILON, BETA, strict=True)]).double()
    torch.testing.assert_close(z.abs(), size[:, None, None].expand_as(z))


def test_a_momentum_of_nothing_is_an_affine_drive_with_two_biases() -> None:
    found = drive("momentum", mu=0.0, epsilon=1.0)
    plain = Affine(*WIDE, generators=[torch.Generator()] * RUNS, bias="zeros", dtype=torch.float64)
    plain.load_state_dict({"weight": found.weight, "bias": found.bias + found.outside})
    torch.testing.assert_close(dense(found(inputs())[0]), dense(plain(inputs())[0]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_zeros_stay_zeros_and_their_gradient_is_finite_in_single_precision(name: str) -> None:
    found = drive(name, dtype=torch.float32, bias="zeros", outside="zeros")
    for x in (
        torch.zeros(RUNS, TIME, BATCH, 2),
        inputs(dtype=torch.float32) * (torch.arange(TIME) > 9)[:, None, None],
    ):
        x.requires_grad_()
        z = dense(found(x)[0])
        gradients = torch.autograd.grad(z.sum(), [x, *found.parameters()])
        assert not z[:, :10].any() and z.isfinite().all()
        assert all(gradient.isfinite().all() for gradient in gradients)
    z, _ = found(torch.zeros(RUNS, 1, 1, 2))
    (gradient,) = torch.autograd.grad(z.sum(), found.bias)
    torch.testing.assert_close(gradient, 1e8 * found.epsilon[:, None].expand_as(gradient))


def test_restarts_come_every_period_and_go_on_through_chunks() -> None:
    found, x = drive("descent", period=[2, 5]), inputs(time=8)
    c = found(x)[0].scalars["momentum"]
    expected = [[0, 0.25] * 4, [0, 1 / 4, 2 / 5, 3 / 6, 4 / 7, 0, 1 / 4, 2 / 5]]
    torch.testing.assert_close(c, torch.tensor(expected, dtype=torch.float64))
    _, state = found(x[:, :3])
    torch.testing.assert_close(found(x[:, 3:], state)[0].scalars["momentum"], c[:, 3:])


@pytest.mark.parametrize("name", ["restart", "descent"])
def test_a_phase_of_chunks_restarts_with_each(name: str) -> None:
    found, x = drive(name, phase="chunk", period=7), inputs()
    _, state = found(x[:, :10])
    again, _ = found(x[:, 10:], state)
    if name == "descent":
        assert state == () and not again.scalars["momentum"][:, 0].any()
        return
    assert [part.shape for part in state] == [(RUNS, BATCH, WIDE[2])]
    torch.testing.assert_close(dense(again), dense(found(x[:, 10:])[0]))  # c = 0: v is begun anew
    assert not torch.allclose(dense(again), dense(found(x)[0])[:, 10:])


@pytest.mark.parametrize(("name", "forget"), [("adam_lstm", 1.0), ("restart_lstm_released", -4.0)])
def test_forget_gates_start_by_both_biases_and_the_input_gates_product_is_the_state(
    name: str, forget: float
) -> None:
    layer = models.make(name, input_size=3, hidden_size=4, drive={"forget": forget}).recurrence
    for bias in (layer.drive.bias, layer.drive.outside):
        assert bias.tolist() == [[0.0] * 4 + [forget] * 4 + [0.0] * 8]
    assert torch.equal(layer.matrix.weight[0], torch.eye(4, 16))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("momentum", {"mu": 1.0}, "mu is a finite number, at least 0 and below 1"),
        ("momentum", {"mu": [0.1, 0.2, 0.3]}, "2 runs, 3 numbers"),
        ("adam", {"beta": 1.0}, "beta is a finite number"),
        ("restart", {"period": 0}, "period is a finite number, at least 1"),
        ("restart", {"period": [2.5, 2]}, "period is a whole number of steps"),
        ("descent", {"phase": "chunks"}, "did you mean 'chunk'"),
        ("rmsprop", {"forget": 1.0, "bias": None, "outside": None}, "here are 0 biases of 4 gates"),
    ],
)
def test_what_cannot_be_is_a_fault(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault, match=message):
        drive(name, **arguments)


def test_one_gate_has_no_forget_gate() -> None:
    with pytest.raises(Fault, match="of 1 gates"):
        drive("momentum", NARROW, forget=1.0)


def test_the_network_is_the_second_order_recurrence_of_the_paper() -> None:
    """h_t = tanh(U(h_{t−1} − μ h_{t−2}) + μ tanh⁻¹(h_{t−1}) + ε W x_t), which eliminates v."""
    mu, epsilon = 0.7, 0.4
    settings = {"mu": mu, "epsilon": epsilon, "bias": None, "outside": None}
    layer = models.make("momentum_rnn", input_size=3, hidden_size=5, dtype=torch.float64, drive=settings)
    x = inputs((3, 5, 5))[0]
    found, _ = layer(x)
    U, W = layer.recurrence.matrix.weight[0], layer.recurrence.drive.weight[0]
    before = h = torch.zeros(BATCH, 5, dtype=torch.float64)
    for t in range(12):
        a = (h - mu * before) @ U + mu * torch.atanh(h) + epsilon * x[t] @ W
        before, h = h, torch.tanh(a)
        torch.testing.assert_close(found[t], h, rtol=0, atol=1e-11)


def test_without_momentum_it_is_pytorchs_lstm_with_the_gradients_of_both_biases() -> None:
    settings = {"mu": 0.0, "epsilon": 1.0}
    ours = models.make("momentum_lstm", input_size=3, hidden_size=5, dtype=torch.float64, drive=settings)
    theirs = torch.nn.LSTM(3, 5, dtype=torch.float64)
    part = ours.recurrence
    with torch.no_grad():
        part.matrix.weight[0] = theirs.weight_hh_l0.T
        part.drive.weight[0], part.drive.bias[0] = theirs.weight_ih_l0.T, theirs.bias_ih_l0
        part.drive.outside[0] = theirs.bias_hh_l0
    x = inputs((3, 5, 20))[0]
    found, expected = ours(x)[0], theirs(x)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    found.pow(2).sum().backward()
    expected.pow(2).sum().backward()
    for bias, like in ((part.drive.bias, theirs.bias_ih_l0), (part.drive.outside, theirs.bias_hh_l0)):
        torch.testing.assert_close(bias.grad[0], like.grad, rtol=0, atol=1e-12)
