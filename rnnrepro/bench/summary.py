"""From the samples of a case to its rows: medians, spread, ratios and percent of the floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnrepro.bench.timing import Contender

Row = dict[str, Any]


def rows(contenders: Sequence[Contender], samples: np.ndarray, **identity: Any) -> list[Row]:
    """A row a contender from `samples` (rounds, contenders) in seconds a call; each row begins with `identity`.

    Ratios compare seconds a run. `over_base` says how many times faster than the base the contender is,
    `engine_over` how many times faster than the contender the engine is; both are ratios of medians, and their
    `_low` and `_high` the quartiles of the ratios within each round.
    """
    each = samples / [contender.runs for contender in contenders]
    base = _only([c.base for c in contenders])
    lead = _only([c.lead for c in contenders])
    floors = {c.threads: np.median(each[:, i]) for i, c in enumerate(contenders) if c.role == "floor"}
    return [
        {
            **identity,
            "contender": contender.name,
            "role": contender.role,
            "threads": contender.threads,
            "runs": contender.runs,
            "lead": contender.lead,
            **_spread(samples[:, i]),
            **_ratio("over_base", each, base, i),
            **_ratio("engine_over", each, i, lead),
            "percent_of_floor": _percent(floors.get(contender.threads), each[:, i]),
            "gflops": contender.flops / np.median(samples[:, i]) / 1e9 if contender.flops else None,
        }
        for i, contender in enumerate(contenders)
    ]


def _only(marks: Sequence[bool]) -> int | None:
    """The place of the one mark, None without any."""
    places = [i for i, mark in enumerate(marks) if mark]
    if len(places) > 1:
        raise ValueError(f"{len(places)} contenders are marked where one may be")
    return places[0] if places else None


def _spread(seconds: np.ndarray) -> Row:
    low, median, high = np.percentile(seconds, [25, 50, 75]).tolist()
    return {
        "rounds": len(seconds),
        "median": median,
        "minimum": float(seconds.min()),
        "low": low,
        "high": high,
    }


def _ratio(name: str, each: np.ndarray, slow: int | None, fast: int | None) -> Row:
    """How many times as long as column `fast` the column `slow` takes; None where one is missing."""
    if slow is None or fast is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = np.percentile(each[:, slow] / each[:, fast], [25, 75]).tolist()
    middle = float(np.median(each[:, slow]) / np.median(each[:, fast]))
    return {name: middle, f"{name}_low": low, f"{name}_high": high}


def _percent(floor: float | None, each: np.ndarray) -> float | None:
    return None if floor is None else float(100 * floor / np.median(each))
