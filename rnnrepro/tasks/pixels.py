"""Images read one pixel a step (Le, Jaitly and Hinton 2015), plain or in a fixed random order."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnnrepro.datasets import images as image_data
from rnnrepro.errors import Fault, nearest
from rnnrepro.tasks.base import Batch, Task
from rnnrepro.tasks.visits import Visits

EVALUATION_BATCH = 500
SPLITS = ("validation_last", "validation_first", "drawn")
PER_SEED = "per_seed"


class Pixels(Task):
    """The class of an image after its last pixel; grey levels in [0, 1], row by row, one a step.

    `images`: the data set; `pool_size`: images are averaged over squares of so many pixels a side first;
    `permutation`: seed of numpy's RandomState whose permutation of the pixels is the reading order, None:
    plain, `per_seed`: the run's own seed, so that the order differs from seed to seed. `split` of the training
    images: `validation_last` and `validation_first` (the TensorFlow tutorial's loader, with 5,000) keep the data
    set's order; `drawn` takes the next permutation of the generator that drew the pixels' order, the last being
    validation (nnRNN's code: RandomState(1234), 50,000 and 10,000).
    `train`, `validation`, `test`: numbers of images, None for all there are. `reshuffle`: whether a run
    visits its training images in a new order each epoch. Guessing costs ln(classes).
    """

    input_size = 1
    per_run = ("_orders",)

    def prepare(
        self,
        *,
        images: str,
        pool_size: int,
        permutation: int | str | None,
        split: str,
        train: int | None,
        validation: int,
        test: int | None,
        reshuffle: bool,
    ) -> None:
        """Raises Fault for missing data, contradictory settings, and more images than there are."""
        if split not in SPLITS:
            raise Fault(f"pixels: unknown split {split!r}{nearest(split, SPLITS)}")
        data = image_data.load(images, self.data)
        levels, test_levels = pooled(data.train, pool_size), pooled(data.test, pool_size)
        order, chosen = _orders(levels.shape, permutation, drawn=split == "drawn")
        self._orders = self._own_orders(levels.shape[1]) if permutation == PER_SEED else None
        places = _parts(len(levels), train, validation, first=split == "validation_first")
        rows = {
            "train": (levels, data.train_classes, chosen[places[0]]),
            "validation": (levels, data.train_classes, chosen[places[1]]),
            "test": (test_levels, data.test_classes, np.arange(len(test_levels))[:test]),
        }
        self._images = {name: self._on_device(x[which][:, order]) for name, (x, _, which) in rows.items()}
        self._classes = {name: self._on_device(y[which]).long() for name, (_, y, which) in rows.items()}
        self._white = data.white * pool_size**2
        self.output_size = int(data.train_classes.max()) + 1
        self.chance = math.log(self.output_size)
        self.evaluation_splits = tuple(name for name in ("validation", "test") if len(rows[name][2]))
        count = len(rows["train"][2])
        self._visits = Visits("pixels", count=count, batch=self.batch_size, reshuffle=reshuffle)
        self.steps_per_epoch = max(1, count // self.batch_size)

    def batch(self, step: int) -> Batch:
        """The training images of `step`."""
        return self._sequences("train", self._visits.at(step, self.seeds).to(self.device))

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The images of a split in chunks, the same for all runs."""
        every = torch.arange(len(self._classes[split]), device=self.device)
        for chunk in every.split(EVALUATION_BATCH):
            yield self._sequences(split, chunk.expand(len(self.seeds), -1))

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _own_orders(self, pixels: int) -> Tensor:
        """Each run's reading order, (S, 1, P) int64."""
        orders = [np.random.RandomState(seed).permutation(pixels) for seed in self.seeds]
        return self._on_device(np.stack(orders))[:, None]

    def _sequences(self, split: str, which: Tensor) -> Batch:
        levels = self._images[split][which]
        if self._orders is not None:
            levels = levels.gather(2, self._orders.expand(levels.shape))
        grey = levels.float() / self._white
        return Batch(grey.transpose(1, 2).unsqueeze(-1).contiguous(), self._classes[split][which])


def pooled(images: np.ndarray, size: int) -> np.ndarray:
    """Sums over squares of `size` pixels a side, (n, h, w) -> (n, h·w/size²): uint8 for size 1, else int32.

    Integer sums are exact; divided by `size`² times white they are the averages. Raises Fault if the squares
    do not tile the image.
    """
    count, height, width = images.shape
    if size == 1:
        return images.reshape(count, height * width)
    if size < 1 or height % size or width % size:
        raise Fault(f"pixels: squares of {size} pixels a side do not tile images of {height}×{width}")
    squares = images.reshape(count, height // size, size, width // size, size)
    return squares.sum((2, 4), dtype=np.int32).reshape(count, -1)


def _orders(
    shape: tuple[int, int], permutation: int | str | None, *, drawn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(reading order of the pixels, order of the training images), both as all runs have them."""
    count, pixels = shape
    if permutation is None or permutation == PER_SEED:
        if drawn:
            raise Fault("pixels: split `drawn` needs the permutation's generator; give `permutation` a seed")
        return np.arange(pixels), np.arange(count)
    if isinstance(permutation, str):
        raise Fault(
            f"pixels: unknown permutation {permutation!r}{nearest(permutation, [PER_SEED])}, or a seed"
        )
    generator = np.random.RandomState(permutation)
    order = generator.permutation(pixels)
    return order, generator.permutation(count) if drawn else np.arange(count)


def _parts(count: int, train: int | None, validation: int, *, first: bool) -> tuple[slice, slice]:
    """Places of the training and of the validation images in the order of the training images."""
    taken = count - validation if train is None else train
    if taken < 1 or validation < 0 or taken + validation > count:
        raise Fault(
            f"pixels: {count:,} training images cannot give {taken:,} to train on, {validation:,} to validate"
        )
    if first:
        return slice(validation, validation + taken), slice(validation)
    return slice(taken), slice(count - validation, count)
