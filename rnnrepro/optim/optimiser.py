"""One optimiser for all runs of a stack: a form and a rate for each parameter group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rnnrepro import tables
from rnnrepro.errors import Fault, nearest
from rnnrepro.optim.forms import Form

Retractions = Mapping[str, Callable[[Tensor], None]]
"""Parameter name -> what moves it by a step: `Network.retractions()`."""


class Settings(Protocol):
    """What is read of a group's settings: the row of `tables.OPTIMISERS` and its arguments."""

    kind: str
    arguments: Mapping[str, Any]


class Optimiser:
    """Steps every parameter by its group's form, at its group's rate of each run.

    `parameters`: name -> parameter with leading run axis S. `group_of`: the group of each of them.
    `settings` and `rates` ((S,) tensors): one entry a group. The step of a parameter is subtracted from it, or handed
    to its entry among `retractions`, which moves it along a constraint. A parameter without group or a group without
    settings, rate or parameters is a Fault: a special rate that reaches no parameter, or a parameter that
    silently trains at another rate, would give results that look right.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        group_of: Mapping[str, str],
        settings: Mapping[str, Settings],
        rates: Mapping[str, Tensor],
        retractions: Retractions | None = None,
    ) -> None:
        _check_groups(parameters, group_of, settings, rates)
        self.retractions = dict(retractions or {})
        if not self.retractions.keys() <= parameters.keys():
            raise Fault(
                f"retractions of {sorted(self.retractions.keys() - parameters.keys())}, which are no parameters"
            )
        self.parameters = dict(parameters)
        self.group_of = dict(group_of)
        self.settings = dict(settings)
        self.rates = dict(rates)
        self._forms = {group: make_form(chosen) for group, chosen in self.settings.items()}
        self._slots = {
            name: self._forms[self.group_of[name]].slots(parameter.detach())
            for name, parameter in self.parameters.items()
        }

    @torch.no_grad()
    def step(self, factor: Tensor | float = 1.0) -> None:
        """One step from the gradients in `.grad`, at rate · `factor` ((S,) or one number for all runs)."""
        scaled = {group: rate * factor for group, rate in self.rates.items()}
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                raise Fault(f"parameter {name!r} has no gradient: the loss does not depend on it")
            group = self.group_of[name]
            rate = _along_runs(scaled[group].to(parameter), parameter)
            step = self._forms[group].step(parameter, parameter.grad, self._slots[name], rate)
            self.retractions.get(name, parameter.sub_)(step)

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """The slots as `slot/parameter` -> tensor with leading S (copies)."""
        return {key: slot.clone() for key, slot in self._flat()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state` returned. Raises Fault if keys or shapes differ."""
        own = dict(self._flat())
        if own.keys() != state.keys():
            differing = sorted(own.keys() ^ state.keys())
            raise Fault(f"optimiser state does not fit: differing entries {differing}")
        for key, slot in own.items():
            if slot.shape != state[key].shape:
                raise Fault(
                    f"optimiser state does not fit: {key} is {tuple(state[key].shape)}, "
                    f"expected {tuple(slot.shape)}"
                )
            slot.copy_(state[key])

    def take(
        self,
        keep: Sequence[int],
        parameters: Mapping[str, nn.Parameter],
        retractions: Retractions | None = None,
    ) -> Optimiser:
        """The optimiser of the runs `keep`, for `parameters`: those of the network reduced to these runs.

        Raises Fault unless the `retractions` are of the same parameters as before.
        """
        if (retractions or {}).keys() != self.retractions.keys():
            raise Fault(f"the retractions of {sorted(self.retractions)} are to come from the reduced network")
        rows = list(keep)
        rates = {group: rate[rows] for group, rate in self.rates.items()}
        reduced = Optimiser(parameters, self.group_of, self.settings, rates, retractions)
        reduced.load({key: slot[rows] for key, slot in self._flat()})
        return reduced

    def _flat(self) -> Iterable[tuple[str, Tensor]]:
        for name, slots in self._slots.items():
            for slot, tensor in slots.items():
                yield f"{slot}/{name}", tensor


def make_form(settings: Settings) -> Form:
    """The form that settings name, with their arguments. Raises Fault on an unknown kind or argument."""
    known = tables.row("optimiser", settings.kind).arguments
    for argument in settings.arguments:
        if argument not in known:
            raise Fault(f"optimiser {settings.kind!r} has no argument {argument!r}{nearest(argument, known)}")
    return tables.load("optimiser", settings.kind)(**settings.arguments)


def _along_runs(values: Tensor, like: Tensor) -> Tensor:
    """(S,) -> (S, 1, ..) with as many axes as `like`."""
    return values.reshape((-1,) + (1,) * (like.dim() - 1))


def _check_groups(
    parameters: Mapping[str, nn.Parameter],
    group_of: Mapping[str, str],
    settings: Mapping[str, Settings],
    rates: Mapping[str, Tensor],
) -> None:
    if not parameters:
        raise Fault("an optimiser needs at least one parameter")
    if parameters.keys() != group_of.keys():
        raise Fault(f"parameters and groups differ in {sorted(parameters.keys() ^ group_of.keys())}")
    groups = set(group_of.values())
    for group in sorted(groups - settings.keys()):
        names = [name for name in group_of if group_of[name] == group]
        raise Fault(f"no optimiser settings for the group {group!r} (parameters {names}): give its rate")
    for group in sorted(settings.keys() - groups):
        raise Fault(f"optimiser settings for the group {group!r} reach no parameter{nearest(group, groups)}")
    if rates.keys() != settings.keys():
        differing = sorted(rates.keys() ^ settings.keys())
        raise Fault(f"rates and optimiser settings differ in the groups {differing}")
    runs = {len(parameter) for parameter in parameters.values()}
    wrong = [group for group, rate in rates.items() if rate.dim() != 1 or {len(rate)} != runs]
    if len(runs) > 1 or wrong:
        raise Fault(f"parameters and rates must share one run axis: runs {sorted(runs)}, groups {wrong}")
