"""What is differentiated, when, and how often: gradients that are asked for in part, and none at all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rnnrepro.conformance.problems import Problem, draw
from rnnrepro.conformance.samples import Pursuit
from rnnrepro.scan import scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.pointwise import Tanh

BACKENDS = ("plain", "cpu")


def leaves(problem: Problem) -> dict[str, Tensor]:
    return {n: v.clone().requires_grad_(v.is_floating_point()) for n, v in problem.values.items()}


@pytest.mark.parametrize("form", ["dense", "numbers", "index_bias"])
def test_the_plain_scans_gradients_are_those_of_central_differences(update: Update, form: str) -> None:
    problem = draw(update, form, 2, 3, 2, 3).to("cpu", torch.float64)
    names = [name for name, value in problem.values.items() if value.is_floating_point()]

    def results(*tensors: Tensor) -> tuple[Tensor, ...]:
        values = problem.values | dict(zip(names, tensors, strict=True))
        return tuple(problem.results("plain", values=values).values())

    torch.autograd.gradcheck(results, [problem.values[name].requires_grad_() for name in names])


def test_with_local_credit_the_gradient_stops_between_the_times() -> None:
    """Then W has the gradient Σ h_{t-1}ᵀ (g_t ∘ (1 − h_t²)), z that factor itself, and the first state none."""
    problem = draw(Tanh(), "dense", 2, 5, 3, 4).to("cpu", torch.float64)
    problem.directions["last slot 0"].zero_()
    found = problem.solve("plain", credit="local")
    h, g = found["outputs"], problem.directions["outputs"]
    du = g * (1 - h**2)
    before = torch.cat((problem.values["slot 0"][:, None], h[:, :-1]), 1)
    expected = {
        "gradient of z": du,
        "gradient of W": torch.einsum("stbn,stbm->snm", before, du),
        "gradient of slot 0": torch.zeros(2, 3, 4, dtype=torch.float64),
    }
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-13)


def test_with_local_credit_what_the_update_itself_keeps_of_a_state_is_still_credited() -> None:
    problem = draw(Pursuit(), "dense", 2, 4, 3, 5).to("cpu", torch.float64)
    full, local = (problem.solve("plain", credit=credit) for credit in ("full", "local"))
    assert torch.equal(full["outputs"], local["outputs"])
    for name in ("slot 0", "slot 1"):
        assert local[f"gradient of {name}"].abs().min() > 0
    assert not torch.allclose(local["gradient of slot 1"], full["gradient of slot 1"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["dense", "numbers", "index_bias"])
def test_each_gradient_alone_is_the_one_among_all(backend: str, update: Update, form: str) -> None:
    problem = draw(update, form, 2, 4, 3, 5)
    every = problem.solve(backend)
    for name, value in problem.values.items():
        if value.is_floating_point():
            alone = problem.solve(backend, wanted=[name])
            assert torch.equal(alone[f"gradient of {name}"], every[f"gradient of {name}"]), name
            assert torch.equal(alone["outputs"], every["outputs"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("every", [True, False])
def test_each_result_alone_gives_its_share_of_the_gradient(backend: str, update: Update, every: bool) -> None:
    """The gradient is linear in what arrives, so the shares of the results add up to the whole."""
    problem = draw(update, "numbers", 2, 4, 3, 5)
    values = leaves(problem)
    results = problem.results(backend, values=values, every=every)
    arriving = [problem._direction(name, every) for name in results]

    def gradients(outputs: list[Tensor], directions: list[Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(
            outputs, list(values.values()), directions, retain_graph=True, materialize_grads=True
        )

    shares = [gradients([out], [d]) for out, d in zip(results.values(), arriving, strict=True)]
    whole = gradients(list(results.values()), arriving)
    for name, total, *parts in zip(values, whole, *shares, strict=True):
        torch.testing.assert_close(
            sum(parts), total, rtol=1e-4, atol=2e-5 * float(total.abs().max()), msg=name
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_scans_do_not_disturb_one_another(backend: str, update: Update) -> None:
    """Two forward passes before a backward pass, a backward pass twice, and one whose gradient is a single number."""
    problems = [draw(update, "numbers", 2, 4, 3, 5, seed=seed) for seed in (1, 2)]
    expected = [problem.solve(backend) for problem in problems]
    values = [leaves(problem) for problem in problems]
    results = [p.results(backend, values=v) for p, v in zip(problems, values, strict=True)]
    for i in (0, 1, 0):
        directions = [problems[i]._direction(name, True) for name in results[i]]
        gradients = torch.autograd.grad(
            list(results[i].values()),
            list(values[i].values()),
            directions,
            retain_graph=True,
            materialize_grads=True,
        )
        for name, gradient in zip(values[i], gradients, strict=True):
            assert torch.equal(gradient, expected[i][f"gradient of {name}"]), name
    outputs = results[0]["outputs"]
    spread, ones = (
        torch.autograd.grad(outputs, values[0]["W"], d, retain_graph=True)[0]
        for d in (torch.ones(()).expand_as(outputs), torch.ones_like(outputs))
    )
    assert torch.equal(spread, ones)


def test_a_second_derivative_of_a_fast_scan_is_an_error_and_not_a_wrong_number() -> None:
    values = leaves(draw(Tanh(), "dense", 1, 3, 2, 4))
    outputs, _ = scan(Tanh(), {}, values["W"], values["z"], (values["slot 0"],), backend="cpu")
    (first,) = torch.autograd.grad((outputs**2).sum(), values["W"], create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(first.sum(), values["W"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("every", [True, False])
def test_without_gradients_the_numbers_are_the_same(backend: str, update: Update, every: bool) -> None:
    problem = draw(update, "numbers", 2, 9, 3, 7)
    expected = problem.solve(backend, every=every)
    for grad, values in ((False, leaves(problem)), (True, problem.values)):
        with torch.set_grad_enabled(grad):
            found = problem.results(backend, values=values, every=every)
        for name, value in found.items():
            assert torch.equal(value, expected[name]) and not value.requires_grad


@pytest.mark.parametrize("update", ["lstm", "pursuit"], indirect=True)
def test_without_gradients_the_compiled_scan_keeps_no_sequence(update: Update) -> None:
    """Neither states nor what the stages save; with gradients that is several times the outputs."""
    problem = draw(update, "numbers", 2, 400, 3, 16)
    sequence = 2 * 400 * 3 * 16 * 4
    assert _room(problem, leaves(problem), every=False) > 3 * sequence
    assert _room(problem, problem.values, every=False) < sequence / 10
    assert _room(problem, problem.values, every=True) < 1.1 * sequence


def _room(problem: Problem, values: dict[str, Tensor], every: bool) -> int:
    """The bytes of all tensors that a compiled scan makes."""
    problem.results("cpu", values=values, every=every)  # what is made once and for all
    with torch.profiler.profile(profile_memory=True) as profile:
        problem.results("cpu", values=values, every=every)
    return sum(max(0, event.self_cpu_memory_usage) for event in profile.events())
