"""Faults of an arm's network and training are said when a configuration is read."""

from __future__ import annotations

import pytest

from rnnrepro import checks, tables
from rnnrepro.config import Arm, Experiment, Training
from rnnrepro.typed import Reader

LANGUAGE = {"embedding": {"size": 5}, "network": {"layers": 3, "last": 5, "tied": True}}


def faults(arm: dict, training: dict | None = None) -> str:
    """What is said of an LSTM with these settings and of its training."""
    reader = Reader("file")
    made = Arm(hidden=8, optimiser={"kind": "sgd", "rate": 1.0}, **arm)
    experiment = Experiment(
        title="t",
        seeds=1,
        task={},
        training=Training(batch=2, steps=3, **(training or {})),
        models={"lstm": made},
    )
    checks.check_network(reader, tables.row("model", "lstm"), made, "models.lstm")
    checks.check_training(reader, experiment, made, "models.lstm")
    return "\n".join(reader.faults)


@pytest.mark.parametrize(
    ("arm", "training"),
    [
        ({}, {}),
        (LANGUAGE | {"dropout": {"hidden": 0.3, "recurrent": 0.5}}, {"splits": ["validation"]}),
        ({}, {"schedule": "drop", "milestones": [25], "drop_factor": 10.0}),
        ({}, {"averaging": "nonmonotonic", "splits": ["validation", "test"]}),
    ],
)
def test_what_fits_together_is_no_fault(arm, training):
    assert faults(arm, training) == ""


@pytest.mark.parametrize(
    ("arm", "training", "said"),
    [
        ({"network": {"layer": 2}}, {}, "models.lstm.network.layer: no such argument; did you mean 'layers'"),
        ({"dropout": {"hiden": 0.1}}, {}, "did you mean 'hidden'"),
        ({"readout": {"weight": "zeros"}}, {}, "models.lstm.readout.weight: no such argument"),
        (LANGUAGE | {"network": {"tied": True}}, {}, "set `network.last` or `embedding.size`"),
        ({"dropout": {"output": 1.5}}, {}, "dropout.output is a probability"),
        ({"training": {"clipp": 1.0}}, {}, "models.lstm.training.clipp: unknown key; did you mean 'clip'"),
        ({"training": {"averaging": "always"}}, {}, "unknown value 'always'"),
        ({}, {"milestones": [3]}, "the schedule 'constant' does not read it"),
        ({}, {"schedule": "drop"}, "the schedule 'drop' needs epochs at which to fall"),
        ({}, {"averaging": "nonmonotonic", "splits": ["test"]}, "it follows the validation loss"),
    ],
)
def test_what_does_not_is_said_with_its_place_and_its_mend(arm, training, said):
    assert said in faults(arm, training)
