"""How many runs share a stack: as many as half of the free memory holds.

On a card more runs cost little more until it is full. On a processor the compiled scan takes one run after the
other and only the work beside it is shared: in a stack of ten a run was measured to cost 0.4 (adding, N = 52) to 0.97
(pixels, N = 28) of what it costs alone, and in one of thirty about the same. So the largest stack that fits is the
cheapest on both, and memory alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch

from rnnrepro import tables
from rnnrepro.scan import chosen
from rnnrepro.tasks.shapes import Shape
from rnnrepro.training import memory
from rnnrepro.updates.base import Update
from rnnrepro.widths import Width, widths

AUTO = "auto"
SHARE = 0.5
"""Of the free memory; the rest is for other jobs, for data and for what the estimate leaves out."""

_FLOAT = 4
_SEQUENCES_OF_ANALYSES = 32
_OF_MATRIX = (
    30  # floats an entry of W: slots, gradients, and what building it keeps, partly in double precision
)
_OF_PARAMETER = 8  # floats an entry of a parameter: gradients, slots, what dropout leaves of it, an average
_BETWEEN = 3  # floats a feature between two layers: what dropout leaves of it, gradients
_OF_OUTPUTS = 4  # floats an output: scores, powers, gradients

Item = TypeVar("Item")


def backend_of(settings: Mapping[str, Any], backend: str, device: torch.device) -> str:
    """The scan that would run these settings: `plain`, `cpu` or `gpu`. Raises Fault as `rnnrepro.scan.chosen`."""
    return chosen(backend, _update(settings), torch.empty(1, 1, 1, device=device))


def bytes_of_run(settings: Mapping[str, Any], shape: Shape, backend: str) -> int:
    """About how much memory a run takes at the most while it trains: a step, an evaluation or an analysis.

    Right to a factor of two, which a test holds it to.
    """
    training, model = settings["training"], settings["model"]
    update, layers, fused = _update(settings), widths(model, shape.inputs), backend != "plain"
    each = [layer is not layers[-1] or shape.readouts > 1 for layer in layers]  # whose outputs are all kept
    stepped = _stepped(update, layers, fused, each)
    entering = 3 * layers[0].inputs if model["embedding"]["size"] else shape.entering
    between = sum(_BETWEEN * layer.inputs for layer in layers[1:])
    read = _OF_OUTPUTS * shape.outputs * shape.readouts / shape.length
    train = shape.length * training["batch"] * (stepped + entering + between + read)
    forward = max(
        layer.rows + layer.columns if not fused or every else 2
        for layer, every in zip(layers, each, strict=True)
    )
    looked_at = shape.length * shape.evaluation_batch * (forward + entering + between / _BETWEEN + read)
    kept = _stepped(update, layers, False, [True] * len(layers))
    analysed = shape.length * _SEQUENCES_OF_ANALYSES * kept if settings["analyses"] else 0
    most_at_once = max(train, looked_at if training["splits"] else 0, analysed)
    return int(_FLOAT * (most_at_once + _of_weights(model, layers, shape))) + shape.pool_bytes


def _of_weights(model: Mapping[str, Any], layers: Sequence[Width], shape: Shape) -> int:
    """Floats of the weights, and of what is made of them: gradients, slots of the optimiser, masks."""
    stored = tables.load("matrix", model["matrix_kind"]).rectangular  # W is a parameter as it is
    each = _OF_PARAMETER if stored else _OF_MATRIX
    matrices = sum(layer.columns * (each * layer.rows + _OF_PARAMETER * layer.inputs) for layer in layers)
    table = _OF_PARAMETER * shape.inputs * model["embedding"]["size"]
    return matrices + table + (0 if model["network"]["tied"] else 4 * layers[-1].rows * shape.outputs)


def most(settings: Mapping[str, Any], shape: Shape, backend: str, device: torch.device) -> int:
    """How many runs of these settings may share a stack, at least 1."""
    return max(1, int(SHARE * memory.free(device) / bytes_of_run(settings, shape, backend)))


def even(items: Sequence[Item], size: int) -> list[list[Item]]:
    """`items` in order, in the fewest parts of at most `size`, as equal as can be."""
    count = -(-len(items) // size)
    bounds = [len(items) * i // count for i in range(count + 1)]
    return [list(items[a:b]) for a, b in pairwise(bounds)]


def _update(settings: Mapping[str, Any]) -> Update:
    return tables.load("update", settings["model"]["update_kind"])(**settings["model"]["update"])


def _stepped(update: Update, layers: Sequence[Width], fused: bool, each: Sequence[bool]) -> int:
    """Floats a step of a sequence that all layers hold: what is kept of each, and the gradients of one at a time."""
    kept = sum(
        _scanned(update, fused, every) * layer.hidden for layer, every in zip(layers, each, strict=True)
    )
    backward = 0 if fused else 2 * sum(len(stage.inputs) for stage in update.stages) + 2
    hidden = [layer.hidden for layer in layers]
    return kept - backward * (sum(hidden) - max(hidden))


def _scanned(update: Update, fused: bool, every: bool) -> int:
    """Floats a unit and a step of a sequence that a forward and a backward pass hold.

    The fused scans keep the state and what the stages save, and the gradient that arrives. Autograd keeps about five
    arrays for each that comes from a product, and the gradients of the outputs and of z.
    """
    arriving = sum(len(stage.inputs) for stage in update.stages)
    if not fused:
        return 5 * arriving + 3
    parts = sum(len(names) for names in update.state)
    middle = update.gates if len(update.stages) == 2 else 0
    return parts + sum(len(stage.saves) for stage in update.stages) + middle + (2 if every else 0)
