"""Records of invented cells, made in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from rnnrepro import records
from rnnrepro.config import Claim


def cell(
    arm: str,
    values: Mapping[int, list[float]],
    *,
    metric: str = "mse",
    split: str = "test",
    point: str = "",
    every: int = 100,
    diverged: tuple[int, ...] = (),
    paper: str = "alpha",
    experiment: str = "task",
) -> records.CellRecords:
    """A cell whose runs, by seed, have the given evaluations every so many steps."""
    model, _, part = arm.partition(".")
    identity = {"paper": paper, "experiment": experiment, "model": model, "slice": part, "point": point}
    rows = {
        seed: records.rows([(every * (i + 1), split, metric, 0, v) for i, v in enumerate(curve)])
        for seed, curve in values.items()
    }
    table = records.assembled([({**identity, "seed": seed}, part) for seed, part in rows.items()])
    runs = [
        {"seed": seed, "point": point, "status": "diverged" if seed in diverged else "finished"}
        for seed in values
    ]
    return records.CellRecords(table, {"key": f"{paper}/{experiment}/{arm}", "arm": arm, "runs": runs})


@pytest.fixture
def make_cell():
    """`cell`, for tests."""
    return cell


@pytest.fixture
def ended():
    """`ended(arm, values, claim)`: a cell whose runs end at these values of the metric; at ∞ one has diverged."""

    def made(arm: str, values: Sequence[float], wanted: Claim) -> records.CellRecords:
        return cell(
            arm,
            {i: [v] for i, v in enumerate(values)},
            metric=wanted.metric,
            split=wanted.split,
            diverged=tuple(i for i, v in enumerate(values) if math.isinf(v)),
        )

    return made
