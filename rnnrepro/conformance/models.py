"""What every model must hold to: its drive, its update, and the network around them.

`CHECKS` names each demand in words; a check takes a Case and raises Fault where the demand is not met.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from rnnrepro import tables
from rnnrepro.conformance import budgets, matrices, stages
from rnnrepro.conformance.cases import (
    BATCH,
    OUTPUTS,
    SEEDS,
    TIME,
    Case,
    close,
    demand,
    descend,
    everything,
    same,
    some_inputs,
    some_state,
)
from rnnrepro.errors import Fault

UPDATE_CHECKS = stages.CHECKS | budgets.CHECKS


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `message` says what was found where it is not `ok`, and why it does not apply."""

    name: str
    ok: bool
    message: str = ""
    applies: bool = True


def check_model(
    name: str, hidden: int = 6, arguments: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Check]:
    """Hold the model `name`, its matrix and its update to every check, at hidden size `hidden` and on one thread.

    What a check raises fails that check. Raises Fault for an unknown model.
    """
    tables.row("model", name)
    case = Case(name, hidden, arguments or {})
    checks = {sentence: partial(check, case) for sentence, check in CHECKS.items()}
    checks |= {
        f"of its matrix: {s}": partial(_matrix_check, check, case) for s, check in matrices.CHECKS.items()
    }
    checks |= {
        f"of its update: {s}": partial(_update_check, check, case) for s, check in UPDATE_CHECKS.items()
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_outcome(sentence, check) for sentence, check in checks.items()]
    finally:
        torch.set_num_threads(threads)


def _matrix_check(check: Callable[[matrices.Subject], None], case: Case) -> None:
    check(case.matrix())


class _Inapplicable(Exception):
    """There is nothing that the check could look at."""


def _update_check(check: Callable[[stages.Subject], None], case: Case) -> None:
    subject = case.update()
    plain = [stage.backward is None for stage in subject.update.stages]
    by_hand = check in (
        stages.derivative,
        stages.words,
    )  # of the stages that have one; the fast scans need all
    if (by_hand and all(plain)) or (check is budgets.check and any(plain)):
        raise _Inapplicable("no derivative given; runs plainly")
    check(subject)


def _outcome(sentence: str, check: Callable[[], None]) -> Check:
    try:
        check()
    except _Inapplicable as reason:
        return Check(sentence, True, str(reason), applies=False)
    except Fault as fault:
        return Check(sentence, False, str(fault))
    except Exception as error:  # a user's code may raise anything, and the other checks still have their say
        return Check(sentence, False, f"{type(error).__name__}: {error}")
    return Check(sentence, True)


def row_arguments(kind: str, name: str) -> None:
    """The class of a row of matrices, drives or updates takes the arguments of its row, with the same defaults."""
    common = {"self", "hidden_size", "input_size", "width", "generators", "dtype"}
    taken = {
        key: parameter.default
        for key, parameter in inspect.signature(tables.load(kind, name)).parameters.items()
        if key not in common and parameter.kind is not parameter.VAR_KEYWORD
    }
    listed = dict(tables.row(kind, name).arguments)
    demand(taken == listed, f"{kind} {name!r} takes {taken}, its row lists {listed}")
    if kind == "update":
        _sizes(name)


def _sizes(name: str) -> None:
    """The row of an update says how many gates and how many numbers a unit its class has."""
    row = tables.row("update", name)
    update = tables.load("update", name)(**row.arguments)
    found, listed = (update.gates, len(update.state[update.reads])), (row.gates, row.planes)
    demand(found == listed, f"update {name!r} has (gates, planes) {found}, its row lists {listed}")


def arguments(case: Case) -> None:
    """The classes of the model's parts take what their rows list."""
    for part in tables.PARTS:
        row_arguments(part, getattr(tables.row("model", case.name), part))


def shapes(case: Case) -> None:
    """Every parameter and buffer leads with S; outputs are (S, T, B, K); the dtype is kept throughout."""
    for dtype in (torch.float32, torch.float64):
        network = case.network(dtype=dtype)
        outputs, state = network(some_inputs(dtype))
        expected = (len(SEEDS), TIME, BATCH, OUTPUTS)
        demand(outputs.shape == expected, f"the outputs are {tuple(outputs.shape)}, not {expected}")
        tensors = {"outputs": outputs, **network.state_dict()} | {
            f"state {i}": s for i, s in enumerate(state)
        }
        for name, value in tensors.items():
            demand(value.shape[:1] == (len(SEEDS),), f"{name} has shape {tuple(value.shape)}: no run axis")
            demand(
                not value.is_floating_point() or value.dtype == dtype, f"{name} is {value.dtype}, not {dtype}"
            )


def groups(case: Case) -> None:
    """Each parameter has one group, and the parts' groups name parameters that exist."""
    network = case.network()
    names = {name for name, _ in network.named_parameters()}
    demand(set(network.parameter_groups()) == names, "parameter_groups does not list each parameter once")
    for i, layer in enumerate(network.layers):
        for part, owner in {"matrix": layer.matrix, "drive": layer.drive, "update": layer.rule}.items():
            unknown = {f"layers.{i}.{part}.{own}" for own in owner.groups} - names
            demand(not unknown, f"groups of the {part} name {sorted(unknown)}, which are no parameters")


def seeds(case: Case) -> None:
    """Runs of different seeds start apart."""
    outputs, _ = case.network()(some_inputs()[:1].expand(len(SEEDS), -1, -1, -1))
    demand(not torch.equal(outputs[0], outputs[1]), "two seeds give the same network")


def causality(case: Case) -> None:
    """Outputs depend on the inputs so far and on no later one."""
    network, x = case.network(), some_inputs()
    changed = x.clone()
    changed[:, TIME // 2 :] += 1
    before, after = network(x)[0], network(changed)[0]
    same("outputs before a changed input", before[:, : TIME // 2], after[:, : TIME // 2])
    demand(not torch.equal(before[:, -1], after[:, -1]), "the last output does not depend on the inputs")


def carried_state(case: Case) -> None:
    """A sequence in two parts, its state carried, gives what the whole gives."""
    network, x = case.network(), some_inputs()
    whole, last = network(x)
    first, state = network(x[:, :2])
    second, end = network(x[:, 2:], state)
    close("outputs", whole, torch.cat((first, second), 1))
    for i, (a, b) in enumerate(zip(last, end, strict=True)):
        close(f"last state {i}", a, b)


def last_step(case: Case) -> None:
    """The last output read alone is the last of all."""
    network, x = case.network(), some_inputs()
    close("the last output", network(x, every=False)[0], network(x)[0][:, -1])


def batch(case: Case) -> None:
    """Sequences of a batch do not mix."""
    network, x = case.network(), some_inputs()
    state = some_state(network)
    together, _ = network(x, state)
    for b in range(BATCH):
        alone, _ = network(x[:, :, b : b + 1], tuple(part[:, b : b + 1] for part in state))
        close(f"outputs of sequence {b}", alone[:, :, 0], together[:, :, b])


def reach(case: Case) -> None:
    """A gradient reaches every parameter of every run."""
    network = case.network()
    starts = some_state(network), None  # a trained first state is read where no state is given
    total = sum((network(some_inputs(), start)[0] ** 2).sum() for start in starts)
    gradients = torch.autograd.grad(total, list(network.parameters()), allow_unused=True)
    for (name, _), gradient in zip(network.named_parameters(), gradients, strict=True):
        demand(gradient is not None and bool(gradient.isfinite().all()), f"{name} has no finite gradient")
        demand(bool((gradient.reshape(len(SEEDS), -1) != 0).any(1).all()), f"the gradient of {name} is 0")


def gradient(case: Case, *, whole: bool = True) -> None:
    """Gradients in inputs, state and parameters are those of central differences.

    Every entry of the Jacobian is looked at, or where it is not the `whole`, a random projection of it in a tenth of
    the time.
    """
    network = case.network(SEEDS[:1])
    descend(network, some_inputs()[:1])  # away from a start where a gradient may vanish by symmetry
    names = [name for name, _ in network.named_parameters()]
    state = tuple(part[:1, :2] for part in some_state(case.network()))

    def outputs(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip(names, rest[len(state) :], strict=True))
        last, after = functional_call(network, values, (x, rest[: len(state)]))
        return last, *after

    point = [some_inputs()[:1, :3, :2], *state, *network.parameters()]
    try:
        torch.autograd.gradcheck(
            outputs,
            [p.detach().clone().requires_grad_() for p in point],
            atol=1e-6,
            rtol=1e-5,
            fast_mode=not whole,
        )
    except RuntimeError as error:
        raise Fault(f"the gradient differs from central differences: {error}") from None


def bits(case: Case) -> None:
    """A run's outputs, states and gradients are the same bits alone and in a stack."""
    for dtype in (torch.float32, torch.float64):
        x = some_inputs(dtype)
        stack = everything(case.network(dtype=dtype), x)
        for i, seed in enumerate(SEEDS):
            for name, value in everything(case.network([seed], dtype), x[i : i + 1]).items():
                same(f"{dtype} {name} of a run in a stack", value[0], stack[name][i])


def saved_run(case: Case) -> None:
    """A run saved and loaded elsewhere, or taken out of its stack, goes on with the same bits."""
    network, x = case.network(), some_inputs()
    descend(network, x)
    loaded = case.network([99])
    loaded.load_runs([network.state_of_run(1)])
    single = {"loaded": loaded, "taken out of its stack": network.take([1])}
    stack = everything(network, x)
    for what, one in single.items():
        for name, value in everything(one, x[1:2]).items():
            same(f"{name} of a run {what}", value[0], stack[name][1])


def divergence(case: Case) -> None:
    """A run whose parameters are not finite has outputs that are not, and leaves the others alone."""
    sick, well = case.network(), case.network()
    with torch.no_grad():
        for parameter in sick.layers.parameters():
            parameter[1] = torch.nan
    ours, theirs = everything(sick, some_inputs()), everything(well, some_inputs())
    demand(not ours["outputs"][1].isfinite().any(), "outputs look finite although the parameters are not")
    for name, value in ours.items():
        same(f"{name} beside a diverged run", value[::2], theirs[name][::2])


CHECKS: dict[str, Callable[[Case], None]] = {
    "its parts take the arguments that their rows list": arguments,
    "shapes lead with the run axis and dtypes are kept": shapes,
    "every parameter has one group": groups,
    "runs of different seeds start apart": seeds,
    "outputs do not depend on later inputs": causality,
    "a sequence in two parts gives what the whole gives": carried_state,
    "the last output read alone is the last of all": last_step,
    "sequences of a batch do not mix": batch,
    "a gradient reaches every parameter": reach,
    "gradients are those of central differences": gradient,
    "a run has the same bits alone and in a stack": bits,
    "a run saved and loaded goes on with the same bits": saved_run,
    "a diverged run harms no other": divergence,
}
