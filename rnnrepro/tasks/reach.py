"""Reaches along the sides of a square, one at a time (Murray 2019, Fig. 4, first stage)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.signals import Signals, at_least

DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, up, left, down: what input i asks for, and in this order once around the square."""

_BLOCK = 512  # moves of a walk that are drawn together


def speed_of(task: str, move: int, hold: int, peak: float) -> np.ndarray:
    """v(t) of a reach and its rest, (move + hold,). Raises Fault for what no reach can have."""
    at_least(task, 2, move=move)
    at_least(task, 0, hold=hold)
    if not peak > 0:
        raise Fault(f"{task}: peak is a velocity above 0, not {peak!r}")
    speed = np.zeros(move + hold)
    speed[:move] = 0.5 * peak * (1 - np.cos(2 * np.pi * np.arange(1, move + 1) / move))
    return speed


class Reach(Signals):
    """Input i of four, one-hot and on for the whole trial, asks for one reach of a cursor; outputs are its velocity.

    A trial is a reach of `move` steps, v(t) = ½ `peak` (1 − cos(2πt/`move`)) along its direction, and a rest of `hold`
    steps. `side` is how far that carries the cursor (velocity times steps), which is the side of the square. The
    cursor starts at the lower left corner; each trial takes at random one of the two reaches that stay on the square,
    from where the one before ended. `carried`: the network's state goes on from trial to trial, otherwise each
    starts anew. The test split goes around the square once: right, up, left, down.
    """

    input_size, output_size = len(DIRECTIONS), 2
    index_inputs = True
    evaluation_splits = ("test",)

    def prepare(self, *, move: int, hold: int, peak: float, carried: bool) -> None:
        """Raises Fault for reaches of less than two steps and velocities that are not above 0."""
        self.carries_state = carried
        speed = speed_of("reach", move, hold, peak)
        self.side = float(speed.sum())
        self.chance = float(0.5 * (speed**2).mean())  # of the four, the mean velocity is 0
        velocity = np.multiply.outer(np.array(DIRECTIONS), speed).astype(np.float32)  # reach, axis, time
        self._velocity = torch.from_numpy(velocity.transpose(0, 2, 1)).to(self.device)
        self._walks: dict[tuple[int, int], np.ndarray] = {}

    def batch(self, step: int) -> Batch:
        """The reaches of trial `step` of each sequence."""
        return self._trials(np.stack([self._reaches(seed, step) for seed in self.seeds]), step == 0)

    def evaluation(self, split: str) -> Iterator[Batch]:
        """The four reaches around the square, one a batch."""
        for reach in range(len(DIRECTIONS)):
            yield self._trials(np.full((len(self.seeds), 1), reach), reach == 0)

    def _trials(self, reaches: np.ndarray, first: bool) -> Batch:
        """The trials of `reaches` (S, B): indices (S, T, B) and velocities (S, T, B, 2)."""
        index = torch.from_numpy(reaches).to(self.device)
        targets: Tensor = self._velocity[index].transpose(1, 2).contiguous()
        inputs = index[:, None].expand(-1, targets.shape[1], -1).contiguous()
        return Batch(inputs, targets, reset=first or not self.carries_state)

    def _reaches(self, seed: int, step: int) -> np.ndarray:
        """Which reach each sequence makes (B,): along an axis drawn at random, away from the side where it is."""
        block, within = divmod(step, _BLOCK)
        axes = self._axes(seed, block)
        axis = axes[within]
        there = self._corner(seed, block) + [(axes[:within] == a).sum(0) for a in range(2)]
        far = there[axis, np.arange(self.batch_size)] % 2
        return axis + 2 * far

    def _corner(self, seed: int, block: int) -> np.ndarray:
        """How often each sequence has moved along each axis before the block, modulo 2: (2, B)."""
        if block == 0:
            return np.zeros((2, self.batch_size), np.int64)
        # Summed up in a loop, as a walk of thousands of blocks would be too deep a recursion.
        for earlier in range(1, block + 1):
            if (seed, earlier) not in self._walks:
                before = self._walks.get((seed, earlier - 1), 0)
                moved = np.stack([(self._axes(seed, earlier - 1) == axis).sum(0) for axis in range(2)])
                self._walks[seed, earlier] = (before + moved) % 2
        return self._walks[seed, block]

    def _axes(self, seed: int, block: int) -> np.ndarray:
        """The axis of each move of a block, (moves, B)."""
        shape = (_BLOCK, self.batch_size)
        return streams.generator("reach", seed, "train", block).integers(0, 2, shape)
