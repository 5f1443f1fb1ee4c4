"""RTRL is BPTT is autograd; traces, the recursion backward in time and autograd with local credit are one rule."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.rules.feedback import answer
from rnnrepro.rules.reference import Trial, Weights, backward, rflo, rtrl
from rnnrepro.scan import CREDITS, scan
from rnnrepro.updates.leaky_tanh import LeakyTanh


def a_trial(units: int = 5, inputs: int = 3, outputs: int = 2, steps: int = 20, tau: float = 4.0) -> Trial:
    generator = Generator().manual_seed(7)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    weights = Weights(normal(units, units) / units**0.5 * 1.5, normal(inputs, units), normal(units, outputs))
    return Trial(
        weights, normal(units, outputs), normal(steps, inputs), normal(steps, outputs), normal(units), tau
    )


def by_autograd(trial: Trial, rule: str) -> Weights:
    """What the plain scan and the read-out give a row of the table."""
    row = tables.row("rule", rule)
    W, U, V = (weight[None].requires_grad_() for weight in trial.weights.all())
    z = (trial.inputs @ U[0])[None, :, None]
    h, _ = scan(
        LeakyTanh(trial.tau), {}, W, z, (trial.start[None, None],), credit=row.credit, backend="plain"
    )
    y = answer(h, V, trial.feedback[None] if row.feedback == "fixed" else None)
    loss = ((trial.targets - y[0, :, 0]) ** 2).sum() / (2 * len(trial.targets))
    return Weights(*(-gradient[0] for gradient in torch.autograd.grad(loss, (W, U, V))))


def off(one: Weights, other: Weights) -> float:
    """The largest difference of two increments, as a share of the largest entry of each."""
    return max(
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(one.all(), other.all(), strict=True)
    )


def test_every_rule_is_credit_times_feedback() -> None:
    assert set(tables.CREDITS) == set(CREDITS)
    pairs = {(tables.RULES[name].credit, tables.RULES[name].feedback) for name in tables.NETWORK_RULES}
    assert pairs == {(credit, feedback) for credit in tables.CREDITS for feedback in tables.FEEDBACKS}


def test_rtrl_is_bptt_is_autograd_of_the_loss() -> None:
    trial = a_trial()
    assert off(rtrl(trial), backward(trial, "bptt")) < 1e-8
    assert off(by_autograd(trial, "bptt"), backward(trial, "bptt")) < 1e-8


def test_the_gradient_is_that_of_central_differences_of_the_loss() -> None:
    trial, size = a_trial(), 1e-5

    def loss(weights: Weights) -> float:
        moved, h, total = Trial(weights, *list(vars(trial).values())[1:]), trial.start, 0.0
        for t in range(len(trial.inputs)):
            h, _ = moved.step(h, t)
            total += float((moved.error(h, t) ** 2).sum()) / (2 * len(trial.inputs))
        return total

    found = rtrl(trial)
    for name, place in (("recurrent", (1, 3)), ("drive", (2, 0)), ("readout", (4, 1))):
        step = Weights(*(torch.zeros_like(weight) for weight in trial.weights.all()))
        getattr(step, name)[place] = size
        there, back = (loss(trial.weights.moved(step, sign)) for sign in (1.0, -1.0))
        assert getattr(found, name)[place] == pytest.approx(-(there - back) / (2 * size), rel=1e-7)


def test_rtrl_with_random_feedback_is_full_credit_by_a_fixed_matrix() -> None:
    trial = a_trial()
    assert off(rtrl(trial, "fixed"), backward(trial, "random_feedback_only")) < 1e-8


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_eligibility_traces_are_the_recursion_are_autograd(steps: int) -> None:
    trial = a_trial(units=12, steps=steps)
    for x_lag in (0, 1):
        found, expected = rflo(trial, x_lag=x_lag), backward(trial, "rflo", x_lag=x_lag)
        for a, b in zip(found.all(), expected.all(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
    assert off(by_autograd(trial, "rflo"), rflo(trial, x_lag=0)) < 1e-10


@pytest.mark.parametrize("rule", tables.NETWORK_RULES)
def test_autograd_is_the_recursion_for_every_rule(rule: str) -> None:
    trial = a_trial(units=9, steps=30)
    assert off(by_autograd(trial, rule), backward(trial, rule)) < 1e-10


def test_the_rules_differ_where_they_should() -> None:
    trial = a_trial()
    found = {rule: backward(trial, rule) for rule in tables.NETWORK_RULES}
    for name, other in found.items():
        assert torch.equal(other.readout, found["bptt"].readout)
        for rule, one in found.items():
            assert rule == name or off(one, other) > 0.05
    assert off(rflo(trial, x_lag=1), rflo(trial, x_lag=0)) > 0.05


def test_without_coupling_local_credit_is_the_whole_gradient() -> None:
    trial = a_trial()
    alone = Trial(
        Weights(torch.zeros(5, 5, dtype=torch.float64), *trial.weights.all()[1:]),
        *list(vars(trial).values())[1:],
    )
    assert off(backward(alone, "local_only"), backward(alone, "bptt")) < 1e-14


def test_one_step_by_hand() -> None:
    """One unit, input and output: h = ½ h₀ + ½ tanh(u) for τ = 2."""
    one = [torch.tensor([[value]], dtype=torch.float64) for value in (0.3, -0.7, 1.2, 2.0, 0.9, 0.5)]
    W, U, V, B, x, target = one
    trial = Trial(Weights(W, U, V), B, x, target, torch.tensor([0.4], dtype=torch.float64), 2.0)
    c = torch.tanh(torch.tensor(0.4 * 0.3 - 0.9 * 0.7, dtype=torch.float64))
    h = 0.2 + 0.5 * c
    error = 0.5 - 1.2 * h
    credit = 2.0 * error * 0.5 * (1 - c**2)
    assert [float(weight) for weight in rflo(trial, x_lag=0).all()] == pytest.approx(
        [float(0.4 * credit), float(0.9 * credit), float(h * error)], rel=1e-14
    )
    assert float(rflo(trial).drive) == 0  # nothing entered before the trial


def test_online_steps_are_made_at_once() -> None:
    """The second step of a trial is made by the network that the first has left."""
    whole, rate = a_trial(steps=2), 0.4
    first = Trial(whole.weights, whole.feedback, whole.inputs[:1], whole.targets[:1], whole.start, whole.tau)
    step = rflo(first)
    moved = whole.weights.moved(step, rate / 2)  # increments are divided by T = 2
    h, slope = first.step(whole.start, 0)
    c = torch.tanh(h @ moved.recurrent + whole.inputs[1] @ moved.drive)
    error = whole.targets[1] - (0.75 * h + 0.25 * c) @ moved.readout
    p = 0.75 * torch.outer(whole.start, slope) / 4 + torch.outer(h, 1 - c**2) / 4
    second = p * (whole.feedback @ error)
    found = rflo(whole, online=rate)
    torch.testing.assert_close(found.recurrent, (step.recurrent + second) / 2, rtol=1e-13, atol=1e-13)


def test_slow_online_learning_is_that_at_the_end_of_the_trial() -> None:
    trial = a_trial()
    gaps = [off(rflo(trial, online=rate), rflo(trial)) for rate in (1e-3, 1e-6)]
    assert 1e-7 < gaps[0] < 0.1 and gaps[1] < 2e-3 * gaps[0]


def test_the_read_out_answers_as_ever_and_errors_come_back_another_way() -> None:
    generator = Generator().manual_seed(1)
    h, V, B = (
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((2, 4, 3, 6), (2, 6, 2), (2, 6, 2))
    )
    dy = torch.randn(2, 4, 3, 2, generator=generator, dtype=torch.float64)
    plain, fixed = answer(h, V), answer(h, V, B)
    assert torch.equal(plain, fixed)
    theirs, ours = (torch.autograd.grad(y, (h, V), dy) for y in (plain, fixed))
    assert torch.equal(ours[1], theirs[1])
    torch.testing.assert_close(ours[0], torch.einsum("stbk,snk->stbn", dy, B), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(theirs[0], torch.einsum("stbk,snk->stbn", dy, V), rtol=1e-13, atol=1e-13)
    assert torch.autograd.grad(answer(h, V, B).sum(), B, allow_unused=True) == (None,)


@pytest.mark.parametrize("shape", [(1, 1, 1, 7), (20, 1, 30, 1), (5, 3, 17, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_run_has_the_same_bits_alone_and_in_a_stack(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    time, batch, units, outputs = shape
    h, V, B, dy = (
        torch.randn(4, *size, generator=Generator().manual_seed(3), dtype=dtype)
        for size in ((time, batch, units), (units, outputs), (units, outputs), (time, batch, outputs))
    )

    def found(runs: slice) -> list[Tensor]:
        point = [h[runs].clone().requires_grad_(), V[runs].clone().requires_grad_()]
        y = answer(*point, B[runs])
        return [y.detach(), *torch.autograd.grad(y, point, dy[runs])]

    stack = found(slice(0, 4))
    for run in range(4):
        for alone, together in zip(found(slice(run, run + 1)), stack, strict=True):
            assert torch.equal(alone[0], together[run])


def test_feedback_of_another_shape_and_unknown_rules_are_faults() -> None:
    h, V = torch.zeros(1, 2, 1, 4), torch.zeros(1, 4, 2)
    with pytest.raises(Fault, match=r"the feedback has shape \(1, 2, 4\), the read-out \(1, 4, 2\)"):
        answer(h, V, V.mT)
    with pytest.raises(Fault, match="unknown rule 'rlfo'; did you mean 'rflo'"):
        backward(a_trial(steps=1), "rlfo")
