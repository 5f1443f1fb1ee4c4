"""What is known of a task before its data are there: sizes for planning, without torch.

A conformance test holds these numbers to the tasks themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rnnrepro import tables
from rnnrepro.datasets.provenance import required
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.datasets.shipped import python_docs
from rnnrepro.errors import Fault
from rnnrepro.tasks.windows import Windows

SPEECH_SPLITS = ("train", "dev", "core")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a task: `length` T of a batch, `inputs` D, `outputs` K, `readouts` of a sequence (T or 1).

    `steps_per_epoch`: None for data without an end (of the first epoch, where `windows` vary); `evaluated`: {split:
    sequences of `length` steps}, at most `evaluation_batch` of them at a time; `pool_bytes`: what a run keeps of data
    of its own; `entering`: numbers of a sequence's inputs and targets a step, two where they are indices or one
    feature.
    """

    length: int
    inputs: int
    outputs: int
    readouts: int = 1
    steps_per_epoch: int | None = None
    windows: Windows | None = None
    evaluated: Mapping[str, int] = field(default_factory=dict)
    evaluation_batch: int = 500
    pool_bytes: int = 0
    entering: int = 2

    def steps(self, epochs: int) -> int | None:
        """The steps of so many epochs; None for data without an end."""
        if self.windows is not None:
            return self.windows.steps(epochs)
        return self.steps_per_epoch and epochs * self.steps_per_epoch


def shape(task: Mapping[str, Any], batch: int) -> Shape:
    """The shape of a task (its `kind` and settings) at a batch size. Raises Fault for unknown data sets."""
    settings = {name: value for name, value in task.items() if name != "kind"}
    kind = task["kind"]
    if kind not in _SHAPES:
        raise Fault(f"task {kind}: nothing is known of its sizes; add it to {__name__}")
    return _SHAPES[kind]({**tables.row("task", kind).arguments, **settings}, batch)


def _copying(settings: Mapping[str, Any], batch: int) -> Shape:
    length = settings["symbols"] + settings["blanks_before_cue"] + 1 + settings["blanks_after_cue"]
    return Shape(
        length=length,
        inputs=settings["alphabet"] + 2,
        outputs=settings["alphabet"] + 1,
        readouts=length,
        steps_per_epoch=_epoch(settings["pool"], batch),
        evaluated=_seen(test=settings["test"]),
        evaluation_batch=100,
        pool_bytes=(settings["pool"] or 0) * settings["symbols"],
    )


def _adding(settings: Mapping[str, Any], batch: int) -> Shape:
    return Shape(
        length=settings["length"],
        inputs=2,
        outputs=1,
        steps_per_epoch=_epoch(settings["pool"], batch),
        evaluated=_seen(test=settings["test"]),
        pool_bytes=(settings["pool"] or 0) * (4 * settings["length"] + 16),
    )


def _pixels(settings: Mapping[str, Any], batch: int) -> Shape:
    data = DATASETS[required("pixels", settings)[0]]
    length = (data.side // settings["pool_size"]) ** 2
    validation = settings["validation"]
    train = _at_most(settings["train"], data.sizes["train"] - validation)
    test = _at_most(settings["test"], data.sizes["test"])
    return Shape(
        length=length,
        inputs=1,
        outputs=data.symbols,
        steps_per_epoch=_epoch(train, batch),
        evaluated=_seen(validation=validation, test=test),
    )


def _text(kind: str, settings: Mapping[str, Any], batch: int) -> Shape:
    name = required(kind, settings)[0]
    sizes, symbols = DATASETS[name].sizes, DATASETS[name].symbols
    if not sizes:  # it ships with Python, and its versions differ
        sizes = {split: len(text) for split, text in python_docs().items()}
        symbols = len(set().union(*python_docs().values()))
    looks = settings["evaluation_batch"]
    width = {"train": batch, "validation": looks, "test": settings["test_batch"] or looks}
    predicted = {split: _at_most(settings[split], size) // width[split] - 1 for split, size in sizes.items()}
    windows = Windows(max(1, predicted["train"]), settings["length"], settings["vary_length"])
    return Shape(
        length=settings["length"],
        inputs=symbols,
        outputs=symbols,
        readouts=settings["length"],
        steps_per_epoch=windows.steps_per_epoch,
        windows=windows,
        evaluation_batch=max(width["validation"], width["test"]),
        evaluated={
            split: math.ceil(predicted[split] * width[split] / settings["length"])
            for split in ("validation", "test")
        },
    )


def _speech(settings: Mapping[str, Any], batch: int) -> Shape:
    data = DATASETS[required("speech", settings)[0]]
    every = settings["drop_sa"] == "sentences" and "train_all_speakers" in data.sizes
    there = {**data.sizes, "train": data.sizes["train_all_speakers" if every else "train"]}
    counts = {split: _at_most(settings[split], there[split]) for split in SPEECH_SPLITS}
    lengths = {
        split: frame_count(data.longest[split], data.sample_rate, **_only(settings, "rate", "window", "hop"))
        for split in SPEECH_SPLITS
    }
    shift = 1 if settings["alignment"] == "prediction" else 0
    lengths = {split: _at_most(settings["frames"], length) - shift for split, length in lengths.items()}
    bins = settings["window"] // 2 + 1
    return Shape(
        length=lengths["train"],
        inputs=bins,
        outputs=bins,
        readouts=lengths["train"],
        steps_per_epoch=_epoch(counts["train"], batch),
        evaluation_batch=50,
        evaluated=_seen(
            **{s: math.ceil(counts[s] * lengths[s] / lengths["train"]) for s in SPEECH_SPLITS if s != "train"}
        ),
        entering=2 * bins,
    )


def frame_count(samples: int, sample_rate: int, *, rate: int, window: int, hop: int) -> int:
    """Frames of an utterance: resampled to `rate`, filled up to a multiple of `hop`, a window of zeros at both ends."""
    filled = -(-math.ceil(samples * rate / sample_rate) // hop) * hop
    return 1 + (filled + window) // hop


def _only(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names}


def _at_most(count: int | None, there: int) -> int:
    return there if count is None else min(count, there)


def _epoch(examples: int | None, batch: int) -> int | None:
    return None if examples is None else max(1, examples // batch)


def _seen(**sequences: int) -> dict[str, int]:
    return {split: count for split, count in sequences.items() if count}


_SHAPES: dict[str, Callable[[Mapping[str, Any], int], Shape]] = {
    "copying": _copying,
    "adding": _adding,
    "pixels": _pixels,
    "characters": partial(_text, "characters"),
    "words": partial(_text, "words"),
    "speech": _speech,
}
