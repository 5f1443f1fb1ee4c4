"""Learning rules in whole networks: their gradients against the step-wise references, what is trained, what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Generator, Tensor

from rnnrepro import models, plan, project, tables
from rnnrepro.errors import Fault
from rnnrepro.models.network import Network
from rnnrepro.rules.reference import Trial, Weights, backward, rflo, rtrl
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.signals import Signals
from rnnrepro.training.loop import train_step
from rnnrepro.training.state import TrainState, begin

UNITS, INPUTS, OUTPUTS, TIME, TAU = 5, 3, 2, 20, 4.0
RULES = tables.NETWORK_RULES


def network(
    rule: Mapping[str, Any], seeds: Sequence[int] = (3,), dtype=torch.float64, **arguments
) -> Network:
    return models.build(
        "leaky_rnn",
        input_size=INPUTS,
        hidden_size=UNITS,
        output_size=OUTPUTS,
        arguments={
            "update": {"tau": TAU},
            "start": {"init": "constant(0.1)", "trained": False},
            "readout": {"init": "uniform(1.0)", "bias": None},
            "rule": rule,
            **arguments,
        },
        generators=[Generator().manual_seed(seed) for seed in seeds],
        dtype=dtype,
    )


def sequences(runs: int = 1, dtype=torch.float64) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one trial a run."""
    generator = Generator().manual_seed(8)
    return tuple(
        torch.randn(TIME, size, generator=generator, dtype=dtype)[None, :, None].repeat(runs, 1, 1, 1)
        for size in (INPUTS, OUTPUTS)
    )


class Trials(Signals):
    """The loss of Eq. 2 for what is given."""

    def prepare(self) -> None:
        pass


def gradients(net: Network, x: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """By parameter, of the loss of one trial a run."""
    task = Trials({}, seeds=range(net.runs), batch=1)
    loss = task.loss_of(net(x)[0], Batch(x, targets)).sum()
    trained = net.trained()
    return dict(zip(trained, torch.autograd.grad(loss, list(trained.values())), strict=True))


def increments(net: Network, backend: str) -> Weights:
    """Down the gradient that the network has, of run 0."""
    net.use(backend)
    found = gradients(net, *sequences())
    names = ("layers.0.matrix.weight", "layers.0.drive.weight", "readout_weight")
    assert set(found) == set(names)
    return Weights(*(-found[name][0] for name in names))


def trial_of(net: Network) -> Trial:
    layer, (x, targets) = net.recurrence, sequences()
    weights = Weights(*(w.detach()[0] for w in (layer.matrix.weight, layer.drive.weight, net.readout_weight)))
    return Trial(weights, net.feedback[0], x[0, :, 0], targets[0, :, 0], layer.start[0], TAU)


def off(one: Weights, other: Weights) -> float:
    """The largest difference of two increments, as a share of the largest entry of each."""
    return max(
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(one.all(), other.all(), strict=True)
    )


@pytest.mark.parametrize("backend", ["plain", "cpu"])
@pytest.mark.parametrize("kind", RULES)
def test_a_networks_gradients_are_those_of_the_references(kind: str, backend: str) -> None:
    net = network({"kind": kind, "feedback": "normal(1.0)"})
    trial, found = trial_of(net), increments(net, backend)
    assert off(found, backward(trial, kind)) < 1e-10
    if tables.RULES[kind].credit == "full":
        assert off(found, rtrl(trial, tables.RULES[kind].feedback)) < 1e-8
    if kind == "rflo":
        assert off(found, rflo(trial, x_lag=0)) < 1e-10


@pytest.mark.parametrize("backend", ["plain", "cpu"])
def test_with_the_lagged_drive_rflo_is_as_the_article_prints_it(backend: str) -> None:
    net = network({"kind": "rflo"}, drive={"kind": "lagged", "init": "uniform(1.0)"})
    trial, found = trial_of(net), increments(net, backend)
    assert off(found, rflo(trial, x_lag=1)) < 1e-10
    assert off(found, rflo(trial, x_lag=0)) > 0.05


def test_networks_of_all_rules_start_equal_and_answer_alike() -> None:
    plain = network({"kind": "bptt"})
    x, _ = sequences()
    assert plain.feedback is None and network({"kind": "local_only"}).feedback is None
    for kind in RULES:
        net = network({"kind": kind, "feedback": "normal(1.0)"})
        for name, value in plain.state_dict().items():
            assert torch.equal(value, net.state_dict()[name])
        assert torch.equal(net(x)[0], plain(x)[0])
        assert net.feedback.shape == net.readout.shape and "feedback" not in net.trained()
        assert torch.equal(net.feedback, network({"kind": "rflo"}).feedback)


def test_feedback_is_drawn_as_its_initialiser_says() -> None:
    net = network({"kind": "rflo", "feedback": "constant(0.5)"})
    assert torch.equal(net.feedback, torch.full((1, UNITS, OUTPUTS), 0.5, dtype=torch.float64))
    drawn = network({"kind": "rflo"}, seeds=range(200)).feedback
    assert abs(float(drawn.std()) - 1) < 0.05 and abs(float(drawn.mean())) < 0.1


@pytest.mark.parametrize(
    ("trains", "learning"),
    [
        ("all", {"layers.0.matrix.weight", "layers.0.drive.weight", "readout_weight"}),
        ("readout", {"readout_weight"}),
        ("recurrent", {"layers.0.matrix.weight", "layers.0.drive.weight"}),
    ],
)
def test_what_is_trained_and_nothing_else_has_a_gradient_and_a_group(trains: str, learning: set[str]) -> None:
    net = network({"kind": "rflo", "trains": trains})
    assert set(net.trained()) == set(net.parameter_groups()) == set(gradients(net, *sequences())) == learning
    assert net.parameter_count() == sum(net.get_parameter(name)[0].numel() for name in learning)
    taken = net.take([0])
    assert set(taken.trained()) == learning


def test_a_start_that_is_not_trained_is_a_buffer_and_a_readout_may_have_no_bias() -> None:
    net = network({})
    assert net.readout_bias is None and "layers.0.start" in dict(net.named_buffers())
    assert net.recurrence.start.tolist() == [[0.1] * UNITS]
    trained = network({}, start={"init": "constant(0.1)"}, readout={"bias": "zeros"})
    assert {"layers.0.start", "readout_bias"} <= set(trained.trained())
    assert torch.equal(net.recurrence.first(1, 1)[0], trained.recurrence.first(1, 1)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("backend", ["plain", "cpu"])
@pytest.mark.parametrize("kind", RULES)
def test_a_run_has_the_same_bits_alone_and_in_a_stack(kind: str, backend: str, dtype: torch.dtype) -> None:
    rule, seeds = {"kind": kind, "feedback": "normal(1.0)"}, (3, 5, 8)
    stack = network(rule, seeds, dtype)
    stack.use(backend)
    together = gradients(stack, *sequences(3, dtype))
    for i, seed in enumerate(seeds):
        alone = network(rule, [seed], dtype)
        alone.use(backend)
        assert torch.equal(alone.feedback[0], stack.feedback[i])
        for one in (alone, stack.take([i])):
            one.use(backend)
            for name, value in gradients(one, *sequences(1, dtype)).items():
                assert torch.equal(value[0], together[name][i])


def experiment(rule: Mapping[str, Any]) -> dict[str, Any]:
    arm = {
        "model": "leaky_rnn",
        "hidden": 8,
        "start": {"init": "constant(0.1)", "trained": False},
        "readout": {"bias": None},
        "rule": rule,
        "optimiser": {"kind": "adam_torch", "rate": 0.01},
    }
    reach = {
        "title": "t",
        "seeds": 3,
        "scales": {"quick": {}},
        "models": {"arm": arm},
        "training": {"batch": 2, "steps": 9},
        "task": {"kind": "interval", "width": 1.0, "first": 3, "shortest": 2, "longest": 5, "tail": 2},
    }
    about = {"paper": "p", "title": "A", "authors": ["A"], "year": 2026, "venue": "v", "claim": "c"}
    return {**about, "experiments": {"e": reach}, "exhibits": {}}


def state_of(folder: Path, rule: Mapping[str, Any]) -> TrainState:
    (folder / "papers").mkdir(parents=True, exist_ok=True)
    (folder / "papers" / "p.yaml").write_text(yaml.safe_dump(experiment(rule)))
    (cell,) = plan.cells(project.load(folder), "quick")
    return begin([r.settings for r in cell.runs], ["a", "b", "c"], data=None, device=torch.device("cpu"))


@pytest.mark.parametrize("trains", tables.TRAINED)
def test_kept_parameters_stay_through_steps_checkpoints_and_neighbours_that_leave(
    tmp_path: Path, trains: str
) -> None:
    rule = {"kind": "rflo", "trains": trains}
    whole, resumed = state_of(tmp_path, rule), state_of(tmp_path, rule)
    start = {name: value.clone() for name, value in whole.network.state_dict().items()}
    for _ in range(3):
        train_step(whole)
    resumed.restore([whole.of_run(i) for i in range(3)])
    resumed.take([2, 0])
    for _ in range(3):
        train_step(whole), train_step(resumed)
    learning = set(whole.network.trained())
    assert 0 < len(learning) < len(start)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value[[2, 0]], resumed.network.state_dict()[name])
        assert torch.equal(value, start[name]) == (name not in learning)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "rlfo"}, "rule.kind: unknown: 'rlfo'; did you mean 'rflo'"),
        ({"kind": "hebbian"}, "rule.kind: unknown: 'hebbian'"),
        ({"trains": "readouts"}, "rule.trains: unknown: 'readouts'; did you mean 'readout'"),
        ({"feedbak": "zeros"}, "rule.feedbak: no such argument; did you mean 'feedback'"),
    ],
)
def test_a_rule_that_cannot_be_is_a_fault(tmp_path: Path, rule: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        state_of(tmp_path, rule)


def test_feedback_that_no_initialiser_draws_is_a_fault() -> None:
    with pytest.raises(Fault, match="normall"):
        network({"kind": "rflo", "feedback": "normall(1.0)"})
