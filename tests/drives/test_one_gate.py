"""The affine drive that reaches one of several gates."""

from __future__ import annotations

import pytest
import torch

from rnnrepro.drives.affine import Affine
from rnnrepro.drives.one_gate import OneGate
from rnnrepro.errors import Fault

RUNS, TIME, BATCH, INPUTS, UNITS = 2, 4, 3, 5, 6


def generators() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(RUNS)]


@pytest.mark.parametrize("gate", [0, 1, 2])
@pytest.mark.parametrize("bias", [None, "normal(0.3)"])
def test_it_is_an_affine_drive_in_the_columns_of_its_gate_and_nothing_beside(gate: int, bias: str) -> None:
    settings = {"generators": generators(), "init": "fan_in_uniform", "bias": bias, "dtype": torch.float64}
    ours = OneGate(INPUTS, UNITS, 3 * UNITS, gate=gate, **settings)
    theirs = Affine(INPUTS, UNITS, UNITS, **settings | {"generators": generators()})
    assert sum(p[0].numel() for p in ours.parameters()) == INPUTS * UNITS + (UNITS if bias else 0)
    for x in (
        torch.randn(RUNS, TIME, BATCH, INPUTS, dtype=torch.float64),
        torch.randint(INPUTS, (RUNS, TIME, BATCH)),
    ):
        z, state = ours(x)
        assert (
            z.shape == (RUNS, TIME, BATCH, 3 * UNITS) and state == () and (z.bias is None) == (bias is None)
        )
        parts = z.dense().chunk(3, dim=-1)
        torch.testing.assert_close(parts[gate], theirs(x)[0].dense())
        assert not any(part.any() for k, part in enumerate(parts) if k != gate)


@pytest.mark.parametrize("gate", [-1, 2, True])
def test_a_gate_that_is_not_there_is_a_fault(gate: int) -> None:
    with pytest.raises(Fault, match="from 0 to 1, for the update has 2; not"):
        OneGate(INPUTS, UNITS, 2 * UNITS, gate=gate, generators=generators())
