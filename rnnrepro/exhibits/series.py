"""Runs' curves from records, and bands over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnrepro.records import CellRecords

BANDS = {
    "range": "minimum to maximum",
    "quartiles": "lower to upper quartile",
    "sd": "± one standard deviation",
    "sem": "± one standard error of the mean",
}
MIDDLES = ("median", "mean")


@dataclass(frozen=True)
class Curve:
    """A metric of one run against steps or epochs; x and y (n,). Diverged runs end where they stopped."""

    seed: int
    x: np.ndarray
    y: np.ndarray
    diverged: bool


@dataclass(frozen=True)
class Band:
    """Several runs at once: `middle` and the band's edges, each (n,), over the runs that have a value there."""

    x: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    runs: int


def points(records: CellRecords) -> list[str]:
    """The grid points of a cell in the order of its runs; [""] without a grid."""
    return list(dict.fromkeys(run["point"] for run in records.provenance["runs"]))


def curves(
    records: CellRecords, metric: str, split: str, *, point: str = "", x: str = "step", smooth: int = 1
) -> list[Curve]:
    """One curve a seed of a scalar metric, smoothed by a running median over `smooth` recorded points.

    `x` is `step`, `epoch`, or `trial`: how many sequences have been learned from.
    What is not finite is left out: a diverged run ends with such a value.
    """
    rows = select(records, metric, split, point=point)
    rows = rows[np.isfinite(rows["value"])]
    scale = _steps_in_one(records.provenance, x)
    found = []
    for seed, part in rows.groupby("seed", sort=True):
        part = part.sort_values("step")
        status = records.status.get((point, int(seed)))
        values = running_median(part["value"].to_numpy(), smooth)
        found.append(Curve(int(seed), part["step"].to_numpy() / scale, values, status == "diverged"))
    return found


def _steps_in_one(made: Mapping[str, Any], x: str) -> float:
    """Optimiser steps in an epoch or a trial; 1 where that is not known, or a step is the unit."""
    if x == "trial":
        return 1 / made["settings"]["training"]["batch"]
    return (made.get("steps_per_epoch") or 1) if x == "epoch" else 1


def select(records: CellRecords, metric: str, split: str, *, point: str | None = None) -> pd.DataFrame:
    """The rows of a metric on a split, of one grid point where that is given."""
    frame = records.frame()
    chosen = (frame["metric"] == metric) & (frame["split"] == split)
    return frame[chosen if point is None else chosen & (frame["point"] == point)]


def arrays(
    records: CellRecords,
    metric: str,
    *,
    step: int | str = "last",
    point: str | None = None,
    split: str = "analysis",
) -> dict[tuple[str, int], np.ndarray]:
    """{(grid point, seed): (n,)} of a metric stored by index, at a run's `first`, `last` or a given step."""
    rows = select(records, metric, split, point=point)
    found = {}
    for (where, seed), part in rows.groupby(["point", "seed"], sort=True):
        steps = part["step"]
        wanted = {"first": steps.min(), "last": steps.max()}.get(step, step)
        part = part[steps == wanted].sort_values("index")
        if len(part):
            found[str(where), int(seed)] = part["value"].to_numpy()
    return found


def running_median(values: np.ndarray, width: int) -> np.ndarray:
    """The median of each value and its neighbours, `width` in all; shorter at both ends."""
    if width <= 1 or len(values) < 2:
        return np.asarray(values, dtype=float)
    return pd.Series(values).rolling(width, center=True, min_periods=1).median().to_numpy()


def band(runs: Sequence[Curve], *, middle: str = "median", spread: str = "range", most: int = 600) -> Band:
    """The runs together, at no more than `most` places along x."""
    table = pd.DataFrame({run.seed: pd.Series(run.y, index=run.x) for run in runs if len(run.x)}).sort_index()
    if len(table) > most:
        table = table.iloc[np.unique(np.linspace(0, len(table) - 1, most).astype(int))]
    values = table.to_numpy(dtype=float)
    return Band(
        table.index.to_numpy(dtype=float), *bounds(values, middle=middle, spread=spread), runs=len(runs)
    )


def bounds(
    values: np.ndarray, *, middle: str = "median", spread: str = "range"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle, lower and upper edge over the last axis (runs) of (n, runs), missing values left out."""
    frame = pd.DataFrame(values)
    centre = frame.median(axis=1) if middle == "median" else frame.mean(axis=1)
    if spread == "range":
        return centre.to_numpy(), frame.min(axis=1).to_numpy(), frame.max(axis=1).to_numpy()
    if spread == "quartiles":
        low, high = (frame.quantile(q, axis=1).to_numpy() for q in (0.25, 0.75))
        return centre.to_numpy(), low, high
    width = frame.std(axis=1, ddof=1).fillna(0.0)
    if spread == "sem":
        width = width / np.sqrt(frame.notna().sum(axis=1))
    return centre.to_numpy(), (centre - width).to_numpy(), (centre + width).to_numpy()


def stacked(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays of one length as columns (n, runs), shorter ones filled with nan."""
    parts = list(parts)
    longest = max(len(p) for p in parts)
    return np.column_stack(
        [np.pad(np.asarray(p, dtype=float), (0, longest - len(p)), constant_values=np.nan) for p in parts]
    )
