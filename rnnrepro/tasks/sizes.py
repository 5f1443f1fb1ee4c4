"""The sizes of every task for planning, without torch: those that `shapes` knows, and of the tasks that came later.

A change of `shapes` would train every network on speech anew, since that task reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnnrepro import tables
from rnnrepro.datasets.provenance import required
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.tasks import shapes, signal_sizes
from rnnrepro.tasks.shapes import Shape
from rnnrepro.tasks.shares import shares


def shape(task: Mapping[str, Any], batch: int) -> Shape:
    """The shape of a task (its `kind` and settings) at a batch size. Raises Fault for unknown tasks and data sets."""
    kind = task["kind"]
    if kind not in _SIZES:
        return shapes.shape(task, batch)
    settings = {name: value for name, value in task.items() if name != "kind"}
    return _SIZES[kind]({**tables.row("task", kind).arguments, **settings}, batch)


def _activity(settings: Mapping[str, Any], batch: int) -> Shape:
    data = DATASETS[required("activity", settings)[0]]
    train, held_out = shares(data.sizes["train"], settings["fraction"], settings["validation"])
    evaluated = {"validation": held_out, "test": data.sizes["test"]}
    return Shape(
        length=data.steps,
        inputs=9,
        outputs=settings["classes"],
        steps_per_epoch=max(1, train // batch),
        evaluated={split: count for split, count in evaluated.items() if count},
        entering=9,
    )


_SIZES: dict[str, Callable[[Mapping[str, Any], int], Shape]] = {"activity": _activity, **signal_sizes.SIZES}
