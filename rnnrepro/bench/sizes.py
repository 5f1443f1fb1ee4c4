"""The sizes of a case."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """S runs, B sequences a batch, N units, T time steps, D features of the input."""

    runs: int
    batch: int
    hidden: int
    time: int
    inputs: int = 1

    def __str__(self) -> str:
        return f"{self.runs}x{self.batch}x{self.hidden}x{self.time}"

    @property
    def spoken(self) -> str:
        """`3 × 20 × 60 × 120`: runs × batch × hidden × time."""
        return str(self).replace("x", " × ")

    def tiny(self) -> Sizes:
        """The same kind of case in a millisecond, for tests."""
        return replace(
            self,
            runs=min(self.runs, 2),
            batch=min(self.batch, 3),
            hidden=min(self.hidden, 8),
            time=min(self.time, 6),
        )
