"""A network that picks its own next inputs, by the weights of its loop, in an interactive task."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rnnrepro.models.network import Network
from rnnrepro.rules.hebbian import choose, preferences
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.interactive import Interactive, Scene
from rnnrepro.updates.base import State


class Part(NamedTuple):
    """A part of a task as a network does it: outputs (S, T, 1, K) to the `batch`; the state after it, its h (S, N)."""

    batch: Batch
    outputs: Tensor
    state: State
    h: Tensor


class Round(NamedTuple):
    """A whole round: outputs (S, T, 1, K) of its parts, and `actions` (S, parts + 1), the last of a new round."""

    outputs: Tensor
    actions: Tensor


def part(network: Network, task: Interactive, scene: Scene, state: State | None) -> Part:
    """The part of `scene`, from the state before it (None: the first state)."""
    batch = task.next(scene)
    outputs, after = network(batch.inputs, state, every=True)
    return Part(batch, outputs, after, network.by_layer(after)[-1][0][:, 0])


@torch.no_grad()
def greedy(network: Network, task: Interactive) -> Round:
    """A round from the first scene on, in which the winner among the next inputs is always taken.

    It begins in the state that a round with the right inputs leads to: the first state is one that a network which
    goes on and on has met once. `network.loop` holds the weights of the loop, (S, A, N).
    """
    (right,) = task.evaluation(task.evaluation_splits[0])
    _, state = network(right.inputs, every=True)
    scene = task.first(network.runs)
    outputs, actions = [], [scene.action]
    drawn = network.loop.new_zeros(network.runs, 2)  # with a probability of 0 nothing is explored
    for _ in range(task.parts):
        done = part(network, task, scene, state)
        action = choose(preferences(network.loop, done.h), task.allowed(scene), 0.0, drawn).action
        scene, state = task.moved(scene, action), done.state
        outputs.append(done.outputs)
        actions.append(action)
    return Round(torch.cat(outputs, 1), torch.stack(actions, 1))
