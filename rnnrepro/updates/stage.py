"""The pointwise part of an update, written once and run everywhere: on tensors, on two cores, on a GPU."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """What happens to each unit between two matrix products.

    `forward` takes by name any of `inputs` (what arrives from the product, one name a gate), the parts of the old
    state, and the update's parameters, per-step scalars and constants; the second stage of two also takes what the
    first `saves`. It returns the parts of the new state (the first stage of two: what goes into the second product)
    and then what it `saves` for the derivative.

    `backward` is the derivative, worked out by hand. It takes by name any of `d<part>` (the gradient of a part of
    the new state; in the first stage of two `da`, of what went into the second product, and `d<saved>` of what the
    second stage read), the new value of the output's parts, what was saved, and the parameters, scalars and
    constants; it returns the gradient of each of `gradients` (`inputs`, parts of the old state, parameters, scalars
    and, in the second stage, what the first saved). What `gradients` does not name has the gradient 0. Without
    `backward` the stage is differentiated by autograd, and runs in the plain scan alone.

    Both are functions of one module with positional arguments alone, and consist of assignments and a return of
    arithmetic, comparisons and `rnnrepro.updates.words`: then they are compiled for each device as they stand.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None = None
    inputs: tuple[str, ...] = ("u",)
    saves: tuple[str, ...] = ()
    gradients: tuple[str, ...] = ()

    def run(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """`forward` of the values that it names."""
        return _tuple(self.forward(*(values[name] for name in names(self.forward))))

    def pull_back(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`backward` of the values that it names: name -> gradient."""
        found = _tuple(self.backward(*(values[name] for name in names(self.backward))))
        return dict(zip(self.gradients, found, strict=True))


def names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's arguments."""
    return tuple(inspect.signature(function).parameters)


def _tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)
