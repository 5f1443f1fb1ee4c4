"""Groups, rates a run, state, and independence of a run from its stack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.optim import Optimiser

SHAPES = {"matrix.skew": (7, 7), "matrix.triangle": (5, 3), "readout.weight": (7, 11), "bias": (13,)}
GROUPS = {
    "matrix.skew": "orthogonal",
    "matrix.triangle": "triangular",
    "readout.weight": "main",
    "bias": "main",
}


def settings(kind: str = "sgd", **arguments: float) -> SimpleNamespace:
    return SimpleNamespace(kind=kind, arguments=arguments)


def network(runs: int = 1, seed: int = 0) -> dict[str, nn.Parameter]:
    drawn = torch.Generator().manual_seed(seed)
    full = {name: torch.randn((3, *shape), generator=drawn) for name, shape in SHAPES.items()}
    return {name: nn.Parameter(values[:runs].clone()) for name, values in full.items()}


def push(parameters: dict[str, nn.Parameter], rows: list[int], step: int) -> None:
    """Give the parameters the gradients that the runs `rows` have at a step."""
    for index, (name, parameter) in enumerate(parameters.items()):
        drawn = torch.Generator().manual_seed(100 * step + index)
        parameter.grad = torch.randn((3, *SHAPES[name]), generator=drawn)[rows]


def everywhere(kind: str, runs: int, rate: float = 0.01) -> tuple[dict, dict]:
    chosen = {group: settings(kind) for group in set(GROUPS.values())}
    return chosen, {group: torch.linspace(1, 2, 3)[:runs] * rate for group in chosen}


@pytest.mark.parametrize("special", ["main", "orthogonal", "triangular"])
def test_a_special_rate_reaches_exactly_the_parameters_of_its_group(special):
    parameters = network()
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    chosen, rates = everywhere("sgd", 1, rate=0.0)
    rates[special] = torch.tensor([0.25])
    push(parameters, [0], step=1)
    Optimiser(parameters, GROUPS, chosen, rates).step()
    for name, parameter in parameters.items():
        rate = 0.25 if GROUPS[name] == special else 0.0
        expected = before[name] - rate * parameter.grad
        torch.testing.assert_close(parameter.detach(), expected, rtol=0, atol=1e-7)
        assert torch.equal(parameter.detach(), before[name]) == (rate == 0.0)


def test_weight_decay_acts_on_its_group_alone():
    parameters = network()
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    chosen, rates = everywhere("sgd", 1, rate=0.5)
    chosen["triangular"] = settings("sgd", weight_decay=0.1)
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    Optimiser(parameters, GROUPS, chosen, rates).step()
    shrunk = {name: not torch.equal(p.detach(), before[name]) for name, p in parameters.items()}
    assert shrunk == {name: group == "triangular" for name, group in GROUPS.items()}
    torch.testing.assert_close(parameters["matrix.triangle"].detach(), before["matrix.triangle"] * 0.95)


def test_each_run_steps_at_its_own_rate_and_factor():
    parameters = {"w": nn.Parameter(torch.zeros(3, 2))}
    parameters["w"].grad = torch.ones(3, 2)
    rates = {"main": torch.tensor([1.0, 2.0, 4.0])}
    Optimiser(parameters, {"w": "main"}, {"main": settings()}, rates).step(torch.tensor([1.0, 0.5, 0.0]))
    assert parameters["w"].detach().tolist() == [[-1.0, -1.0], [-1.0, -1.0], [0.0, 0.0]]


@pytest.mark.parametrize("kind", tables.OPTIMISERS)
def test_a_run_alone_is_bit_equal_to_the_run_in_a_stack_of_three(kind):
    stacked = network(3)
    chosen, rates = everywhere(kind, 3)
    together = Optimiser(stacked, GROUPS, chosen, rates)
    parameters = [
        {name: nn.Parameter(p.detach()[run : run + 1].clone()) for name, p in stacked.items()}
        for run in range(3)
    ]
    alone = [
        Optimiser(own, GROUPS, chosen, {group: rate[run : run + 1] for group, rate in rates.items()})
        for run, own in enumerate(parameters)
    ]
    for step in range(12):
        push(stacked, [0, 1, 2], step)
        together.step()
        for run in range(3):
            push(parameters[run], [run], step)
            alone[run].step()
    for run in range(3):
        assert all(torch.equal(stacked[name][run], own[0]) for name, own in parameters[run].items())
        state = together.state()
        assert all(torch.equal(state[key][run], slot[0]) for key, slot in alone[run].state().items())


@pytest.mark.parametrize("kind", tables.OPTIMISERS)
def test_a_loaded_state_continues_bit_for_bit(kind):
    parameters = network(3)
    chosen, rates = everywhere(kind, 3)
    whole = Optimiser(parameters, GROUPS, chosen, rates)
    for step in range(3):
        push(parameters, [0, 1, 2], step)
        whole.step()
    copies = {name: nn.Parameter(p.detach().clone()) for name, p in parameters.items()}
    resumed = Optimiser(copies, GROUPS, chosen, rates)
    resumed.load(whole.state())
    for each, optimiser in ((parameters, whole), (copies, resumed)):
        push(each, [0, 1, 2], step=7)
        optimiser.step()
    assert all(torch.equal(copies[name], parameter) for name, parameter in parameters.items())


@pytest.mark.parametrize("kind", tables.OPTIMISERS)
def test_taking_runs_keeps_their_future(kind):
    parameters = network(3)
    chosen, rates = everywhere(kind, 3)
    whole = Optimiser(parameters, GROUPS, chosen, rates)
    push(parameters, [0, 1, 2], step=0)
    whole.step()
    kept = {name: nn.Parameter(p.detach()[[2, 0]].clone()) for name, p in parameters.items()}
    reduced = whole.take([2, 0], kept)
    push(parameters, [0, 1, 2], step=1)
    push(kept, [2, 0], step=1)
    whole.step()
    reduced.step()
    assert all(torch.equal(kept[name], parameter[[2, 0]]) for name, parameter in parameters.items())


def test_every_tensor_of_the_state_has_the_run_axis():
    chosen, rates = everywhere("adam_tf", 3)
    state = Optimiser(network(3), GROUPS, chosen, rates).state()
    assert {len(slot) for slot in state.values()} == {3}
    assert {key.split("/")[0] for key in state} == {"mean", "square", "power1", "power2"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, r, g: c.pop("orthogonal"), "no optimiser settings for the group 'orthogonal'"),
        (lambda c, r, g: c.update(orthogonl=settings()), "did you mean 'orthogonal'"),
        (lambda c, r, g: c.update(special=settings()), "'special' reach no parameter"),
        (lambda c, r, g: r.pop("main"), "rates and optimiser settings differ"),
        (lambda c, r, g: r.update(main=torch.ones(2)), "one run axis"),
        (lambda c, r, g: r.update(main=torch.tensor(1.0)), "one run axis"),
        (lambda c, r, g: g.pop("bias"), "parameters and groups differ in ['bias']"),
        (lambda c, r, g: c.update(main=settings("adm_tf")), "did you mean 'adam_tf'"),
        (lambda c, r, g: c.update(main=settings("adam_tf", bta1=0.5)), "did you mean 'beta1'"),
    ],
)
def test_a_wrong_assignment_is_refused_with_its_mend(change, message):
    chosen, rates = everywhere("sgd", 1)
    groups = dict(GROUPS)
    change(chosen, rates, groups)
    with pytest.raises(Fault) as fault:
        Optimiser(network(), groups, chosen, rates)
    assert message in str(fault.value)


def test_a_parameter_that_the_loss_does_not_reach_is_refused():
    parameters = network()
    chosen, rates = everywhere("sgd", 1)
    optimiser = Optimiser(parameters, GROUPS, chosen, rates)
    push(parameters, [0], step=0)
    parameters["bias"].grad = None
    with pytest.raises(Fault, match="'bias' has no gradient"):
        optimiser.step()


def test_a_state_of_another_stack_or_form_is_refused():
    chosen, rates = everywhere("adam_tf", 3)
    optimiser = Optimiser(network(3), GROUPS, chosen, rates)
    state = optimiser.state()
    with pytest.raises(Fault, match="expected \\(3,"):
        optimiser.load({key: slot[:1] for key, slot in state.items()})
    with pytest.raises(Fault, match="mean/bias"):
        optimiser.load({key: slot for key, slot in state.items() if key != "mean/bias"})


class Turned:
    """A retraction that moves its parameter by twice the step, and counts."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self.parameter, self.calls = parameter, 0

    def __call__(self, step: torch.Tensor) -> None:
        self.calls += 1
        self.parameter -= 2 * step


@pytest.mark.parametrize("kind", tables.OPTIMISERS)
def test_a_retraction_is_handed_the_step_that_would_be_subtracted(kind):
    ours, theirs = network(3), network(3)
    chosen, rates = everywhere(kind, 3)
    turned = Turned(ours["bias"])
    pair = (
        Optimiser(ours, GROUPS, chosen, rates, {"bias": turned}),
        Optimiser(theirs, GROUPS, chosen, rates),
    )
    before = ours["bias"].detach().clone()
    for parameters, optimiser in zip((ours, theirs), pair, strict=True):
        push(parameters, [0, 1, 2], step=1)
        optimiser.step()
    assert turned.calls == 1
    torch.testing.assert_close(ours["bias"] - before, 2 * (theirs["bias"] - before), rtol=1e-3, atol=1e-6)
    assert all(torch.equal(ours[name], theirs[name]) for name in SHAPES if name != "bias")


def test_retractions_come_from_the_reduced_network_when_runs_are_taken():
    parameters = network(3)
    chosen, rates = everywhere("sgd", 3)
    whole = Optimiser(parameters, GROUPS, chosen, rates, {"bias": Turned(parameters["bias"])})
    kept = {name: nn.Parameter(p.detach()[[1]].clone()) for name, p in parameters.items()}
    with pytest.raises(Fault, match="'bias'"):
        whole.take([1], kept)
    turned = Turned(kept["bias"])
    reduced = whole.take([1], kept, {"bias": turned})
    push(kept, [1], step=1)
    reduced.step()
    assert turned.calls == 1


def test_a_retraction_of_what_is_no_parameter_is_refused():
    chosen, rates = everywhere("sgd", 1)
    with pytest.raises(Fault, match="'ghost'"):
        Optimiser(network(), GROUPS, chosen, rates, {"ghost": lambda step: None})
