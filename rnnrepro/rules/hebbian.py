"""A loop that learns by reward which action follows a state: the winner takes all, and a Hebbian step strengthens it.

The "striatum" of Murray 2019, Fig. 4. The weights are W^s (S, A, N), a row for each of A actions, as the card has
them. Pure functions: what is drawn at random is given.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rnnrepro.errors import Fault
from rnnrepro.reduce import product


class Choice(NamedTuple):
    """The `action` of each run (S,) int64, and whether it `explored` (S,) bool."""

    action: Tensor
    explored: Tensor


def preferences(weights: Tensor, h: Tensor) -> Tensor:
    """z = W^s h (S, A) from weights (S, A, N) and states h (S, N)."""
    return product(h.unsqueeze(1), weights.mT).squeeze(1)


def choose(z: Tensor, allowed: Tensor, explore: float, drawn: Tensor) -> Choice:
    """The action of the largest z (S, A) among the `allowed` (S, A) bool, or with probability `explore` any of them.

    `drawn` (S, 2) is uniform on [0, 1): below `explore` the first number makes a run explore, and the second says
    which of its allowed actions it takes, all alike likely. Of equal z the first wins. Raises Fault for an `explore`
    that is no probability and for a run without an allowed action.
    """
    if not 0 <= explore <= 1:
        raise Fault(f"explore is a probability, from 0 to 1, not {explore!r}")
    if not allowed.any(1).all():
        raise Fault("a run has no allowed action; there is one at least at every place that can be reached")
    # NaN (a run that has diverged) would win wherever it stands, allowed or not.
    winner = torch.where(allowed, z.nan_to_num(nan=torch.finfo(z.dtype).min), -torch.inf).argmax(1)
    rank = (drawn[:, 1] * allowed.sum(1)).long()
    any_of_them = ((allowed.cumsum(1) > rank[:, None]) & allowed).int().argmax(1)
    explored = drawn[:, 0] < explore
    return Choice(torch.where(explored, any_of_them, winner), explored)


def strengthened(
    weights: Tensor, h: Tensor, action: Tensor, reward: Tensor, rate: float, z: Tensor | float = 1.0
) -> Tensor:
    """W^s after ΔW^s_ij = `rate` R z_i h_j on the row i of each run's `action` (S,) alone, brought to length 1.

    `weights` (S, A, N), states `h` (S, N), rewards R (S,), 1 or 0. `z` is the activity of the unit that acts: 1 once
    the winner has taken all, or (S,) another reading of the article, such as its preference before that, which turns
    the row away from the state where an explored action had a negative one. The rows of other actions, and every row
    of a run without a reward, keep their bits.
    """
    run = torch.arange(len(weights), device=weights.device)
    step = rate * reward * z
    row = weights[run, action] + step[:, None] * h
    length = (row * row).unsqueeze(1).sum(-1).sqrt()
    fresh = torch.where((reward != 0)[:, None], row / length, weights[run, action])
    return weights.index_put((run, action), fresh)


def unit_rows(weights: Tensor) -> Tensor:
    """Weights (S, A, N) with each row at length 1: how they start. Raises Fault for a row of zeros."""
    length = weights.norm(dim=-1, keepdim=True)
    if not (length > 0).all():
        raise Fault("a row of the loop's weights is 0 and has no direction; draw it anew")
    return weights / length
