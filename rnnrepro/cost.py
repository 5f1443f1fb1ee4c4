"""What a cell costs, on paper: optimiser steps, arithmetic, disk, and an estimate of the time on one core or card.

Fitted to the measured seconds a step of 68 cells of all three scales (T 50 to 2,020, N 20 to 512), on one thread of
a shared two-core server processor with the compiled scan; the root mean square error is 12 %. The plain scan takes
two to five times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro.tasks.shapes import Shape

_STEP_SECONDS = 0.12e-3  # an optimiser step of a stack, whatever its size
_TIME_SECONDS = 5.6e-6  # a run and time step, forward and backward
_UNIT_SECONDS = {1: 1.0e-9, 4: 7.9e-9}  # a unit of the state and time step, by the number of gates
_OUTPUT_SECONDS = 5.7e-9  # an output, its loss and gradient
_FLOPS_PER_SECOND = 105e9  # of the products
_MATRIX_FLOPS = {"free": 0.0, "cayley": 25.0, "coupled": 25.0}  # times N³: as long as so much of a product
_DEFAULT_MATRIX_FLOPS = 27.0
_LARGER_BATCHES = 1.6  # an evaluation is so much slower than its share of a step: its batches leave the cache
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
    flops = runs * (
        3 * product * steps * batch * shape.length
        + steps * matrix
        + looks * looked_at * product * shape.length
    )
    sequence = shape.length * hidden * _UNIT_SECONDS[gates] + shape.readouts * shape.outputs * _OUTPUT_SECONDS
    sequence += 3 * product * shape.length / _FLOPS_PER_SECOND
    step = shape.length * _TIME_SECONDS + batch * sequence + matrix / _FLOPS_PER_SECOND
    look = looked_at * sequence / 3 * _LARGER_BATCHES
    parameters = hidden * gates * (hidden + inputs) + hidden * shape.outputs
    rows = steps / training["record_every"] * 2 + looks * 4
    return Estimate(
        steps=steps,
        runs=runs,
        flops=flops,
        seconds=steps * _STEP_SECONDS + runs * (steps * step + looks * look),
        disk_bytes=int(runs * (parameters * 3 * _BYTES_PER_VALUE / 2 + rows * _BYTES_PER_VALUE)),
    )


def evaluations(training: Mapping[str, Any], shape: Shape) -> int:
    """How often a run is evaluated."""
    every = training["evaluate_every"] or shape.steps_per_epoch or training["steps"]
    return -(-training["steps"] // every)
