"""A sequence times a matrix, multiplied out or kept in factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from rnnrepro.reduce import product


@dataclass(frozen=True)
class Embedded:
    """x_t is a row of a table: `index` (S, T, B), int64, `table` (S, symbols, D)."""

    index: Tensor
    table: Tensor

    @property
    def shape(self) -> torch.Size:
        """(S, T, B, D)."""
        return torch.Size((*self.index.shape, self.table.shape[-1]))

    def dense(self) -> Tensor:
        """x (S, T, B, D)."""
        rows = zip(self.index.unbind(0), self.table.unbind(0), strict=True)
        return torch.stack([functional.embedding(index, table) for index, table in rows])


@dataclass(frozen=True)
class Factored:
    """z_t = x_t U + b, not multiplied out: `x` (S, T, B, D) or int64 (S, T, B), `weight` U (S, D, M), `bias` (S, M).

    What the scan does with the factors stays in the cache; the product would go through memory twice.
    """

    x: Tensor
    weight: Tensor
    bias: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        """(S, T, B, M)."""
        return torch.Size((*self.x.shape[:3], self.weight.shape[-1]))

    def dense(self) -> Tensor:
        """z (S, T, B, M)."""
        z = project(self.x, self.weight)
        return z if self.bias is None else z + self.bias[:, None, None]


@dataclass(frozen=True)
class Stepped:
    """z with numbers a step that the update reads by name, (S, T) each: `scalars`."""

    z: Tensor | Factored
    scalars: Mapping[str, Tensor] = field(default_factory=dict)


Z = Tensor | Factored | Stepped
"""What enters a recurrence: z (S, T, B, M) itself, in factors, or with per-step scalars."""


def factored(x: Tensor | Embedded, weight: Tensor, bias: Tensor | None) -> Factored:
    """x U + b in factors. Rows of a short table are multiplied once each, and not once a time and sequence."""
    if isinstance(x, Embedded):
        symbols, time, batch = x.table.shape[1], *x.index.shape[1:]
        if symbols <= time * batch:
            return Factored(x.index, torch.bmm(x.table, weight), bias)
        x = x.dense()
    return Factored(x, weight, bias)


def project(x: Tensor, weight: Tensor) -> Tensor:
    """x @ weight for every run, time and sequence: (S, T, B, D) and (S, D, M) -> (S, T, B, M).

    int64 x (S, T, B) stands for one-hot rows. Its product is taken as such: the gradient of a look-up adds in
    an order that a GPU does not fix, that of a product is the same each time.
    """
    if x.dtype == torch.int64:
        x = one_hot(x, weight.shape[1], weight.dtype)
    return product(x.to(weight.dtype).flatten(1, 2), weight).view(*x.shape[:3], weight.shape[2])


def one_hot(index: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """One-hot rows (…, size) of int64 indices (…); RuntimeError (CPU) for an index outside [0, size)."""
    rows = torch.zeros(*index.shape, size, dtype=dtype, device=index.device)
    return rows.scatter_(-1, index.unsqueeze(-1), 1.0)
