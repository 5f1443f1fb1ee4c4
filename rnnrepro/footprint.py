"""How much memory a training takes, from settings alone: without torch, for the plan and for the job itself.

What a run holds is counted in floats. A process holds besides what PyTorch, numba and compiling take, and the data
set once. Held to the measured peaks of the cells of two scales (`tests/test_footprint.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnrepro import tables
from rnnrepro.tasks.shapes import Shape
from rnnrepro.tasks.sizes import shape as shape_of
from rnnrepro.widths import Width, widths

PROCESS_MB = 650
"""A process on a processor that has compiled its scan; 440 to 540 were measured, with a build without CUDA."""

STACKS_MB = 8000
"""The most that is asked for on account of runs trained together; one run alone may need more."""

_MARGIN = 1.5  # asked for above what is counted: what an allocator keeps, and what the count leaves out
_FLOAT = 4
_SEQUENCES_OF_ANALYSES = 32
_OF_MATRIX = (
    30  # floats an entry of W: slots, gradients, and what building it keeps, partly in double precision
)
_OF_PARAMETER = 8  # floats an entry of a parameter: gradients, slots, what dropout leaves of it, an average
_BETWEEN = 3  # floats a feature between two layers: what dropout leaves of it, gradients
_OF_OUTPUTS = 6  # floats an output: scores, powers, gradients
_OF_DRIVE = dict.fromkeys(
    ("adam", "rmsprop"), 6
)  # floats a column, of drives that normalise what they pass on
_REPEATS = {"repeated": "steps"}  # drive and its argument that says how often the scan steps at a time
RECTANGULAR = ("free", "dale", "lipschitz")
"""Matrices whose W is a parameter as it is."""


@dataclass(frozen=True)
class Held:
    """Floats of a unit and a step: that arrive from products, and that a fused scan keeps for the way back."""

    arriving: int
    kept: int

    def floats(self, fused: bool, every: bool) -> int:
        """What a forward and a backward pass hold, where `every` output is kept or the last alone.

        The fused scans keep the state and what the stages save, and the gradient that arrives. Autograd keeps about
        five arrays for each that comes from a product, and the gradients of the outputs and of z.
        """
        return self.kept + (2 if every else 0) if fused else 5 * self.arriving + 3

    @property
    def backward(self) -> int:
        """Gradients among those of `floats` that autograd has of one layer at a time."""
        return 2 * self.arriving + 2


HELD = {
    "modrelu": Held(1, 1),
    "complex_modrelu": Held(2, 4),
    "tanh": Held(1, 1),
    "relu": Held(1, 1),
    "elu": Held(1, 1),
    "leaky_tanh": Held(1, 2),
    "lstm": Held(4, 8),
    "bilevel_sgd": Held(2, 4),
    "bilevel_shb": Held(2, 6),
    "bilevel_snag": Held(2, 6),
    "fastrnn": Held(1, 3),
    "fastgrnn": Held(1, 4),
    "euler_tanh": Held(1, 2),
    "lipschitz": Held(2, 2),
    "inner_steps": Held(1, 6),
    "restart_lstm": Held(4, 16),
}
"""By update; a test holds the table to the updates themselves."""


def held(update: str) -> Held:
    """Of an update of the tables; of a plugin's, which is not loaded to plan it, a guess by its gates."""
    gates = tables.row("update", update).gates
    return HELD.get(update, Held(2 * gates, 3 * gates + 2))


def bytes_of_run(settings: Mapping[str, Any], shape: Shape, *, fused: bool, held: Held) -> int:
    """About how much memory a run takes at the most while it trains: a step, an evaluation or an analysis.

    `fused`: a compiled scan runs it. Right to a factor of two, which a test holds it to.
    """
    training, model = settings["training"], settings["model"]
    layers = widths(model, shape.inputs)
    each = [layer is not layers[-1] or shape.readouts > 1 for layer in layers]  # whose outputs are all kept
    repeats = model["drive"][_REPEATS[model["drive_kind"]]] if model["drive_kind"] in _REPEATS else 1
    driven = _OF_DRIVE.get(model["drive_kind"], 0) * sum(layer.columns for layer in layers)
    entering = 3 * layers[0].inputs if model["embedding"]["size"] else shape.entering
    between = sum(_BETWEEN * layer.inputs for layer in layers[1:])
    read = _OF_OUTPUTS * shape.outputs * shape.readouts / shape.length
    stepped = repeats * _stepped(held, layers, fused, each)
    train = shape.length * training["batch"] * (stepped + driven + entering + between + read)
    forward = repeats * max(
        layer.rows + layer.columns if not fused or every else 2
        for layer, every in zip(layers, each, strict=True)
    )
    looked_at = (forward + driven + entering + between / _BETWEEN + read) * shape.evaluation_batch
    kept = repeats * _stepped(held, layers, False, [True] * len(layers)) + driven
    analysed = min(_SEQUENCES_OF_ANALYSES, training["batch"]) * kept if settings.get("analyses") else 0
    most = max(train, shape.length * max(looked_at if training["splits"] else 0, analysed))
    return int(_FLOAT * (most + _of_weights(model, layers, shape))) + shape.pool_bytes


def bytes_of_phases(settings: Mapping[str, Any], shape: Shape, *, fused: bool, held: Held) -> int:
    """The same of the phase that takes the most, with the data that every phase keeps: all are there from the start."""
    training = settings["training"]
    each = [(settings, shape)]
    for phase in settings.get("phases", ()):
        changed = {**training, **{name: phase[name] for name in phase if name in training}}
        each.append(({**settings, "training": changed}, shape_of(phase["task"], training["batch"])))
    most = max(bytes_of_run(one, of, fused=fused, held=held) - of.pool_bytes for one, of in each)
    return most + sum(of.pool_bytes for _, of in each)


def memory_mb(settings: Sequence[Mapping[str, Any]], shape: Shape, stack: int | None = None) -> int:
    """Megabytes (1e6) for a job that trains these runs on a processor: `stack` together, or all that fit.

    A number that the user chose is trained whatever it takes, so it is asked for beyond `STACKS_MB` too.

    Meant to be above what the job takes, and rarely more than twice as much.
    """
    first = settings[0]
    batch, floats = first["training"]["batch"], held(first["model"]["update_kind"])
    shapes = [shape, *(shape_of(phase["task"], batch) for phase in first.get("phases", ()))]
    each = _MARGIN * bytes_of_phases(first, shape, fused=True, held=floats)
    together = min(len(settings), stack or max(1, int(STACKS_MB * 1e6 / each)))
    data = max(data_bytes(batch, of) for of in shapes)
    return int(PROCESS_MB + (data + together * each) / 1e6) + 1


def data_bytes(batch: int, shape: Shape) -> int:
    """What a task keeps of its data set: numbers of four bytes, of sequences that are not drawn afresh."""
    sequences = (shape.steps_per_epoch or 0) * batch + sum(shape.evaluated.values())
    return _FLOAT * sequences * shape.length * shape.entering


def _of_weights(model: Mapping[str, Any], layers: Sequence[Width], shape: Shape) -> int:
    """Floats of the weights, and of what is made of them: gradients, slots of the optimiser, masks."""
    each = _OF_PARAMETER if model["matrix_kind"] in RECTANGULAR else _OF_MATRIX
    matrices = sum(layer.columns * (each * layer.rows + _OF_PARAMETER * layer.inputs) for layer in layers)
    table = _OF_PARAMETER * shape.inputs * model["embedding"]["size"]
    return matrices + table + (0 if model["network"]["tied"] else 4 * layers[-1].rows * shape.outputs)


def _stepped(held: Held, layers: Sequence[Width], fused: bool, each: Sequence[bool]) -> int:
    """Floats a step of a sequence that all layers hold: what is kept of each, and the gradients of one at a time."""
    kept = sum(held.floats(fused, every) * layer.hidden for layer, every in zip(layers, each, strict=True))
    hidden = [layer.hidden for layer in layers]
    return kept - (0 if fused else held.backward) * (sum(hidden) - max(hidden))
