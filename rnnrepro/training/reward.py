"""A loop from states to next inputs learns by reward, while the network stays as it is (Murray 2019, Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from rnnrepro import streams
from rnnrepro.errors import Fault
from rnnrepro.models.interaction import greedy, part
from rnnrepro.models.network import Network
from rnnrepro.rules.hebbian import choose, preferences, strengthened, unit_rows
from rnnrepro.tasks.base import Task
from rnnrepro.tasks.interactive import Scene
from rnnrepro.training.stage import Rule
from rnnrepro.training.state import TrainState


class Reward(Rule):
    """At the end of each part of an interactive task the winner of W^s h is the next input; a right one is rewarded.

    A step is a part. With probability `explore` any allowed input follows instead; `rate` is η_s of the Hebbian step,
    after which the row has length 1 again (`rnnrepro.rules.hebbian`). Scene and state go on from step to step. W^s
    (S, A, N) is `network.loop`, and starts normal with rows of length 1, drawn apart from all else. Raises Fault for a
    task that is not interactive, and for what the rule's numbers cannot be.
    """

    def __init__(self, rate: float, explore: float) -> None:
        if not rate > 0 or not 0 <= explore <= 1:
            raise Fault(f"hebbian: rate is above 0 and explore from 0 to 1, not {rate!r} and {explore!r}")
        self.rate, self.explore = rate, explore

    def prepare(self, network: Network, task: Task, seeds: Sequence[int]) -> None:
        """Draw W^s, unless an earlier stage has done so."""
        if not hasattr(task, "actions"):
            raise Fault(
                "the rule hebbian chooses what comes next and needs an interactive task, such as reach_loop"
            )
        if network.loop is None:
            network.give_loop(torch.stack([_weights(network, task, seed) for seed in seeds]))

    @torch.no_grad()
    def step(self, state: TrainState) -> dict[str, Tensor]:
        """One part, one choice, and the step of W^s for the runs whose choice was right."""
        task, network = state.task, state.network
        if state.carried is None:
            scene, before = task.first(network.runs), None
        else:
            scene, before = Scene(*state.carried[:2]), state.carried[2:]
        done = part(network, task, scene, before)
        choice = choose(
            preferences(network.loop, done.h), task.allowed(scene), self.explore, self._drawn(state)
        )
        reward = task.reward(scene, choice.action)
        network.loop.copy_(strengthened(network.loop, done.h, choice.action, reward.to(done.h), self.rate))
        state.carried = (*task.moved(scene, choice.action), *done.state)
        found = {"loss": task.loss_of(done.outputs, done.batch)}
        if state.recording:
            measured = task.measure(done.outputs, done.batch)
            found |= {name: total / count for name, (total, count) in measured.items()}
            found["transitions"] = reward.double()
        return found

    def judge(self, state: TrainState, split: str) -> dict[str, tuple[Tensor, float]]:
        """The task's metrics of a round by greedy choices, and the fraction of `transitions` that are right in it."""
        done = greedy(state.network, state.task)
        (whole,) = state.task.evaluation(split)
        right = state.task.right(done.actions).double()
        found = state.task.measure(done.outputs, whole)
        return found | {"transitions": (right.sum(1), float(right.shape[1]))}

    def _drawn(self, state: TrainState) -> Tensor:
        """(S, 2) uniform numbers, of the run's seed and the step alone."""
        drawn = [
            streams.generator("explore", run["seed"], state.own_step).random(2) for run in state.settings
        ]
        return torch.from_numpy(np.stack(drawn)).to(state.task.device)


def _weights(network: Network, task: Task, seed: int) -> Tensor:
    """W^s (A, N) of one run."""
    generator = Generator().manual_seed(streams.seed("loop", seed))
    drawn = torch.randn(task.actions, network.recurrence.features, generator=generator, dtype=torch.float64)
    return unit_rows(drawn[None])[0].to(network.readout)
