"""What a cell costs, on paper: optimiser steps, arithmetic, disk, and an estimate of the time on one core or card.

Fitted to the measured seconds a step of 68 cells of all three scales (T 50 to 2,020, N 20 to 512), on one thread of
a shared two-core server processor with the compiled scan; the root mean square error is 12 %. The plain scan takes
two to five times as long. What holds of fewer than eight sequences a step was measured apart, with one to ten of them
(T 60 to 1,600, N 10 to 200, up to nine runs), and is right to a third. What updates with a second product, repeated
steps and drives that filter their inputs cost besides was measured with N = B = T = 64 and one input, and is right to
a third too, and to a tenth with five runs and T = 100. Milliseconds of processor time of such a step of one run: lstm
7.6, momentum_lstm 8.4, restart_lstm 8.1, adam_lstm 16.0, rmsprop_lstm 16.4; momentum_rnn 3.1, adam_rnn 4.9, adam_dtriv
4.6; sbo_sgd 4.0, sbo_shb 4.2, sbo_snag 4.6, fastrnn 3.3, fastgrnn 3.5, antisymmetric 2.8, lipschitz 4.2, indrnn 2.0,
irnn 12.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnnrepro.footprint import memory_mb
from rnnrepro.tasks.shapes import Shape
from rnnrepro.tasks.sizes import shape as shape_of
from rnnrepro.widths import Width, widths

_STEP_SECONDS = 0.12e-3  # an optimiser step of a stack, whatever its size
_TIME_SECONDS = 5.6e-6  # a run and time step, forward and backward
_UNIT_SECONDS = {1: 1.0e-9, 4: 7.9e-9}  # a unit of the state and time step, by the number of gates
_FEW = 8
"""Below so many sequences a time step is cheaper, but products are slower and an optimiser step's calls weigh more."""
_CALLS_SECONDS = 0.9e-3  # more of them in a step, for a single sequence
_OUTPUT_SECONDS = 5.7e-9  # an output, its loss and gradient
_FLOPS_PER_SECOND = 105e9  # of the products
_MATRIX_FLOPS = {
    "free": 0.0,
    "dale": 0.0,
    "cayley": 25.0,
    "coupled": 25.0,
}  # times N³: as long as so much of a product
_DEFAULT_MATRIX_FLOPS = 27.0
_TWO_STAGES = ("bilevel_sgd", "bilevel_shb", "bilevel_snag")  # two products with W a step
_UPDATE_SECONDS = {  # a unit and time step, more than others with as many gates
    **dict.fromkeys(_TWO_STAGES, 3.5e-9),
    "fastrnn": 4e-9,
    "fastgrnn": 4e-9,
    "inner_steps": 2.5e-9,
}
_DRIVE_SECONDS = {"adam": 7e-9, "rmsprop": 7e-9}  # a number that enters the units, besides the product
_FILTER_SECONDS = dict.fromkeys(("momentum", "restart", "descent"), 12e-6)  # a stack's time step, in calls
_REPEATS = {"repeated": "steps"}  # drive and its argument that says how often the scan steps at a time
_MASK_SECONDS = 6e-9  # an entry of W that may be left out: drawn, multiplied, and its gradient
_LARGER_BATCHES = 1.6  # an evaluation is so much slower than its share of a step: its batches leave the cache
_BYTES_PER_VALUE = 8


@dataclass(frozen=True)
class Estimate:
    """`steps` of one run; `flops`, `seconds` and `disk_bytes` of all runs of the cell.

    `memory_mb`: what a job that trains them on a processor may take at its peak, in megabytes.
    """

    steps: int
    runs: int
    flops: float
    seconds: float
    disk_bytes: int
    memory_mb: int = 0

    @property
    def total_steps(self) -> int:
        """Optimiser steps of all runs together."""
        return self.steps * self.runs


def estimate(settings: Sequence[Mapping[str, Any]], shape: Shape, stack: int | None = None) -> Estimate:
    """Cost of the runs with these settings, trained as one stack, later phases included.

    Dense products count 2·m·n·k, a step 3 passes. A phase that trains no network has one pass of one sequence; it is
    counted as a third of a step. `stack`: most runs that memory must hold together, None for as many as are asked for.
    """
    found, training = _estimate(settings, shape), settings[0]["training"]
    for phase in settings[0].get("phases", ()):
        alone = phase["rule"] != {}
        changed = {**training, **{k: phase[k] for k in phase if k in training}}
        later = _estimate(
            [{**settings[0], "training": changed | ({"batch": 1} if alone else {})}] * len(settings),
            shape_of(phase["task"], training["batch"]),
        )
        share = 1 / 3 if alone else 1.0
        found = replace(
            found,
            steps=found.steps + later.steps,
            flops=found.flops + share * later.flops,
            seconds=found.seconds + share * later.seconds,
            disk_bytes=found.disk_bytes + later.disk_bytes,
        )
    return replace(found, memory_mb=memory_mb(settings, shape, stack))


def _estimate(settings: Sequence[Mapping[str, Any]], shape: Shape) -> Estimate:
    """Cost of the experiment's own training."""
    runs, training, model = len(settings), settings[0]["training"], settings[0]["model"]
    layers = widths(model, shape.inputs)
    steps, batch = training["steps"], training["batch"]
    few = min(1.0, batch / _FEW)
    update, drive = model["update_kind"], model["drive_kind"]
    repeats = model["drive"][_REPEATS[drive]] if drive in _REPEATS else 1
    recurrent = repeats * (2 if update in _TWO_STAGES else 1)
    product = sum(2 * layer.columns * (recurrent * layer.rows + layer.inputs) for layer in layers)
    product += 2 * layers[-1].rows * shape.outputs * shape.readouts / shape.length
    matrix = _matrix_flops(model, layers)
    looks = evaluations(training, shape)
    looked_at = sum(shape.evaluated.get(split, 0) for split in training["splits"])
    flops = runs * (
        3 * product * steps * batch * shape.length
        + steps * matrix
        + looks * looked_at * product * shape.length
    )
    units = repeats * sum(
        layer.hidden * (_unit_seconds(layer.columns // layer.hidden) + _UPDATE_SECONDS.get(update, 0.0))
        for layer in layers
    )
    units += sum(layer.columns for layer in layers) * _DRIVE_SECONDS.get(drive, 0.0)
    sequence = shape.length * units + shape.readouts * shape.outputs * _OUTPUT_SECONDS
    sequence += 3 * product * shape.length / (_FLOPS_PER_SECOND * few**0.5)
    step = (
        len(layers) * repeats * shape.length * _TIME_SECONDS * few**1.5
        + batch * sequence
        + matrix / _FLOPS_PER_SECOND
    )
    if model["dropout"]["recurrent"]:
        step += sum(layer.rows * layer.columns for layer in layers) * _MASK_SECONDS
    calls = _STEP_SECONDS + (1 - few) * _CALLS_SECONDS + shape.length * _FILTER_SECONDS.get(drive, 0.0)
    look = looked_at * sequence / 3 * _LARGER_BATCHES
    rows = steps / training["record_every"] * 2 + looks * 4
    return Estimate(
        steps=steps,
        runs=runs,
        flops=flops,
        seconds=steps * calls + runs * (steps * step + looks * look),
        disk_bytes=int(runs * (weights(model, shape) * 3 * _BYTES_PER_VALUE / 2 + rows * _BYTES_PER_VALUE)),
    )


def weights(model: Mapping[str, Any], shape: Shape) -> int:
    """The weights of a network whose matrices are free, without its biases."""
    layers = widths(model, shape.inputs)
    recurrent = sum(layer.columns * (layer.rows + layer.inputs) for layer in layers)
    readout = 0 if model["network"]["tied"] else layers[-1].rows * shape.outputs
    return recurrent + readout + shape.inputs * model["embedding"]["size"]


def _matrix_flops(model: Mapping[str, Any], layers: Sequence[Width]) -> float:
    """What building the matrices of all layers takes, in products; complex ones count as real ones of 2N."""
    each = _MATRIX_FLOPS.get(model["matrix_kind"], _DEFAULT_MATRIX_FLOPS)
    return sum(each * layer.rows**3 for layer in layers)


def _unit_seconds(gates: int) -> float:
    """Of a unit and time step, by the number of gates: between those that were measured, on a line."""
    few, many = min(_UNIT_SECONDS), max(_UNIT_SECONDS)
    slope = (_UNIT_SECONDS[many] - _UNIT_SECONDS[few]) / (many - few)
    return _UNIT_SECONDS[few] + slope * (gates - few)


def evaluations(training: Mapping[str, Any], shape: Shape) -> int:
    """How often a run is evaluated."""
    every = training["evaluate_every"] or shape.steps_per_epoch or training["steps"]
    return -(-training["steps"] // every)
