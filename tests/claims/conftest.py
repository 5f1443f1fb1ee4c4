"""Records of invented cells, made in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rnnrepro import records


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
