"""A task for runs of which several share their data: the points of a grid at one seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rnnrepro.tasks.base import Batch, Task


class Shared:
    """`task` has the data of each seed once; run i of the stack reads row `rows[i]` of them.

    Everything else is the task's own.
    """

    def __init__(self, task: Task, rows: Sequence[int]) -> None:
        self.task = task
        self.rows = list(rows)

    @property
    def seeds(self) -> list[int]:
        """The seed of each run."""
        return [self.task.seeds[row] for row in self.rows]

    def batch(self, step: int) -> Batch:
        """The training batch of `step`, a row for each run."""
        return self._spread(self.task.batch(step))

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The batches of a split, a row for each run."""
        return map(self._spread, self.task.evaluation(split))

    def take(self, keep: Sequence[int]) -> Shared:
        """The same task for the runs at the positions `keep`, with no more data than they need."""
        rows = [self.rows[i] for i in keep]
        needed = sorted(set(rows))
        return Shared(self.task.take(needed), [needed.index(row) for row in rows])

    def _spread(self, batch: Batch) -> Batch:
        lengths = None if batch.lengths is None else batch.lengths[self.rows]
        return replace(
            batch, inputs=batch.inputs[self.rows], targets=batch.targets[self.rows], lengths=lengths
        )

    def __getattr__(self, name: str) -> Any:
        if name == "task":  # while a copy is being made there is none yet
            raise AttributeError(name)
        return getattr(self.task, name)
