"""What is known of a task before its data are there: sizes for planning, without torch.

A conformance test holds these numbers to the tasks themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnrepro import tables
from rnnrepro.datasets.identity import required
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.datasets.shipped import python_docs
from rnnrepro.errors import Fault


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`length` T of a training batch, `input_size` D, `output_size` K; `steps_per_epoch`: None for fresh data.

    `evaluated`: {split: time steps summed over its sequences}; `data_sets`: those that must be downloaded.
    """

    length: int
    input_size: int
    output_size: int
    readout_every: bool = False
    steps_per_epoch: int | None = None
    evaluated: Mapping[str, int] = field(default_factory=dict)
    data_sets: list[str] = field(default_factory=list)


def shape(task: Mapping[str, Any], batch: int) -> Shape:
    """The shape of a task (its `kind` and settings) at a batch size. Raises Fault for unknown data sets."""
    settings = {name: value for name, value in task.items() if name != "kind"}
    kind = task["kind"]
    if kind not in _SHAPES:
        raise Fault(f"task {kind}: nothing is known of its sizes; add it to {__name__}")
    return _SHAPES[kind]({**tables.row("task", kind).arguments, **settings}, batch)


def copying_length(settings: Mapping[str, Any]) -> int:
    """T of the copying task: symbols, blanks, cue, blanks."""
    return settings["symbols"] + settings["blanks_before_cue"] + 1 + settings["blanks_after_cue"]


def _copying(settings: Mapping[str, Any], batch: int) -> Shape:
    length = copying_length(settings)
    return Shape(
        length=length, input_size=settings["alphabet"] + 2, output_size=settings["alphabet"] + 1,
        readout_every=True, steps_per_epoch=_epoch(settings["pool"], batch),
        evaluated=_seen(test=settings["test"] * length),
    )


def _adding(settings: Mapping[str, Any], batch: int) -> Shape:
    return Shape(
        length=settings["length"], input_size=2, output_size=1,
        steps_per_epoch=_epoch(settings["pool"], batch),
        evaluated=_seen(test=settings["test"] * settings["length"]),
    )


def _pixels(settings: Mapping[str, Any], batch: int) -> Shape:
    data = DATASETS[required("pixels", settings)[0]]
    length = (data.side // settings["pool_size"]) ** 2
    train, validation, test = settings["train"], settings["validation"], settings["test"]
    if train is None:
        train = data.sizes["train"] - validation
    test = data.sizes["test"] if test is None else min(test, data.sizes["test"])
    return Shape(
        length=length, input_size=1, output_size=data.symbols, steps_per_epoch=_epoch(train, batch),
        evaluated=_seen(validation=validation * length, test=test * length), data_sets=_downloaded("pixels", settings),
    )


def _characters(settings: Mapping[str, Any], batch: int) -> Shape:
    name = required("characters", settings)[0]
    sizes, symbols = DATASETS[name].sizes, DATASETS[name].symbols
    if name == "python_docs":
        sizes = {split: len(text) for split, text in python_docs().items()}
        symbols = len(set().union(*python_docs().values()))
    rows = {
        split: min(size, settings[split] or size) // (batch if split == "train" else settings["evaluation_batch"])
        for split, size in sizes.items()
    }
    return Shape(
        length=settings["length"], input_size=symbols, output_size=symbols, readout_every=True,
        steps_per_epoch=math.ceil((rows["train"] - 1) / settings["length"]),
        evaluated={split: (rows[split] - 1) * settings["evaluation_batch"] for split in ("validation", "test")},
        data_sets=_downloaded("characters", settings),
    )


def _epoch(examples: int | None, batch: int) -> int | None:
    return None if examples is None else max(1, examples // batch)


def _seen(**steps: int) -> dict[str, int]:
    return {split: count for split, count in steps.items() if count}


def _downloaded(kind: str, settings: Mapping[str, Any]) -> list[str]:
    return [name for name in required(kind, settings) if DATASETS[name].files]


_SHAPES: dict[str, Callable[[Mapping[str, Any], int], Shape]] = {
    "copying": _copying, "adding": _adding, "pixels": _pixels, "characters": _characters,
}
