"""The sizes of the tasks whose targets are signals, from their settings, without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rnnrepro.tasks.shapes import Shape


def _periodic(settings: Mapping[str, Any], batch: int) -> Shape:
    length = settings["length"]
    return Shape(
        length=length,
        inputs=0,
        outputs=1,
        readouts=length,
        evaluated={"test": 1},
        evaluation_batch=1,
        entering=1,
    )


def _interval(settings: Mapping[str, Any], batch: int) -> Shape:
    length = settings["first"] + 2 * settings["longest"] + settings["tail"]
    every = settings["test_every"]
    tested = math.ceil((settings["longest"] - settings["shortest"] + 1) / every) if every else 0
    return Shape(
        length=length,
        inputs=1,
        outputs=1,
        readouts=length,
        evaluated={"test": tested} if tested else {},
        evaluation_batch=max(1, tested),
    )


def _reach(settings: Mapping[str, Any], batch: int) -> Shape:
    length = settings["move"] + settings["hold"]
    return Shape(
        length=length,
        inputs=4,
        outputs=2,
        readouts=length,
        evaluated={"test": 4},
        evaluation_batch=1,
        entering=3,
    )


def _reach_sequence(settings: Mapping[str, Any], batch: int) -> Shape:
    length = len(settings["order"]) * (settings["move"] + settings["hold"])
    return Shape(
        length=length,
        inputs=0,
        outputs=2,
        readouts=length,
        evaluated={"test": 1},
        evaluation_batch=1,
    )


def _reach_loop(settings: Mapping[str, Any], batch: int) -> Shape:
    return replace(_reach(settings, batch), evaluated={"test": len(settings["order"])})


SIZES: dict[str, Callable[[Mapping[str, Any], int], Shape]] = {
    "periodic": _periodic,
    "interval": _interval,
    "reach": _reach,
    "reach_sequence": _reach_sequence,
    "reach_loop": _reach_loop,
}
