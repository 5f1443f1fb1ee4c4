"""What the stages of an update must hold to (`rnnrepro.updates.stage`).

`CHECKS` names each demand in words; a check takes a Subject and raises Fault where the demand is not met. A stage
is pointwise, so the derivative that it gives by hand is held against autograd of its forward value by value: all
that it reads is drawn at `POINTS` places for every unit, in float64. Where autograd and the hand give numbers that
are not finite (the root of a negative number) nothing is compared.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault
from rnnrepro.scan.source import Signature, text_of
from rnnrepro.updates import words as vocabulary
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage, names

POINTS = 64
_TOLERANCE = {"rtol": 1e-9, "atol": 1e-11}
_HOW = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

Values = Mapping[str, Tensor | float]


@dataclass(frozen=True)
class Subject:
    """An update with its parameters, (1, units) or (1,) in float64, and the names of its drive's per-step scalars."""

    update: Update
    parameters: Mapping[str, Tensor] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts of the state."""
        return tuple(part for slot in self.update.state for part in slot)


def layout(subject: Subject) -> None:
    """One stage, or two around a product with Wᵀ, which goes from one part to one part; all of them of the class."""
    stages, update = subject.update.stages, subject.update
    own = [name for name in ("stages", "state", "reads") if name in vars(update)]
    _demand(
        not own, f"`{'`, `'.join(own)}` set on the object; a scan is compiled for the class, so set it there"
    )
    _demand(len(stages) in (1, 2), f"there are {len(stages)} stages; an update has one or two")
    _demand(0 <= update.reads < len(update.state), f"`reads` is {update.reads}; slots: {len(update.state)}")
    if len(stages) == 2:
        wide = len(update.state[update.reads]), len(stages[0].inputs), len(stages[1].inputs)
        _demand(
            wide == (1, 1, 1),
            "around a product with Wᵀ each stage takes one input and the slot that W multiplies has one part; "
            f"here the slot has {wide[0]}, the stages take {wide[1]} and {wide[2]}",
        )


def named(subject: Subject) -> None:
    """A stage names only what there is, and no name means two things."""
    update = subject.update
    Signature.of(update, subject.parameters, dict.fromkeys(subject.scalars))
    values = (*subject.parameters, *subject.scalars, *update.constants)
    for i, stage in enumerate(update.stages):
        for function in (stage.forward, stage.backward):
            if function is not None:
                _check_arguments(function)
        earlier = update.stages[0].saves if i else ()
        _once("what forward may read", (*stage.inputs, *subject.parts, *earlier, *values))
        arriving = _arriving(subject, i)
        _once("what backward may read", (*arriving, *update.state[0], *stage.saves, *earlier, *values))
        _once("`gradients`", stage.gradients)


def counts(subject: Subject) -> None:
    """Forward returns the parts (or what goes into the second product) and `saves`; backward `gradients`."""
    for i, stage, known, found in _stages(subject):
        own = _own(subject, i)
        _demand(
            len(found) == len(own) + len(stage.saves),
            f"{_name(stage.forward)} returns {len(found)} values, not {_listed(own)} and the saved "
            f"{_listed(stage.saves)}: {len(own) + len(stage.saves)}",
        )
        if stage.backward is None:
            continue
        arriving = dict.fromkeys(_arriving(subject, i), torch.ones_like(found[0]))
        given = stage.backward(
            *({**_after(subject, i, known, found), **arriving}[n] for n in names(stage.backward))
        )
        given = given if isinstance(given, tuple) else (given,)
        _demand(
            len(given) == len(stage.gradients),
            f"{_name(stage.backward)} returns {len(given)} values, `gradients` names {_listed(stage.gradients)}",
        )


def derivative(subject: Subject) -> None:
    """The gradients that a stage works out by hand are those of autograd, and those it does not name are 0."""
    for i, stage, known, found in _stages(subject):
        if stage.backward is None:
            continue
        arriving = _directions(subject, i, found[0])
        expected = _by_autograd(subject, i, known, found, arriving)
        with torch.no_grad():
            given = stage.pull_back({**_after(subject, i, known, found), **arriving})
        sound = torch.stack([value.isfinite() for value in (*found, *expected.values())]).all(0)
        _demand(
            2 * int(sound.sum()) >= sound.numel(),
            f"{_name(stage.forward)} is not finite at most random points",
        )
        for name, theirs in expected.items():
            _compare(stage, name, given.get(name), theirs, sound, known)


def words(subject: Subject) -> None:
    """The stages consist of what the fast scans can compile."""
    for stage in subject.update.stages:
        if stage.backward is not None:
            for function in (stage.forward, stage.backward):
                text_of(function, function.__name__)
                _check_globals(function)


CHECKS: dict[str, Callable[[Subject], None]] = {
    "there are one or two stages": layout,
    "the stages name only what there is": named,
    "the stages return what they declare": counts,
    "the derivatives worked out by hand are those of autograd": derivative,
    "the stages consist of what the fast scans compile": words,
}


def _stages(subject: Subject) -> Iterable[tuple[int, Stage, Values, tuple[Tensor, ...]]]:
    """Each stage with the values that it reads, each a leaf of its own, and what it makes of them."""
    known = _points(subject)
    for i, stage in enumerate(subject.update.stages):
        known = {n: v.detach().requires_grad_() if isinstance(v, Tensor) else v for n, v in known.items()}
        found = stage.run(known)
        yield i, stage, known, found
        known = known | dict(zip(stage.saves, found[1:], strict=False))


def _points(subject: Subject) -> Values:
    """Random values (1, POINTS, units) of all that the stages read, and the constants.

    A parameter takes its own initial value in one half of the points, and one beside it in the other.
    """
    generator, update = Generator().manual_seed(5), subject.update
    units = max((value.shape[1] for value in subject.parameters.values() if value.dim() == 2), default=4)

    def normal() -> Tensor:
        return torch.randn(1, POINTS, units, generator=generator, dtype=torch.float64)

    free = [*(name for stage in update.stages for name in stage.inputs), *subject.parts, *subject.scalars]
    values: dict[str, Tensor | float] = dict(update.constants) | {name: normal() for name in free}
    beside = (torch.arange(POINTS) % 2 * 0.5)[None, :, None]
    for name, value in subject.parameters.items():
        values[name] = value.detach().double()[:1].reshape(1, 1, -1) + beside * normal()
    return values


def _own(subject: Subject, i: int) -> tuple[str, ...]:
    """What the stage returns before what it saves; of the first of two it has the name `a`."""
    return ("a",) if i + 1 < len(subject.update.stages) else subject.parts


def _arriving(subject: Subject, i: int) -> tuple[str, ...]:
    """The gradients that a stage may read: d<part>, or da and d<saved>."""
    stages = subject.update.stages
    return tuple(
        f"d{name}" for name in (*_own(subject, i), *(stages[0].saves if i + 1 < len(stages) else ()))
    )


def _after(subject: Subject, i: int, known: Values, found: tuple[Tensor, ...]) -> Values:
    """What the backward of a stage may read besides what arrives."""
    update, own = subject.update, _own(subject, i)
    values = {*subject.parameters, *subject.scalars, *update.constants}
    values |= set(update.stages[0].saves) if i == 1 else set()
    outputs = {name: x for name, x in zip(own, found, strict=False) if i + 1 == len(update.stages)}
    saved = dict(zip(update.stages[i].saves, found[len(own) :], strict=False))
    return {**{name: known[name] for name in values}, **outputs, **saved}


def _by_autograd(
    subject: Subject, i: int, known: Values, found: tuple[Tensor, ...], arriving: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The gradient of everything that the stage may read, from those that arrive."""
    leaves = {name: value for name, value in known.items() if isinstance(value, Tensor)}
    pairs = [pair for pair in zip(found, arriving.values(), strict=False) if pair[0].requires_grad]
    if not pairs:
        return {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    outputs, directions = zip(*pairs, strict=True)
    gradients = torch.autograd.grad(outputs, list(leaves.values()), directions, materialize_grads=True)
    return dict(zip(leaves, gradients, strict=True))


def _directions(subject: Subject, i: int, like: Tensor) -> dict[str, Tensor]:
    """What arrives at a stage; of what the second stage gives no gradient of, 0."""
    stages, generator = subject.update.stages, Generator().manual_seed(6)
    given = {f"d{name}" for name in (*_own(subject, i), *stages[-1].gradients)}
    return {
        name: torch.randn(like.shape, generator=generator, dtype=like.dtype) * (name in given)
        for name in _arriving(subject, i)
    }


def _compare(
    stage: Stage, name: str, given: Tensor | None, theirs: Tensor, sound: Tensor, known: Values
) -> None:
    ours = torch.zeros_like(theirs) if given is None else given.expand_as(theirs)
    wrong = sound & ~torch.isclose(ours, theirs, **_TOLERANCE)
    if not wrong.any():
        return
    place = tuple(wrong.nonzero()[0].tolist())
    at = ", ".join(
        f"{n} = {v[place]:.3g}" if isinstance(v, Tensor) else f"{n} = {v:g}"
        for n, v in known.items()
        if n in names(stage.forward)
    )
    if given is None:
        raise Fault(
            f"`gradients` beside {_name(stage.backward)} does not name {name!r}, whose gradient is "
            f"{theirs[place]:.6g} at {at}"
        )
    raise Fault(
        f"{_name(stage.backward)} gives {ours[place]:.6g} for the gradient of {name!r}, autograd of "
        f"{_name(stage.forward)} {theirs[place]:.6g}, at {at}"
    )


def _check_arguments(function: Callable[..., object]) -> None:
    for argument in inspect.signature(function).parameters.values():
        plain = argument.kind in _HOW and argument.default is argument.empty
        _demand(plain, f"{_name(function)}: {argument} is no plain positional argument")


def _check_globals(function: Callable[..., object]) -> None:
    """Each word is the one of `rnnrepro.updates.words`; other names from outside are refused by `text_of`."""
    for name in function.__code__.co_names:
        _demand(
            function.__globals__.get(name) is getattr(vocabulary, name),
            f"{_name(function)}: {name!r} is another function; import it from rnnrepro.updates.words",
        )


def _once(what: str, given: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(given).items() if count > 1)
    _demand(not twice, f"{', '.join(map(repr, twice))} more than once among {what}; rename")


def _listed(given: Iterable[str]) -> str:
    return "(" + ", ".join(given) + ")"


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", repr(function))


def _demand(held: bool, message: str) -> None:
    if not held:
        raise Fault(message)
