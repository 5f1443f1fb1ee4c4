"""Steps of an optimiser down what a network's rule has for a gradient; credit and feedback are the network's own."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnrepro import tables
from rnnrepro.config import VALIDATION
from rnnrepro.optim.clipping import clip_by_norm, clip_by_value
from rnnrepro.optim.schedules import Moment
from rnnrepro.training.regularisation import regularisation
from rnnrepro.training.stage import Rule
from rnnrepro.training.state import TrainState


class Descent(Rule):
    """Backpropagation through time and all that differs from it in the backward pass alone."""

    def step(self, state: TrainState) -> dict[str, Tensor]:
        """One optimiser step of every run; the batch's loss (S,) before it, and the task's metrics of the batch."""
        batch = state.task.batch(state.own_step)
        start = None if batch.reset else state.carried
        masks = state.network.masks([run["seed"] for run in state.settings], state.step)
        trace = state.network.trace(batch.inputs, start, state.task.readout_every, masks=masks)
        losses = state.task.losses(trace.outputs, batch)
        loss = state.task.loss_of(trace.outputs, batch, losses)
        objective = loss.sum()
        for term in (state.network.penalty(), regularisation(trace, state.training)):
            objective = objective if term is None else objective + term.sum()
        state.optimiser.zero_grad()
        objective.backward()
        clip(state)
        state.optimiser.step(schedule_factor(state) * batch.pace)
        state.network.after_step(torch.ones(len(state.settings), dtype=torch.bool, device=loss.device))
        if state.averages is not None:
            state.averages.update(state.network)
        if state.task.carries_state:
            state.carried = tuple(tensor.detach() for tensor in trace.state)
        found = {"loss": loss.detach()}
        if state.recording:
            measured = state.task.measure(trace.outputs.detach(), batch, losses.detach())
            found |= {name: total / count for name, (total, count) in measured.items()}
        return found

    def judge(self, state: TrainState, split: str) -> dict[str, tuple[Tensor, float]]:
        """The task's metrics, added up over the batches of the split."""
        totals: dict[str, tuple[Tensor, float]] = {}
        carried = None
        for batch in state.task.evaluation(split):
            outputs, last = state.network(
                batch.inputs, None if batch.reset else carried, every=state.task.readout_every
            )
            carried = last
            for name, (total, count) in state.task.measure(outputs, batch).items():
                before, terms = totals.get(name, (0.0, 0.0))
                totals[name] = (before + total, terms + count)
        return totals


def clip(state: TrainState) -> None:
    """Clip the gradients of each run as its settings say."""
    gradients = [p.grad for p in state.optimiser.parameters.values()]
    if state.training["clip"] is not None:
        clip_by_norm(gradients, state.training["clip"])
    if state.training["clip_value"] is not None:
        clip_by_value(gradients, state.training["clip_value"])


def schedule_factor(state: TrainState) -> Tensor | float:
    """(S,) factors of the learning rates, each from the run's own validation history."""
    name = state.training["schedule"]
    if name == "constant":
        return 1.0
    schedule = tables.load("schedule", name)
    metric, split, epochs = state.task.metrics[0], validation_split(state), state.task.epochs(state.own_step)
    factors = [
        schedule(Moment(state.own_step, epochs, history.curve(split, metric), state.training))
        for history in state.histories
    ]
    return torch.tensor(factors, device=state.task.device)


def validation_split(state: TrainState) -> str:
    """The split that rates and epochs are chosen by: `validation`, or `dev` where a corpus calls it so."""
    return next((split for split in VALIDATION if split in state.training["splits"]), VALIDATION[0])
