"""Jacobians of descent against their bounds, a metric against size, and steps to a level, from real trainings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rnnrepro import exhibits, records
from rnnrepro.cli import main
from rnnrepro.exhibits import style
from rnnrepro.exhibits.view import View, open_view
from rnnrepro.reported import Reported
from tests import csv_files

PAPER = """
paper: delta
title: Descent
authors: [Ada Author]
year: 2022
venue: Proceedings of Nowhere 15, 1–9
claim: Steps of descent are networks.
experiments:
  adding:
    title: Short adding
    seeds: 3
    task: {kind: adding, length: 6, pool: 40, test: 20}
    training: {batch: 4, steps: 30, evaluate_every: 5, splits: [test]}
    analyses: [descent_spectrum]
    defaults: {hidden: 5, optimiser: {kind: adam_torch, rate: 0.01}}
    models:
      sbo_sgd: {label: Descent, matrix: {rank: 2}, update: {eta: 0.1}}
      sbo_snag: {label: Momentum, matrix: {rank: 2}, update: {eta: 0.1}}
      rnn: {label: RNN, update: {kind: tanh}}
    absent: {other: not run}
    labels: {other: Another}
    scales: {quick: {}, small: {stand_in: other numbers}}
exhibits:
  jacobians: {title: Jacobians, kind: descent, experiments: [adding], metric: descent_smallest, split: analysis}
  size: {title: Size, kind: parameters, experiments: [adding], metric: mse}
  steps: {title: Steps, kind: table, experiments: [adding], metric: mse, statistic: first_step_below(1000.0)}
"""
MODELS = ("sbo_sgd", "sbo_snag", "rnn")


def printed(arm: str, exhibit: str = "size", metric: str = "mse", value: float = 0.07) -> Reported:
    part = {"part": "ln_params_per_1000=-2.5"} if exhibit == "size" else {}
    rest = {"status": "digitised", "source": "a figure", "better": "lower"}
    return Reported(exhibit=exhibit, cell=f"adding/{arm}", metric=metric, value=value, **rest, **part)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A project of one paper, its models trained at both scales."""
    folder = tmp_path_factory.mktemp("delta")
    for sub in ("papers", "reported"):
        (folder / "config" / sub).mkdir(parents=True)
    (folder / "config" / "papers" / "delta.yaml").write_text(PAPER, encoding="utf-8")
    rows = [printed("sbo_sgd"), printed("other"), printed("sbo_snag", "steps", "steps", 1250.0)]
    csv_files.write(folder / "config" / "reported" / "delta.csv", Reported, rows)
    for scale in ("quick", "small"):
        for model in MODELS:
            words = [
                "train",
                "delta/adding",
                "--model",
                model,
                "--scale",
                scale,
                "--config",
                folder / "config",
            ]
            words += ["--backend", "plain", "--state", folder / "state" / scale]
            words += ["--output", folder / scale / "runs" / "delta" / "adding" / f"{model}.parquet"]
            assert main([*map(str, words)]) == 0
    return folder


def view_of(place: Path, name: str, scale: str = "quick") -> View:
    return open_view(place / "config", scale, "delta", name, place / scale, place / name)


def stored(place: Path, metric: str, step: int) -> np.ndarray:
    frame = records.read(place / "quick" / "runs" / "delta" / "adding" / "sbo_sgd.parquet").frame()
    frame = frame[(frame["metric"] == metric) & (frame["step"] == step)]
    return np.stack([run.sort_values("index")["value"].to_numpy() for _, run in frame.groupby("seed")])


def test_the_jacobians_lie_within_their_bounds_step_by_step_and_as_products(place):
    drawn = exhibits.draw(view_of(place, "jacobians"))
    steps, products, momentum, none = drawn.figure.axes
    last = {line.get_color(): line for line in steps.lines if line.get_linestyle() == "-"}[style.SERIES[0]]
    np.testing.assert_allclose(last.get_ydata(), np.median(stored(place, "descent_largest", 30), 0))
    low = np.median(stored(place, "descent_bounds", 30)[:, 0])
    curves = [line for line in products.lines if len(line.get_xdata()) == 6]
    drops = [line for line in curves if np.allclose(line.get_ydata(), low ** np.arange(1, 7), atol=0)]
    assert len(drops) == 1 and list(drops[0].get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert len(momentum.lines) == len(steps.lines) == len(products.lines) == 7
    assert "with momentum: no product" in [text.get_text() for text in none.texts]
    rows = {(row["model"], row["step"]): row for row in drawn.numbers.rows}
    assert len(rows) == 4  # the RNN descends nothing
    for row in rows.values():
        assert 0 < row["bound"] <= row["smallest"] <= row["largest"] <= 1 + 1e-12 and row["seeds"] == 3
    before, after = rows["Descent", "before training"], rows["Momentum", "after training"]
    assert before["momentum"] is None and before["whole"] < before["smallest"]
    assert after["whole"] is None and after["momentum"] != 0.5


def test_ours_stand_at_their_size_with_the_reported_values_beside_them(place):
    drawn = exhibits.draw(view_of(place, "size"))
    (ax,) = drawn.figure.axes
    dots = [line for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "none"]
    rings = [line for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "none"]
    counts = [2 * 5 * 2 + 3 * 5 + 6 + extra for extra in (0, 1)] + [25 + 2 * 5 + 6]
    assert [row["parameters"] for row in drawn.numbers.rows[:3]] == counts
    found = [float(dot.get_xdata()[0]) for dot in dots]
    np.testing.assert_allclose(found, [math.log(count / 1000) for count in counts])
    assert [(float(r.get_xdata()[0]), float(r.get_ydata()[0])) for r in rings] == [(-2.5, 0.07)] * 2
    assert rings[0].get_color() == dots[0].get_color() == style.COLOURS["sbo_sgd"]
    names = [(row["model"], row["seeds"], row["status"]) for row in drawn.numbers.rows]
    assert names[0] == ("Descent", 3, "digitised") and names[-1] == ("Another", 0, "digitised")
    assert names[2] == ("RNN", 3, None)


def test_no_reported_value_is_drawn_beside_data_that_stand_in_for_others(place):
    drawn = exhibits.draw(view_of(place, "size", "small"))
    assert [row["model"] for row in drawn.numbers.rows] == ["Descent", "Momentum", "RNN"]
    assert "reported" not in drawn.numbers.headings and len(drawn.notes) == 1


def test_a_table_of_steps_to_a_level_shows_the_reported_steps_and_no_reported_error(place):
    table = exhibits.draw(view_of(place, "steps"))
    shown = {row[0].text: [entry.text for entry in row] for row in table.rows}
    assert any("1250" in text.replace(" ", "").replace("\u202f", "") for text in shown["Momentum"])
    assert not any("0.07" in text for text in shown["Descent"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jacobians", "size"])
def test_the_notebooks_execute_without_training(place, tmp_path, name):
    words = ["exhibit", "delta", name, "--scale", "quick", "--config", place / "config"]
    words += ["--results", place / "quick", "--output", tmp_path / name]
    assert main([*map(str, words)]) == 0
    kind = {"jacobians": "descent", "size": "parameters"}[name]
    assert all((tmp_path / f"{name}.{ending}").stat().st_size > 100 for ending in exhibits.outputs(kind))
