"""What the contenders compute: the same work, whoever does it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.bench import peers, run, scans, stacks, timing
from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.loops import Compiled, unhoisted
from rnnrepro.bench.run import cases
from rnnrepro.bench.scans import UPDATES, Problem
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.steps import STEPS, Step
from rnnrepro.drives.projection import Factored
from rnnrepro.scan import scan

SMALL = Sizes(2, 3, 4, 5, inputs=2)
QUICK = Setting(quick=True)


def plainly(problem: Problem):
    z = Factored(problem.x, problem.U, problem.bias)
    return scan(problem.update, problem.parameters, problem.W, z, problem.state, backend="plain")[0]


@pytest.mark.parametrize("update", UPDATES)
def test_the_loop_that_multiplies_at_each_step_gives_the_same(update):
    problem = Problem(UPDATES[update][1](), SMALL, "cpu")
    z = Factored(problem.x, problem.U, problem.bias)
    wanted = plainly(problem)
    found = unhoisted(problem.update, problem.parameters, problem.W, z, problem.state)
    torch.testing.assert_close(found, wanted)
    last = unhoisted(problem.update, problem.parameters, problem.W, z, problem.state, every=False)
    torch.testing.assert_close(last, wanted[:, -1:])


@pytest.mark.parametrize("update", UPDATES)
def test_the_loop_in_chunks_gives_the_same(update, monkeypatch):
    monkeypatch.setattr("rnnrepro.bench.loops.CHUNK", 2)
    problem = Problem(UPDATES[update][1](), SMALL, "cpu")
    loop = Compiled(problem.update)
    loop.steps = loop._steps  # as it is written; the compiler is PyTorch's
    z = Factored(problem.x, problem.U, problem.bias).dense()
    torch.testing.assert_close(loop(problem.parameters, problem.W, z, problem.state), plainly(problem))


@pytest.mark.slow
def test_the_loop_in_chunks_compiles():
    made = scans.alone("tanh", SMALL, Setting(compiled=True))
    (compiled,) = [contender for contender in made if contender.name == "torch.compile"]
    compiled.call()


@pytest.mark.parametrize("update", peers.LAYERS)
def test_the_layers_of_pytorch_are_those_of_the_update(update):
    """With the same weights they give the same outputs, so that they are peers."""
    problem = Problem(UPDATES[update][1](), SMALL, "cpu")
    layer = peers.LAYERS[update][1](SMALL.inputs, SMALL.hidden)
    with torch.no_grad():
        layer.weight_hh_l0.copy_(problem.W[0].mT)
        layer.weight_ih_l0.copy_(problem.U[0].mT)
        layer.bias_ih_l0.copy_(problem.bias[0])
        layer.bias_hh_l0.zero_()
    torch.testing.assert_close(layer(problem.x[0])[0], plainly(problem)[0])


def test_the_layers_take_every_run():
    seen = []
    _, call = peers.layers("tanh", SMALL, "cpu")
    modules = dict(zip(call.__code__.co_freevars, (c.cell_contents for c in call.__closure__), strict=True))[
        "modules"
    ]
    for module in modules:
        module.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    call()
    assert seen == [(5, 3, 2)] * 2


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_has_the_same_gradients_by_either_loop(name):
    _, sizes, work = STEPS[name]
    step = Step(work, sizes.tiny(), "cpu")
    hoisted, not_hoisted = step.by("plain")(), step.unhoisted()()
    assert len(hoisted) == len(list(step.network.parameters()))
    assert any(gradient.abs().max() > 0 for gradient in hoisted)
    for one, other in zip(hoisted, not_hoisted, strict=True):
        torch.testing.assert_close(one, other)


def test_the_lstm_of_the_bench_keeps_its_gradient_alive_and_the_other_does_not():
    def smallest(name):
        _, sizes, work = STEPS[name]
        step = Step(work, Sizes(1, 1, 8, sizes.time), "cpu")
        part = step.network.recurrence
        z, _ = part.drive(step.x)
        z = z.dense().requires_grad_()
        state = (torch.zeros(1, 1, 8), torch.zeros(1, 1, 8))
        h, _ = scan(part.rule, {}, part.matrix.build(), z, state, backend="plain", every=False)
        (gradient,) = torch.autograd.grad(h.sum(), z)
        return gradient[:, 0].abs().max()

    assert smallest("lstm-pixels") > 1e-20
    assert smallest("lstm-pixels-vanishing") < torch.finfo(torch.float32).tiny


def test_a_stack_takes_optimiser_steps_of_every_run():
    step = Step(stacks._WORK, Sizes(3, 2, 4, 5, inputs=2), "cpu")
    before = [parameter.detach().clone() for parameter in step.network.parameters()]
    stacks.trained(step, step.by("plain"))()
    for old, new in zip(before, step.network.parameters(), strict=True):
        assert all((old[i] != new[i]).any() for i in range(3))


def test_the_products_of_a_training_step_are_counted():
    step = Step(STEPS["bilevel-adding"][2], Sizes(1, 3, 4, 5, inputs=2), "cpu")
    _, flops = step.floor()
    recurrent, inputs, read = 2 * 3 * (2 * 5 * 3 * 4 * 4), 2 * (2 * 5 * 3 * 2 * 4), 3 * (2 * 3 * 4 * 1)
    assert flops == recurrent + inputs + read


@pytest.mark.parametrize("name", [name for name, case in cases().items() if case.device != "cuda"])
def test_every_case_has_one_base_and_at_most_one_lead(name):
    case = cases()[name]
    made = case.contenders(QUICK)
    assert sum(contender.base for contender in made) == 1
    assert sum(contender.lead for contender in made) <= 1
    assert {contender.role for contender in made} <= {"plain", "engine", "peer", "floor"}
    keys = [(contender.name, contender.threads, contender.runs) for contender in made]
    assert len(set(keys)) == len(keys)


def test_contenders_are_made_on_one_thread_whatever_the_process_has(monkeypatch):
    seen = []
    case = Case("scan/x", "x", SMALL, lambda sizes, setting: seen.append(torch.get_num_threads()) or [])
    monkeypatch.setattr("rnnrepro.bench.run.measure", lambda contenders, seconds, shortest: np.zeros((3, 0)))
    with timing.threads(2):
        assert run.measured(case, QUICK, 0.0) == []
    assert seen == [1]


@pytest.mark.parametrize("name", ["gpu/psmnist", "gpu/lstm", "gpu/copy-grid"])
def test_the_cases_of_a_gpu_compare_one_run_with_a_stack(name):
    """Built and called on the processor, where their graphs and cuDNN are missing."""
    made = cases()[name].contenders(QUICK)
    for contender in made:
        contender.call()
    assert [contender.runs for contender in made if contender.base] == [1]
    assert all(contender.runs == 2 for contender in made if contender.lead or contender.role == "floor")


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["gpu/psmnist", "gpu/lstm", "gpu/copy-grid", "scan/tanh/3x20x60x120"])
def test_the_contenders_of_a_gpu_run(name):
    for contender in cases()[name].contenders(Setting("cuda", quick=True)):
        contender.call()
