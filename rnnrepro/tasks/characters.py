"""Predicting the next symbol of a text, read as contiguous streams (Mikolov et al. 2012)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor

from rnnrepro.datasets import texts
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.windows import Window, Windows


class Characters(Task):
    """Next character of a text, given all characters before it.

    Each split is cut into contiguous streams side by side (the batch's number for training,
    `evaluation_batch` for the others, or `test_batch` for the test; the remainder is dropped) and read in windows of
    `length` steps, the last one shorter. `vary_length` draws those of training anew in each epoch and scales the
    step's rates by their length (`rnnrepro.tasks.windows`). The state is carried from window to window, and starts
    from zero at each epoch and evaluation. All runs read the same text. `train`, `validation`, `test`: the first so
    many symbols of the split, None for all. Guessing costs ln(symbols); bits per symbol are the cross-entropy over
    ln 2. (nnRNN, supplement A, Penn Treebank; Merity, Keskar and Socher 2018.)
    """

    holds: ClassVar[str] = "characters"
    index_inputs = True
    readout_every = True
    carries_state = True
    metrics = ("cross_entropy", "bpc", "accuracy")
    evaluation_splits = ("validation", "test")

    def prepare(
        self,
        *,
        text: str,
        length: int,
        evaluation_batch: int,
        test_batch: int | None,
        vary_length: bool,
        train: int | None,
        validation: int | None,
        test: int | None,
    ) -> None:
        """Raises Fault for missing data and for fewer symbols than two a stream."""
        data = texts.load(text, self.data, self.holds)
        self.input_size = self.output_size = len(data.symbols)
        self.chance = math.log(len(data.symbols))
        self._streams = {
            split: self._streams_of(torch.from_numpy(data.splits[split][:count]), width, split)
            for split, count, width in (
                ("train", train, self.batch_size),
                ("validation", validation, evaluation_batch),
                ("test", test, test_batch or evaluation_batch),
            )
        }
        self._windows = {
            split: Windows(len(read) - 1, length, vary_length and split == "train")
            for split, read in self._streams.items()
        }
        self.steps_per_epoch = self._windows["train"].steps_per_epoch

    def batch(self, step: int) -> Batch:
        """Window `step` of the training text, which starts anew after its last one."""
        return self._read("train", self._windows["train"].window(step))

    def epochs(self, steps: int) -> int:
        """How often the text has been read to its end after so many steps."""
        return self._windows["train"].epochs(steps)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The windows of a split in order; the first one resets the state."""
        windows = self._windows[split]
        for index in range(windows.steps_per_epoch):
            yield self._read(split, windows.window(index))

    def _read(self, split: str, window: Window) -> Batch:
        """Inputs and targets (S, T, B): one copy of the text, seen by every run."""
        read = self._streams[split][window.start : window.start + window.length + 1].long()
        inputs, targets = (part.expand(len(self.seeds), -1, -1) for part in (read[:-1], read[1:]))
        return Batch(inputs, targets, reset=window.start == 0, pace=window.pace)

    def _streams_of(self, text: Tensor, width: int, name: str) -> Tensor:
        """`width` contiguous streams side by side, (n,) -> (n // width, width). Raises Fault below two rows."""
        rows = len(text) // width
        if rows < 2:
            raise Fault(f"{self.holds}: {len(text):,} {self.holds} of {name} are too few for {width} streams")
        kept = text[: rows * width].view(width, rows).t().contiguous()
        # PyTorch does little with unsigned integers of two bytes, and less on a GPU.
        return (kept.int() if kept.dtype == torch.uint16 else kept).to(self.device)
