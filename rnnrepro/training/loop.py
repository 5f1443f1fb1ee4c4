"""The training loop: one step, one look, and the two in turn until the runs of a stack are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from rnnrepro import tables
from rnnrepro.training.averaging import losses_of
from rnnrepro.training.descent import validation_split
from rnnrepro.training.state import TrainState

OnEnd = Callable[[TrainState, int, str], None]
OnStep = Callable[[TrainState], bool]


def fit(state: TrainState, *, on_step: OnStep, on_end: OnEnd) -> bool:
    """Train every run of the stack to its end; False if `on_step` asked to stop before.

    `on_step(state)` is called after each step; `on_end(state, i, status)` once a run, with `finished` or, for a
    loss that is not finite, `diverged`: such a run leaves the stack with its history, and the others go on. So does
    a run whose evaluated loss is below `stop_below`: it is finished.
    """
    if state.step == 0 and not any(history.state() for history in state.histories):
        analyse(state)
    while state.settings and state.step < state.steps:
        state.go_on()
        losses = train_step(state)
        record(state, losses)
        finite = losses["loss"].isfinite()
        looked = due(state)
        if looked:
            finite = finite & evaluate(state)
            if state.averages is not None:
                state.averages.look(
                    losses_of(state.histories, validation_split(state), state.task.metrics[0])
                )
        _leave(state, {i: "diverged" for i, fine in enumerate(finite.tolist()) if not fine}, on_end)
        if looked and state.step < state.steps:
            _leave(state, _arrived(state), on_end)
        if looked and state.settings and state.step < state.steps:
            analyse(state, "evaluations")
        if state.settings and on_step(state) and state.step < state.steps:
            return False
    if state.settings:
        analyse(state)
    for i in range(len(state.settings)):
        on_end(state, i, "finished")
    return True


def train_step(state: TrainState) -> dict[str, Tensor]:
    """One step of every run by the rule of its stage; the loss (S,) before it, and the metrics that are kept of it."""
    found = state.stage.rule.step(state)
    state.step += 1
    return found


def record(state: TrainState, found: dict[str, Tensor]) -> None:
    """Keep the training metrics of the step that was just made."""
    for name, values in found.items():
        if name != "loss":
            _add(state, "train", name, values)


def due(state: TrainState) -> bool:
    """Whether the runs are evaluated after this step: at the interval or each epoch, and at a stage's end."""
    if state.step == state.stage.last:
        return True
    if every := state.training["evaluate_every"]:
        return state.own_step % every == 0
    return state.task.epochs(state.own_step) > state.task.epochs(state.own_step - 1)


@torch.no_grad()
def evaluate(state: TrainState) -> Tensor:
    """Measure every split that the protocol looks at; (S,) whether all was finite."""
    with state.shown():
        return _measure(state)


def _measure(state: TrainState) -> Tensor:
    finite = torch.ones(len(state.settings), dtype=torch.bool, device=state.task.device)
    for split in state.training["splits"]:
        totals = state.stage.rule.judge(state, split)
        for name, (total, count) in totals.items():
            _add(state, split, name, total / count)
            finite &= total.isfinite()
    _add(state, "train", "residual", state.network.residual())
    return finite


def analyse(state: TrainState, when: str = "ends") -> None:
    """Run the experiment's analyses on the networks as they are now: all of them at the `ends`."""
    for name, at in state.common["analyses"].items():
        if when not in ("ends", at):
            continue
        with state.shown():
            found = tables.load("analysis", name)(state.network, state.task)
        for metric, values in found.items():
            for history, array in zip(state.histories, values, strict=True):
                history.add_array(state.step, metric, array)


def _add(state: TrainState, split: str, metric: str, values: Tensor) -> None:
    for history, value in zip(state.histories, values.tolist(), strict=True):
        history.add(state.step, split, metric, value)


def _arrived(state: TrainState) -> dict[int, str]:
    """The runs whose loss on the first split has come below `stop_below`, analysed as at any end."""
    level = state.training["stop_below"]
    if level is None or not state.settings:
        return {}
    split, metric = state.training["splits"][0], state.task.metrics[0]
    done = [i for i, history in enumerate(state.histories) if history.curve(split, metric)[-1][1] < level]
    if done and state.common["analyses"]:
        ended = replace(state)
        ended.take(done)
        analyse(ended)
    return dict.fromkeys(done, "finished")


def _leave(state: TrainState, ended: Mapping[int, str], on_end: OnEnd) -> None:
    """The runs at the positions of `ended` leave the stack, each with its status."""
    for i, status in ended.items():
        on_end(state, i, status)
    keep = [i for i in range(len(state.settings)) if i not in ended]
    if ended and keep:
        state.take(keep)
    elif ended:
        state.settings = []
