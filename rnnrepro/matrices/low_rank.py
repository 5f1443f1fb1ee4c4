"""The identity and a trained correction, in two factors or whole: the dense matrix of SBO-RNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix


class LowRank(Matrix):
    """W = I + U V with `left` U (S, N, k) and `right` V (S, k, N), k the `rank`; or W = I + M, `weight` M (S, N, N).

    The second form is that of `rank` None. `init` starts U and V, `full_init` M: rows of `tables.INITIALISERS`, with
    N as both fans of each. `frozen`: U, V or M are never trained, and are buffers then, as in the released code of
    SBO-RNN (Zhang et al., NeurIPS 2021), which builds W once in its constructor.

    W is made dense, once an optimiser step. In factors a product would take 4 N k multiplications and additions a row
    in place of 2 N²: at N = 128 and k = 50 no more than a fifth less. A rank above N is allowed and gives more numbers
    than W has. Raises Fault for a rank below 1.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        rank: int | None = 50,
        init: str = "fan_in_uniform",
        full_init: str = "zeros",
        frozen: bool = False,
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        size = hidden_size
        shapes = {"weight": (size, size)} if rank is None else {"left": (size, rank), "right": (rank, size)}
        if rank is not None and (not isinstance(rank, int) or isinstance(rank, bool) or rank < 1):
            raise Fault(f"rank is a whole number from 1 on, or null for a matrix in one piece; not {rank!r}")
        for name, shape in shapes.items():
            drawn = fill(full_init if rank is None else init, generators, shape, size, size, dtype=dtype)
            if frozen:
                self.register_buffer(name, drawn)
            else:
                self.register_parameter(name, nn.Parameter(drawn))
        self.rank = rank

    @property
    def runs(self) -> int:
        return len(self.weight if self.rank is None else self.left)

    def build(self) -> Tensor:
        change = self.weight if self.rank is None else torch.bmm(self.left, self.right)
        return change + torch.eye(self.hidden_size, dtype=change.dtype, device=change.device)

    def residual(self) -> Tensor:
        """0 (S,): every W of full rank is allowed, and one of low rank is so by its form."""
        held = self.weight if self.rank is None else self.left
        return held.new_zeros(self.runs, dtype=torch.float64)
