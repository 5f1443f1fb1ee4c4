"""What every recurrent matrix must hold to.

`CHECKS` names each demand in words; a check takes a Subject and raises Fault where the demand is not met. All
of them train the matrix a little by plain gradient descent on ⟨W, G⟩ with random G, so that buffers, rebases
and latches have come into play.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix
from rnnrepro.reduce import where_run
from rnnrepro.tables import Component

GROUPS = ("main", "orthogonal", "triangular", "phases", "unitary")
SEEDS = (11, 12, 13)
RESIDUAL = 200.0
"""A residual may be this many times eps·N."""


@dataclass(frozen=True)
class Subject:
    """A matrix class at one size N, with its arguments and, where it is not square, its columns M."""

    matrix: type[Matrix]
    size: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    width: int | None = None

    def make(self, seeds: Sequence[int] = SEEDS, dtype: torch.dtype = torch.float32) -> Matrix:
        """The matrix with one run a seed."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return self.matrix(
            self.size, input_size=3, width=self.width, generators=generators, dtype=dtype, **self.arguments
        )


def check_row(matrix: type[Matrix], row: Component) -> None:
    """The keyword arguments of the class are those of its row, with the same defaults."""
    own = {
        name: parameter.default
        for name, parameter in inspect.signature(matrix.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
        and name not in inspect.signature(Matrix.__init__).parameters
    }
    _demand(own == dict(row.arguments), f"arguments {own} differ from the row's {dict(row.arguments)}")


def shapes(subject: Subject) -> None:
    """W is (S, N, M) in the asked dtype; every parameter and buffer leads with S."""
    for dtype in (torch.float32, torch.float64):
        matrix = subject.make(dtype=dtype)
        w = matrix.build()
        rows = matrix.planes * subject.size
        expected = (len(SEEDS), rows, subject.width or rows)
        _demand(
            w.shape == expected and w.dtype == dtype,
            f"W is {w.dtype} {tuple(w.shape)}, not {dtype} {expected}",
        )
        for name, tensor in matrix.state_dict().items():
            _demand(tensor.shape[:1] == (len(SEEDS),), f"{name} has shape {tuple(tensor.shape)}: no run axis")
        for value in (matrix.residual(), matrix.penalty()):
            _demand(
                value is None or value.shape == (len(SEEDS),), "residual and penalty are one number a run"
            )


def bits(subject: Subject) -> None:
    """A run's start, W and gradients are the same bits alone and in a stack, over several steps."""
    stack = subject.make()
    alone = [subject.make([seed]) for seed in SEEDS]
    for step in range(4):
        _descend(stack, SEEDS, step)
        for i, (seed, one) in enumerate(zip(SEEDS, alone, strict=True)):
            _descend(one, [seed], step)
            for name, tensor in one.state_dict().items():
                _same(stack.state_dict()[name][i : i + 1], tensor, f"{name} of a run in a stack, step {step}")
            for name, parameter in one.named_parameters():
                _same(
                    stack.get_parameter(name).grad[i : i + 1],
                    parameter.grad,
                    f"gradient of {name}, step {step}",
                )
            _same(stack.build()[i : i + 1], one.build(), f"W of a run in a stack, step {step}")


def constraint(subject: Subject) -> None:
    """After large steps W is on its constraint to rounding, in float32 and float64."""
    for dtype in (torch.float32, torch.float64):
        matrix = subject.make(dtype=dtype)
        bound = RESIDUAL * torch.finfo(dtype).eps * subject.size
        for step in range(8):
            _descend(matrix, SEEDS, step)
            worst = float(matrix.residual().max())
            _demand(worst <= bound, f"residual {worst:.1e} above {bound:.1e} in {dtype} after step {step}")


def gradient(subject: Subject) -> None:
    """The gradients of W and of the penalty are those of central differences in float64."""
    matrix = subject.make(SEEDS[:2], torch.float64)
    for step in range(3):
        _descend(matrix, SEEDS[:2], step, rate=0.1)
    names, values = zip(*matrix.named_parameters(), strict=True)

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        with _holding(matrix, dict(zip(names, tensors, strict=True))):
            w, penalty = matrix.build(), matrix.penalty()
            return (w,) if penalty is None else (w, penalty)

    inputs = [value.detach().clone().requires_grad_() for value in values]
    try:
        # Above some size a random projection of the Jacobian in place of every entry, which takes N⁴ products.
        torch.autograd.gradcheck(function, inputs, eps=1e-6, atol=1e-6, rtol=1e-5, fast_mode=subject.size > 8)
    except RuntimeError as error:
        raise Fault(f"the gradient differs from central differences: {error}") from None


def own_step(subject: Subject) -> None:
    """`after_step` changes the active runs, each as if all were active, and no other."""
    matrix, everyone = subject.make(), subject.make()
    active = torch.tensor([True, False, True])
    for step in range(4):
        for one, who in ((matrix, active), (everyone, torch.ones(3, dtype=torch.bool))):
            one.load_state_dict(everyone.state_dict())
            _descend(one, SEEDS, step, finish=False)
            before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
            one.after_step(who)
        for name, tensor in matrix.state_dict().items():
            expected = where_run(active, everyone.state_dict()[name], before[name])
            _same(tensor, expected, f"{name} after a step of some runs")


def state(subject: Subject) -> None:
    """A run is its slice of the state: loaded into another matrix it builds the same W."""
    stack = subject.make()
    for step in range(3):
        _descend(stack, SEEDS, step)
    for i in range(len(SEEDS)):
        other = subject.make([99])
        other.load_state_dict({name: tensor[i : i + 1] for name, tensor in stack.state_dict().items()})
        _same(stack.build()[i : i + 1], other.build(), "W of a reloaded run")


def groups(subject: Subject) -> None:
    """The groups are known ones; groups and `retracted` name existing parameters."""
    matrix = subject.make()
    names = dict(matrix.named_parameters())
    for name, group in matrix.groups.items():
        _demand(name in names, f"group {group!r} names a parameter {name!r} that is not there")
        _demand(group in GROUPS, f"unknown group {group!r}; known: {', '.join(GROUPS)}")
    for name in matrix.retracted:
        _demand(name in names, f"`retracted` names a parameter {name!r} that is not there")


def divergence(subject: Subject) -> None:
    """A run whose parameters are not finite builds a W that is not, raises nothing, leaves others alone."""
    for broken in (float("nan"), float("inf")):
        sick, well = subject.make(), subject.make()
        for matrix in (sick, well):
            _descend(matrix, SEEDS, 0)
        with torch.no_grad():
            for parameter in sick.parameters():
                parameter[1] = broken
        _demand(not sick.build()[1].isfinite().all(), f"W looks finite although its parameters are {broken}")
        for step in (1, 2):
            for matrix in (sick, well):
                _descend(matrix, SEEDS, step)
        for name, tensor in sick.state_dict().items():
            _same(tensor[::2], well.state_dict()[name][::2], f"{name} of a run beside a diverged one")
        sick.residual(), sick.arrays()


CHECKS: dict[str, Callable[[Subject], None]] = {
    "W has its shape and every tensor leads with the run axis": shapes,
    "a run has the same bits alone and in a stack": bits,
    "W stays on its constraint after large steps": constraint,
    "the gradient is that of central differences": gradient,
    "after_step leaves inactive runs as they were": own_step,
    "a run is its slice of the state": state,
    "the groups name existing parameters": groups,
    "a diverged run harms no other": divergence,
}


def check(subject: Subject) -> list[str]:
    """All demands that the subject fails, as sentences with what was found; none is an empty list."""
    failed = []
    for sentence, function in CHECKS.items():
        try:
            function(subject)
        except Fault as fault:
            failed.append(f"{subject.matrix.__name__}, N = {subject.size}: not so that {sentence}: {fault}")
    return failed


def _demand(held: bool, message: str) -> None:
    if not held:
        raise Fault(message)


def _same(found: Tensor, expected: Tensor, what: str) -> None:
    equal = (found == expected) | (found.isnan() & expected.isnan())
    _demand(found.shape == expected.shape and bool(equal.all()), f"{what}: the bits differ")


def _descend(matrix: Matrix, seeds: Sequence[int], step: int, rate: float = 0.5, finish: bool = True) -> None:
    """One step of gradient descent on ⟨W, G⟩ + penalty, G drawn by (seed, step)."""
    matrix.zero_grad()
    w, penalty = matrix.build(), matrix.penalty()
    draws = [torch.Generator().manual_seed(1000 * seed + step) for seed in seeds]
    direction = torch.stack([torch.randn(w.shape[1:], generator=g, dtype=torch.float64) for g in draws])
    objective = (w * direction.to(w.dtype)).sum()
    (objective if penalty is None else objective + penalty.sum()).backward()
    with torch.no_grad():
        for name, parameter in matrix.named_parameters():
            change = rate * parameter.grad
            matrix.retract(name, change) if name in matrix.retracted else parameter.sub_(change)
    if finish:
        matrix.after_step(torch.ones(len(seeds), dtype=torch.bool))


@contextmanager
def _holding(matrix: Matrix, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """The matrix with these tensors in place of its parameters."""
    places = [(matrix.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in tensors]
    kept = [module._parameters.pop(leaf) for module, leaf in places]
    for (module, leaf), tensor in zip(places, tensors.values(), strict=True):
        setattr(module, leaf, tensor)
    try:
        yield
    finally:
        for (module, leaf), parameter in zip(places, kept, strict=True):
            delattr(module, leaf)
            setattr(module, leaf, parameter)
