"""What the engine is to reach, and whether the rows of a bench show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
MET, NOT_MET, NOT_MEASURED = "met", "not met", "not measured here"
HFTA = 15.1  # horizontally fused training arrays, arXiv 2102.02344: the largest gain in throughput, no recurrence


@dataclass(frozen=True)
class Target:
    """`wanted` in words; `value` reads the number off the rows of the case, None where it is not to be had.

    It is met from `bound` on, or up to it where `most`. `unit` follows the number. `device` "" is any.
    """

    case: str
    wanted: str
    value: Callable[[Sequence[Row]], float | None]
    bound: float
    most: bool = False
    unit: str = "×"
    device: str = "cpu"


@dataclass(frozen=True)
class Judged:
    """A target with the number that was measured."""

    target: Target
    value: float | None

    @property
    def state(self) -> str:
        """`met`, `not met` or `not measured here`."""
        if self.value is None:
            return NOT_MEASURED
        reached = self.value <= self.target.bound if self.target.most else self.value >= self.target.bound
        return MET if reached else NOT_MET


def judged(rows: Sequence[Row], *, device: str, quick: bool) -> list[Judged]:
    """Every target with its number from a bench on `device`; a quick one has other sizes, and nothing of it counts."""
    by_case: dict[str, list[Row]] = {}
    for row in rows:
        by_case.setdefault(row["case"], []).append(row)
    return [
        Judged(
            target,
            None
            if quick or target.device not in ("", device)
            else target.value(by_case.get(target.case, [])),
        )
        for target in TARGETS
    ]


def faster(*names: str, threads: int = 1) -> Callable[[Sequence[Row]], float | None]:
    """How many times faster a run is by the engine than by the fastest of the contenders `names`."""

    def value(rows: Sequence[Row]) -> float | None:
        found = [r["engine_over"] for r in rows if _is(r, names, threads) and r["engine_over"] is not None]
        return min(found) if len(found) == len(names) else None

    return value


def of_floor(rows: Sequence[Row]) -> float | None:
    """The engine's percent of the floor."""
    return next((row["percent_of_floor"] for row in rows if row["lead"]), None)


def milliseconds(rows: Sequence[Row]) -> float | None:
    """The engine's time of a call."""
    return next((1e3 * row["median"] for row in rows if row["lead"]), None)


def best_stack(rows: Sequence[Row]) -> float | None:
    """The engine's largest throughput over that of one run at a time."""
    return max((row["over_base"] for row in rows if row["role"] == "engine"), default=None)


def single_over(name: str) -> Callable[[Sequence[Row]], float | None]:
    """How many times faster than `name` the engine is with one run."""

    def value(rows: Sequence[Row]) -> float | None:
        ours = [r["over_base"] for r in rows if r["role"] == "engine" and r["runs"] == 1]
        theirs = [r["over_base"] for r in rows if r["contender"] == name]
        return ours[0] / theirs[0] if ours and theirs else None

    return value


def two_over_one(rows: Sequence[Row]) -> float | None:
    """How many times faster the engine is on two threads than on one."""
    return next((r["engine_over"] for r in rows if r["role"] == "engine" and r["threads"] == 1), None)


def _is(row: Row, names: Sequence[str], threads: int) -> bool:
    return row["contender"] in names and row["threads"] == threads


_SHAPES = ("3x20x60x120", "3x50x64x100", "3x20x128x220", "6x16x100x500", "3x128x128x784")
CUDNN = "nn.LSTM (cuDNN)"
_LOOPS = ("plain", "plain, not hoisted")
TARGETS: tuple[Target, ...] = (
    Target("scan/modrelu/3x20x60x120", "≥ 4× the plain loop", faster("plain"), 4.0),
    Target("scan/modrelu/6x16x100x500", "≥ 3× the plain loop", faster("plain"), 3.0),
    Target("scan/modrelu/3x128x128x784", "≥ 1.7× the plain loop", faster("plain"), 1.7),
    Target("scan/modrelu/3x128x128x784", "≥ 80 % of the floor", of_floor, 80.0, unit=" %"),
    *(Target(f"scan/tanh/{s}", "faster than nn.RNN", faster("nn.RNN"), 1.0) for s in _SHAPES),
    *(Target(f"scan/lstm/{s}", "faster than nn.LSTM", faster("nn.LSTM"), 1.0) for s in _SHAPES),
    Target("threads/modrelu/6x16x100x500", "two threads ≥ 1.8× of one", two_over_one, 1.8),
    Target("step/nnrnn-copy", "≥ 1.8× the plain loop", faster("plain"), 1.8),
    Target("step/exprnn-copy", "≥ 2.3× the plain loop", faster("plain"), 2.3),
    Target("step/lstm-pixels", "≥ 1.4× the faster plain loop", faster(*_LOOPS), 1.4),
    Target("threads/lstm-pixels", "two threads ≥ 2.5× the faster plain loop on one", faster(*_LOOPS), 2.5),
    Target("matrix/exponential/512", "≥ 4× torch.matrix_exp", faster("torch.matrix_exp"), 4.0),
    *(
        Target(
            f"stack/{n}", f"to beat: {HFTA}× the throughput of one run at a time", best_stack, HFTA, device=""
        )
        for n in (32, 100)
    ),
    Target("gpu/psmnist", "≥ 30× the plain loop per run", faster("plain"), 30.0, device="cuda"),
    Target(
        "gpu/copy-grid", "under 15 ms a step of all 462 runs", milliseconds, 15.0, True, " ms", device="cuda"
    ),
    Target("gpu/lstm", "one run ≥ 1× cuDNN's LSTM", single_over(CUDNN), 1.0, device="cuda"),
    Target("gpu/lstm", "stacked ≥ 5× cuDNN's LSTM per run", faster(CUDNN), 5.0, device="cuda"),
)
