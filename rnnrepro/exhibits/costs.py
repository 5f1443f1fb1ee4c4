"""What the training of cells has cost, from their cost tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnrepro import arms
from rnnrepro.duration import duration
from rnnrepro.plan import Cell


@dataclass(frozen=True)
class Cost:
    """One cell: its runs, their time in seconds of one process, the peak of memory, and where they ran."""

    key: str
    runs: int
    steps: int
    seconds: float
    peak_memory_mb: float
    device: str
    host: str

    @property
    def time(self) -> str:
        """The whole time as a person reads it."""
        return duration(self.seconds)

    @property
    def time_a_run(self) -> str:
        """The mean time of a run."""
        return (
            f"{self.seconds / self.runs:.1f} s"
            if self.seconds < 60 * self.runs
            else duration(self.seconds / self.runs)
        )


def of_cells(cells: Iterable[Cell], results: Path) -> list[Cost]:
    """The cost of each cell that has a cost table. Raises Fault for a damaged one, or another cell's."""
    found = []
    for cell in cells:
        if (results / cell.cost_path).exists():
            rows = arms.costs_of_cell(cell, results)
            found.append(
                Cost(
                    cell.key,
                    len(rows),
                    sum(r["steps"] for r in rows),
                    sum(r["seconds"] for r in rows),
                    max(r["peak_memory_mb"] for r in rows),
                    ", ".join(dict.fromkeys(r["device"] for r in rows)),
                    ", ".join(dict.fromkeys(r["host"] for r in rows)),
                )
            )
    return found


def total(costs: Sequence[Cost]) -> str:
    """`12 cells, 60 runs: 14m03s of training, at most 512 MB of memory`."""
    if not costs:
        return "no cost tables"
    return (
        f"{len(costs)} cells, {sum(c.runs for c in costs)} runs: {duration(sum(c.seconds for c in costs))} of "
        f"training, at most {max(c.peak_memory_mb for c in costs):.0f} MB of memory"
    )
