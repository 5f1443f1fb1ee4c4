"""The updates that every form of the scan is tried with: all rows of the table, and those of the contract's corners."""

from __future__ import annotations

import pytest

from rnnrepro import tables
from rnnrepro.conformance.samples import SAMPLES
from rnnrepro.updates.base import Update

# What a row's defaults would hide: a bias of 0.01, a step of 0.001.
ARGUMENTS: dict[str, dict] = {
    "modrelu": {"bias": "normal(0.3)"},
    "complex_modrelu": {"bias": "normal(0.3)"},
    "lstm": {"forget_offset": 0.7},
    "leaky_tanh": {"tau": 2.5},
    "bilevel_sgd": {"eta": 0.3, "alpha": 0.9},
    "bilevel_shb": {"eta": 0.2, "alpha": 0.9},
    "bilevel_snag": {"eta": 0.2, "alpha": 0.9},
    "fastrnn": {"write": -1.0, "keep": 1.0},
    "fastgrnn": {"nu": -1.0, "gate_bias": "normal(0.5)", "update_bias": "normal(0.5)"},
    "euler_tanh": {"step": 0.4},
}
NAMES = (*tables.UPDATES, *SAMPLES)


def named(name: str) -> Update:
    return SAMPLES[name]() if name in SAMPLES else tables.load("update", name)(**ARGUMENTS.get(name, {}))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `update` runs for every update; one that is given its name runs for those that it lists."""
    listed = any("update" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "update" in metafunc.fixturenames and not listed:
        metafunc.parametrize("update", NAMES, indirect=True)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> Update:
    return named(request.param)
