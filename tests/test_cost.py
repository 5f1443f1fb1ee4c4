"""Sizes and arithmetic of the language models, as the reproduction card derives them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from rnnrepro import cost, plan, project
from rnnrepro.models.composition import build, resolve
from rnnrepro.tasks.shapes import Shape, shape
from rnnrepro.widths import widths

TEXTS = {
    "words": ({"kind": "words", "length": 70}, 20, 1150, 400),
    "characters": ({"kind": "characters", "text": "ptb_char", "length": 150}, 128, 1000, 200),
    "bytes": ({"kind": "characters", "text": "enwik8", "length": 200}, 128, 1840, 400),
}


def model_of(name: str, text: str) -> dict:
    _, _, hidden, embedded = TEXTS[text]
    network = {"layers": 3, "last": embedded, "tied": True}
    return resolve(name, hidden, {"embedding": {"size": embedded}, "network": network})


@pytest.mark.parametrize(
    ("text", "name", "millions"),
    [
        ("words", "chain", 9.06),
        ("words", "lstm", 24.2),
        ("characters", "chain", 3.45),
        ("characters", "lstm", 13.8),
        ("bytes", "chain", 11.88),
        ("bytes", "lstm", 47.3),
    ],
)
def test_weights_are_as_many_as_the_card_counts(text, name, millions):
    task, batch, _, _ = TEXTS[text]
    found = cost.weights(model_of(name, text), shape(task, batch))
    assert found / 1e6 == pytest.approx(millions, rel=3e-3)


@pytest.mark.parametrize(("text", "flops"), [("words", 7.6e10), ("characters", 4.0e11), ("bytes", 1.8e12)])
def test_a_step_is_as_much_arithmetic_as_the_card_counts(text, flops):
    task, batch, _, _ = TEXTS[text]
    training = {"batch": batch, "steps": 10, "evaluate_every": None, "splits": [], "record_every": 1}
    settings = {"model": model_of("chain", text), "training": training}
    assert cost.estimate([settings], shape(task, batch)).flops / 10 == pytest.approx(flops, rel=0.02)


@pytest.mark.parametrize("tied", [True, False])
def test_a_network_has_the_weights_that_are_planned_and_its_biases(tied):
    parts = {"embedding": {"size": 6}, "network": {"layers": 3, "last": 6, "tied": tied}}
    common = {"input_size": 11, "output_size": 11, "index_inputs": True, "generators": [torch.Generator()]}
    network = build("lstm", hidden_size=8, arguments=parts, **common)
    planned = cost.weights(resolve("lstm", 8, parts), Shape(length=5, inputs=11, outputs=11))
    assert network.parameter_count() == planned + 4 * (8 + 8 + 6) + 11


def test_layers_read_what_the_one_below_gives():
    found = widths(model_of("lstm", "words"), 10_000)
    assert [(w.inputs, w.hidden, w.rows, w.columns) for w in found] == [
        (400, 1150, 1150, 4600),
        (1150, 1150, 1150, 4600),
        (1150, 400, 400, 1600),
    ]
    found = widths(resolve("scurnn", 10, {"network": {"layers": 2, "last": 3}}), 7)
    assert [(w.inputs, w.hidden, w.rows, w.columns) for w in found] == [(7, 10, 20, 20), (20, 3, 6, 6)]


# Milliseconds of processor time of a step, N = B = T = 64, one input, one run: as in `rnnrepro.cost`.
MEASURED = {
    "lstm": 7.6,
    "momentum_lstm": 8.4,
    "restart_lstm": 8.1,
    "restart_lstm_released": 9.3,
    "adam_lstm": 16.0,
    "rmsprop_lstm": 16.4,
    "momentum_rnn": 3.1,
    "adam_rnn": 4.9,
    "adam_dtriv": 4.6,
    "sbo_sgd": 4.0,
    "sbo_shb": 4.2,
    "sbo_snag": 4.6,
    "fastrnn": 3.3,
    "fastgrnn": 3.5,
    "antisymmetric": 2.8,
    "lipschitz": 4.2,
    "indrnn": 2.0,
    "irnn": 12.7,
}


@pytest.mark.parametrize("name", MEASURED)
def test_the_estimate_of_a_step_is_what_was_measured(name):
    training = {"batch": 64, "steps": 1, "evaluate_every": None, "splits": [], "record_every": 1}
    settings = {"model": resolve(name, 64, {}), "training": training}
    found = cost.estimate([settings], Shape(length=64, inputs=1, outputs=10)).seconds * 1e3
    assert found == pytest.approx(MEASURED[name], rel=0.4)


def test_the_time_of_single_sequences_is_that_measured_within_six_tenths():
    """Seconds of whole runs behind reference/, whose processes had a core each."""
    whole = project.load("config")
    cells = {(s, c.key): c for s in ("quick", "small") for c in plan.cells(whole, s, ["rflo"])}
    with (Path(__file__).parent / "measured_costs.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (row["scale"], row["cell"]) in cells]
    ratios = []
    for row in rows:
        cell = cells[row["scale"], row["cell"]]
        whole_runs = int(row["steps"]) == cell.estimate.total_steps  # none diverged or stopped early
        if cell.runs[0].settings["training"]["batch"] == 1 and whole_runs:
            ratios.append(cell.estimate.seconds / float(row["seconds"]))
    assert len(ratios) > 40
    assert min(ratios) > 1 / 1.6
    assert max(ratios) < 1.6
    assert sorted(ratios)[len(ratios) // 2] == pytest.approx(1, rel=0.2)
