"""Tasks whose next inputs depend on what the network does."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from rnnrepro.tasks.base import Batch, Task


class Scene(NamedTuple):
    """Where each run is: the `action` (S,) int64 under way, and the `place` (S, ·) int64 where it will lead to."""

    action: Tensor
    place: Tensor


class Interactive(Task):
    """A task in `parts`: what a run chooses at the end of one, out of A `actions`, says what the next one is.

    Everything is a pure function of the scene, so that a run's way depends on nothing but its choices; a scene is
    carried on as the state of a network is. `batch` and `evaluation` are the parts as right choices would have them.
    """

    actions: int
    parts: int  # of a whole round

    def first(self, runs: int) -> Scene:
        """How every run begins."""
        raise NotImplementedError

    def next(self, scene: Scene) -> Batch:
        """The part that is under way: a batch of one sequence a run."""
        raise NotImplementedError

    def allowed(self, scene: Scene) -> Tensor:
        """Which actions (S, A) bool may follow."""
        raise NotImplementedError

    def reward(self, scene: Scene, action: Tensor) -> Tensor:
        """Whether the transition to `action` (S,) is right, (S,) bool."""
        raise NotImplementedError

    def moved(self, scene: Scene, action: Tensor) -> Scene:
        """The scene once `action` (S,) is chosen."""
        raise NotImplementedError

    def right(self, actions: Tensor) -> Tensor:
        """Which transitions (S, parts) bool of a round are right in their place, of its `actions` (S, parts + 1)."""
        raise NotImplementedError
