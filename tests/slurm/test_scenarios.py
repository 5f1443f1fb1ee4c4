"""The pipeline on a real SLURM of one node: whatever happens, the rows of a local run, and nothing trained twice."""

from __future__ import annotations

import pytest

from .scenarios import SCENARIOS

pytestmark = pytest.mark.slurm


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(stage, scenario):
    assert stage.outcome(scenario)
