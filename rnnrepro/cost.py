"""What a cell costs, on paper: optimiser steps, arithmetic, disk, and an estimate of the time on one core or card.

Calibrated on the plain scan of one thread of a shared two-core server processor, with all the runs of a cell in
one stack: a time step of a stack costs a fixed overhead of the interpreter and the arithmetic beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro.tasks.shapes import Shape

# Seconds of overhead a time step, forward and backward, by the number of gates; and arithmetic a second.
_OVERHEAD = {1: 110e-6, 4: 230e-6}
_FLOPS_PER_SECOND = 22e9
_ELEMENTWISE_SECONDS = 2.2e-9  # a state element a gate and a time step, memory traffic included
_MATRIX_FLOPS = {
    "free": 0.0,
    "cayley": 12.0,
    "expm": 130.0,
    "dynamic_expm": 140.0,
    "schur": 150.0,
    "coupled": 25.0,
}
_DEFAULT_MATRIX_FLOPS = 150.0
_BYTES_PER_VALUE = 8


@dataclass(frozen=True)
class Estimate:
    """`steps` of one run; `flops`, `seconds` and `disk_bytes` of all runs of the cell."""

    steps: int
    runs: int
    flops: float
    seconds: float
    disk_bytes: int

    @property
    def total_steps(self) -> int:
        """Optimiser steps of all runs together."""
        return self.steps * self.runs


def estimate(settings: Sequence[Mapping[str, Any]], shape: Shape) -> Estimate:
    """Cost of the runs with these settings, trained as one stack. Dense products count 2·m·n·k, a step 3 passes."""
    first, runs = settings[0], len(settings)
    training, hidden = first["training"], first["model"]["hidden"]
    gates = 4 if first["model"]["update_kind"] == "lstm" else 1
    steps, batch = training["steps"], training["batch"]
    inputs = first["model"]["embedding"]["size"] or shape.inputs
    product = (
        2 * hidden * gates * (hidden + inputs) + 2 * hidden * shape.outputs * shape.readouts / shape.length
    )
    matrix = _MATRIX_FLOPS.get(first["model"]["matrix_kind"], _DEFAULT_MATRIX_FLOPS) * hidden**3
    looks = evaluations(training, shape)
    looked_at = sum(shape.evaluated.get(split, 0) for split in training["splits"])
    trained = steps * batch * shape.length
    flops = runs * (3 * product * trained + steps * matrix + looks * looked_at * product * shape.length)
    elements = runs * hidden * gates * shape.length * (3 * steps * batch + looks * looked_at)
    overhead = _OVERHEAD[gates] * shape.length * (steps + looks * looked_at / 1500)
    parameters = hidden * gates * (hidden + inputs) + hidden * shape.outputs
    rows = steps / training["record_every"] * 2 + looks * 4
    return Estimate(
        steps=steps,
        runs=runs,
        flops=flops,
        seconds=overhead + elements * _ELEMENTWISE_SECONDS / 3 + flops / _FLOPS_PER_SECOND,
        disk_bytes=int(runs * (parameters * 3 * _BYTES_PER_VALUE / 2 + rows * _BYTES_PER_VALUE)),
    )


def evaluations(training: Mapping[str, Any], shape: Shape) -> int:
    """How often a run is evaluated."""
    every = training["evaluate_every"] or shape.steps_per_epoch or training["steps"]
    return -(-training["steps"] // every)
