"""A stage of a training: on which task, by which rule, until which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from rnnrepro.models.network import Network
from rnnrepro.tasks.base import Task

if TYPE_CHECKING:
    from rnnrepro.training.state import TrainState


class Rule:
    """What a step of a stage does, and how a stage is judged. It holds settings alone; all that changes is the state's.

    Its arguments are those of its row in `tables.RULES`.
    """

    def prepare(self, network: Network, task: Task, seeds: Sequence[int]) -> None:
        """Give the network what the rule trains beside it, drawn from streams of its own: `seeds`, one a run."""

    def step(self, state: TrainState) -> dict[str, Tensor]:
        """Learn once; the `loss` (S,) before it, and where `state.recording` the metrics (S,) that are kept of it."""
        raise NotImplementedError

    def judge(self, state: TrainState, split: str) -> dict[str, tuple[Tensor, float]]:
        """The metrics of a split, as `Task.measure` has them, without learning."""
        raise NotImplementedError


@dataclass(frozen=True)
class Stage:
    """Steps `first` + 1 to `last` of a training, with its `training` settings, of which `steps` says how many."""

    task: Task
    rule: Rule
    training: dict[str, Any]
    first: int

    @property
    def last(self) -> int:
        """The step, counted from the start of the run, that ends it."""
        return self.first + self.training["steps"]
