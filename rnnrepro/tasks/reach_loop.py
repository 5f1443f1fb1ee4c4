"""The sequence of reaches around a square by a network that picks its own next input (Murray 2019, Fig. 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.interactive import Interactive, Scene
from rnnrepro.tasks.reach import DIRECTIONS
from rnnrepro.tasks.reach_sequence import ReachSequence


class ReachLoop(Interactive, ReachSequence):
    """The reaches of `order` as in `ReachSequence`, one a part; input i, one-hot, asks for reach i as in `Reach`.

    At the end of a reach a run chooses the next; reaches that leave the square are not allowed, whatever path the
    network has drawn. A transition is right if `order`, read as a ring, has it. The scene's place is the corner
    (S, 2) where the reach under way ends. `path_error` and the loss are those of a whole round.
    """

    input_size = actions = len(DIRECTIONS)
    index_inputs = True
    carries_state = True

    def prepare(self, *, move: int, hold: int, peak: float, order: Sequence[int]) -> None:
        """Raises Fault as `ReachSequence`, and for a reach that is made twice, as two could follow it."""
        super().prepare(move=move, hold=hold, peak=peak, order=order)
        if len(set(self.order)) < len(self.order):
            raise Fault(
                f"reach_loop: each reach leads to one other, so none may stand twice in {list(order)}"
            )
        self.parts, self.steps = len(self.order), move + hold
        self._ways = torch.tensor(DIRECTIONS, device=self.device)
        self._after = torch.full(
            (self.actions,), -1, device=self.device
        )  # a reach that is not in the order: none
        for i, reach in enumerate(self.order):
            self._after[reach] = self.order[(i + 1) % len(self.order)]
        distance = self._targets[: self.steps].abs().sum(-1)  # along one axis alone
        self._reaches = distance[None, :, None] * self._ways[:, None]

    def batch(self, step: int) -> Batch:
        """Part `step` of a round after the other, the same for each sequence."""
        reach = torch.full((len(self.seeds), self.batch_size), self.order[step % len(self.order)])
        return self._parts(reach.to(self.device), reset=step == 0)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """A whole round with the right inputs, in one batch."""
        index = torch.tensor(self.order, device=self.device).repeat_interleave(self.steps)
        targets = self._targets[None, :, None].repeat(len(self.seeds), 1, 1, 1)
        yield Batch(index[None, :, None].repeat(len(self.seeds), 1, 1), targets)

    def first(self, runs: int) -> Scene:
        """The first reach of the order, from the lower left corner."""
        reach = torch.full((runs,), self.order[0], device=self.device)
        return Scene(reach, self._ways[reach].clamp(min=0))

    def next(self, scene: Scene) -> Batch:
        """The reach that is under way."""
        return self._parts(scene.action[:, None], reset=False)

    def allowed(self, scene: Scene) -> Tensor:
        """The reaches that end on the square."""
        ends = scene.place[:, None] + self._ways
        return ((ends >= 0) & (ends <= 1)).all(-1)

    def reward(self, scene: Scene, action: Tensor) -> Tensor:
        """Whether the order has the one after the other."""
        return self._after[scene.action] == action

    def moved(self, scene: Scene, action: Tensor) -> Scene:
        """On to the corner where the reach ends."""
        return Scene(action, scene.place + self._ways[action])

    def right(self, actions: Tensor) -> Tensor:
        """Both reaches of a transition are those that the order has there; the last one leads to a new round."""
        there = actions == torch.tensor([*self.order, self.order[0]], device=self.device)
        return there[:, :-1] & there[:, 1:]

    def _parts(self, reaches: Tensor, reset: bool) -> Batch:
        """The reaches (S, B) as indices (S, T, B) and velocities (S, T, B, 2)."""
        targets = self._reaches[reaches].transpose(1, 2).contiguous()
        return Batch(reaches[:, None].repeat(1, self.steps, 1), targets, reset=reset)
