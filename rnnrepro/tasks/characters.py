"""Predicting the next character of a text, read as contiguous streams (Mikolov et al. 2012)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from rnnrepro.datasets import texts
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch, Task


class Characters(Task):
    """Next character of a text, given all characters before it.

    Each split is cut into contiguous streams side by side (the batch's number for training,
    `evaluation_batch` for the others; the remainder is dropped) and read in chunks of `length` steps, the
    last one shorter. The state is carried from chunk to chunk, and starts from zero at each epoch and
    evaluation. All runs read the same text. `train`, `validation`, `test`: the first so many characters of
    the split, None for all. Guessing costs ln(symbols); bits per character are the cross-entropy over ln 2.
    (nnRNN, supplement A, Penn Treebank.)
    """

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
        train: int | None,
        validation: int | None,
        test: int | None,
    ) -> None:
        """Raises Fault for missing data and for fewer characters than two a stream."""
        data = texts.load(text, self.data)
        self.length = length
        self.input_size = self.output_size = len(data.symbols)
        self.chance = math.log(len(data.symbols))
        self._streams = {
            split: streams_of(torch.from_numpy(data.splits[split][:count]), width, split).to(self.device)
            for split, count, width in (
                ("train", train, self.batch_size),
                ("validation", validation, evaluation_batch),
                ("test", test, evaluation_batch),
            )
        }
        self.steps_per_epoch = self._chunks("train")

    def batch(self, step: int) -> Batch:
        """Chunk `step` of the training text, which starts anew after its last one."""
        return self._chunk("train", step % self.steps_per_epoch)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The chunks of a split in order; the first one resets the state."""
        for index in range(self._chunks(split)):
            yield self._chunk(split, index)

    def _chunks(self, split: str) -> int:
        return math.ceil((len(self._streams[split]) - 1) / self.length)

    def _chunk(self, split: str, index: int) -> Batch:
        """Inputs and targets (S, T, B): one copy of the text, seen by every run."""
        read = self._streams[split]
        start = index * self.length
        end = min(start + self.length, len(read) - 1)
        runs = len(self.seeds)
        inputs, targets = read[start:end].long(), read[start + 1 : end + 1].long()
        return Batch(inputs.expand(runs, -1, -1), targets.expand(runs, -1, -1), reset=index == 0)


def streams_of(text: Tensor, width: int, name: str) -> Tensor:
    """`width` contiguous streams side by side, (n,) -> (n // width, width). Raises Fault below two rows."""
    rows = len(text) // width
    if rows < 2:
        raise Fault(f"characters: {len(text):,} characters of {name} are too few for {width} streams")
    return text[: rows * width].view(width, rows).t().contiguous()
