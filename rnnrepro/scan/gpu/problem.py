"""What both forms of the GPU scan are told, and the order of the tensors that they take and give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from rnnrepro.scan.gpu.template import kept_slots, saved_names
from rnnrepro.scan.source import Signature


@dataclass(frozen=True)
class Problem:
    """A scan without its tensors: equal problems run the same kernels in the same order.

    `units` is the size N of one part of the state, `constants` the settings in the order of the signature.
    """

    signature: Signature
    constants: tuple[float, ...]
    runs: int
    time: int
    batch: int
    units: int
    train: bool
    every: bool
    full: bool = True
    """Whether the gradient flows through h W into h."""
    dout: bool = False
    """Whether there are gradients of the outputs at every time."""
    precision: str = "ieee"

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of one sequence in each slot."""
        return tuple(len(slot) * self.units for slot in self.signature.state)

    @property
    def kept(self) -> tuple[int, ...]:
        """The slots that the forward scan returns at times 0 (the state before the first step) … T, (S, T + 1, B, ·).

        Those that the backward scan needs; without one the outputs, if they are asked for.
        """
        if self.train:
            return kept_slots(self.signature)
        return (0,) if self.every else ()

    @property
    def saves(self) -> int:
        """Number of arrays (S, T, B, N) that the forward scan returns after them."""
        return len(saved_names(self.signature)) if self.train else 0


@dataclass(frozen=True)
class Forward:
    """The tensors of a forward scan: W (S, ·, M), z (S, T, B, M); `values`, the parameters (S, N) and then the scalars
    (S, T); `first`, the slots (S, B, ·)."""

    W: Tensor
    z: Tensor
    values: list[Tensor]
    first: list[Tensor]

    @classmethod
    def of(cls, problem: Problem, tensors: Sequence[Tensor]) -> Forward:
        """From their list."""
        W, z, *rest = tensors
        count = len(problem.signature.parameters) + len(problem.signature.scalars)
        return cls(W, z, rest[:count], rest[count:])


@dataclass(frozen=True)
class Backward:
    """The tensors of a backward scan: those of the forward scan, what it kept and saved, and the gradients that arrive.

    `dout` is (S, T, B, ·) or, where only the last state has a gradient, None; `dlast` one a slot.
    """

    W: Tensor
    values: list[Tensor]
    kept: list[Tensor]
    saved: list[Tensor]
    dout: Tensor | None
    dlast: list[Tensor]

    @classmethod
    def of(cls, problem: Problem, tensors: Sequence[Tensor]) -> Backward:
        """From their list."""
        rest = iter(tensors)

        def take(count: int) -> list[Tensor]:
            return [next(rest) for _ in range(count)]

        (W,) = take(1)
        values = take(len(problem.signature.parameters) + len(problem.signature.scalars))
        kept, saved = take(len(problem.kept)), take(problem.saves)
        dout = take(1)[0] if problem.dout else None
        return cls(W, values, kept, saved, dout, take(len(problem.signature.state)))
