"""How many runs share a stack: as many as fit into the part of the memory that a job may take.

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

from rnnrepro import footprint, tables
from rnnrepro.footprint import Held
from rnnrepro.scan import chosen
from rnnrepro.tasks.shapes import Shape
from rnnrepro.training import memory
from rnnrepro.updates.base import Update

AUTO = "auto"
Item = TypeVar("Item")


def backend_of(settings: Mapping[str, Any], backend: str, device: torch.device) -> str:
    """The scan that would run these settings: `plain`, `cpu` or `gpu`. Raises Fault as `rnnrepro.scan.chosen`."""
    return chosen(backend, _update(settings), torch.empty(1, 1, 1, device=device))


def bytes_of_run(settings: Mapping[str, Any], shape: Shape, backend: str) -> int:
    """About how much memory a run takes at the most in any of its phases, as `rnnrepro.footprint` counts it."""
    floats = held(_update(settings))
    return footprint.bytes_of_phases(settings, shape, fused=backend != "plain", held=floats)


def held(update: Update) -> Held:
    """What an update's stages and state hold, as `rnnrepro.footprint.HELD` has it for those of the package."""
    arriving = sum(len(stage.inputs) for stage in update.stages)
    saved = sum(len(stage.saves) for stage in update.stages)
    middle = update.gates if len(update.stages) == 2 else 0
    return Held(arriving, sum(len(names) for names in update.state) + saved + middle)


def most(settings: Mapping[str, Any], shape: Shape, backend: str, device: torch.device) -> int:
    """How many runs of these settings may share a stack, at least 1."""
    return max(1, int(memory.usable(device) / bytes_of_run(settings, shape, backend)))


def even(items: Sequence[Item], size: int) -> list[list[Item]]:
    """`items` in order, in the fewest parts of at most `size`, as equal as can be."""
    count = -(-len(items) // size)
    bounds = [len(items) * i // count for i in range(count + 1)]
    return [list(items[a:b]) for a, b in pairwise(bounds)]


def _update(settings: Mapping[str, Any]) -> Update:
    return tables.load("update", settings["model"]["update_kind"])(**settings["model"]["update"])
