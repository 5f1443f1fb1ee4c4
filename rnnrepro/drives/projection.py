"""A sequence times a matrix, for dense sequences and for indices."""

from __future__ import annotations

import torch
from torch import Tensor


def project(x: Tensor, weight: Tensor) -> Tensor:
    """x @ weight for every run, time and sequence: (S, T, B, D) and (S, D, M) -> (S, T, B, M).

    int64 x (S, T, B) stands for one-hot rows. Its product is taken as such: the gradient of a look-up adds in
    an order that a GPU does not fix, that of a product is the same each time.
    """
    if x.dtype == torch.int64:
        x = one_hot(x, weight.shape[1], weight.dtype)
    product = torch.bmm(x.to(weight.dtype).flatten(1, 2), weight)
    return product.view(*x.shape[:3], weight.shape[2])


def one_hot(index: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """One-hot rows (…, size) of int64 indices (…); RuntimeError (CPU) for an index outside [0, size)."""
    rows = torch.zeros(*index.shape, size, dtype=dtype, device=index.device)
    return rows.scatter_(-1, index.unsqueeze(-1), 1.0)
