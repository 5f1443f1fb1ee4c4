"""Orthogonal matrices by the exponential map: expRNN and dynamic trivialisations.

Lezcano-Casado and Martínez-Rubio, ICML 2019 (arXiv:1901.08428); Lezcano-Casado, NeurIPS 2019
(arXiv:1909.09501). Row convention: the state is multiplied as h @ W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import BoolTensor, Generator, Tensor, nn

from rnnrepro.errors import Fault, nearest
from rnnrepro.matrices.base import Matrix, distance_from_orthogonal
from rnnrepro.matrices.skew import initial, skew
from rnnrepro.matrices.skew_expm import skew_expm
from rnnrepro.reduce import finite_per_run, where_run

CHARTS = ("exact", "released")


class Exponential(Matrix):
    """W = expm(X − Xᵀ), X strictly upper triangular: the parameter `skew` (S, N(N−1)/2).

    `init` is a row of `tables.SKEW_INITIALISERS`. Raises Fault.
    """

    groups: ClassVar[Mapping[str, str]] = {"skew": "orthogonal"}

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "henaff",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        self.skew = nn.Parameter(initial(init, generators, hidden_size, dtype))

    def build(self) -> Tensor:
        return skew_expm(skew(self.skew, self.hidden_size))

    def residual(self) -> Tensor:
        return distance_from_orthogonal(self.build().detach())


class DynamicExponential(Exponential):
    """W = B expm(X − Xᵀ) with a base that follows: B ← W and X ← 0 every `rebase_every` optimiser steps.

    The first rebase is at the start, so X begins at 0 and B at the exponential of the drawn matrix;
    `rebase_every` None leaves it at that one. Of the rebases, counted from that first, each
    `project_every`-th puts B back on the orthogonal group (UVᵀ of its singular value decomposition); None
    never does. The optimiser's own state is left as it is at a rebase. Raises Fault.

    `chart`: with `exact` the gradient is that of W at every step. The `released` code forms W from the old base and
    the old coordinates A, and overwrites the base before the gradient passes. On that pass X gets D expm(A)*[BᵀG], the
    adjoint at the old coordinates of what belongs to the new base, in place of BᵀG; all other passes are exact.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "henaff",
        rebase_every: int | None = 100,
        project_every: int | None = 30,
        chart: str = "exact",
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, init=init, **common)
        if chart not in CHARTS:
            raise Fault(f"unknown chart {chart!r}{nearest(str(chart), CHARTS)}; known: {', '.join(CHARTS)}")
        for name, every in (("rebase_every", rebase_every), ("project_every", project_every)):
            if every is not None and every < 1:
                raise Fault(f"{name} is a number of at least 1, or null for never; not {every}")
        self.rebase_every, self.project_every = rebase_every, project_every
        with torch.no_grad():
            self.register_buffer("base", super().build())
            self.register_buffer("turned", self.skew.clone() if chart == "released" else None)
            self.skew.zero_()
        self.register_buffer("steps", torch.zeros(len(generators), dtype=torch.int64))
        self.register_buffer("rebases", torch.ones(len(generators), dtype=torch.int64))

    def build(self) -> Tensor:
        e = super().build()
        if (
            self.turned is not None
        ):  # E as it is, with the gradient of expm at the coordinates before the rebase
            old = skew_expm(skew(self.skew + self.turned, self.hidden_size))
            e = old - old.detach() + e.detach()
        return torch.bmm(self.base, e)

    @torch.no_grad()
    def after_step(self, active: BoolTensor) -> None:
        self.steps += active
        if self.turned is not None:
            self.turned.copy_(where_run(~active, self.turned, 0.0))
        if self.rebase_every is None:
            return
        due = active & (self.steps % self.rebase_every == 0)
        if due.any():
            self._rebase(due)

    def _rebase(self, due: BoolTensor) -> None:
        base = where_run(due, self.build(), self.base)
        self.rebases += due
        if self.project_every is not None:
            drifted = due & (self.rebases % self.project_every == 0)
            if drifted.any():
                base = where_run(drifted, nearest_orthogonal(base), base)
        self.base.copy_(base)
        if self.turned is not None:
            self.turned.copy_(where_run(due, self.skew, self.turned))
        self.skew.copy_(where_run(~due, self.skew, 0.0))


def nearest_orthogonal(matrices: Tensor) -> Tensor:
    """The orthogonal matrix nearest to each of (S, N, N); NaN for a run with entries that are not finite."""
    finite = finite_per_run(matrices)
    u, _, vh = torch.linalg.svd(where_run(finite, matrices, 0.0))
    return where_run(finite, torch.bmm(u, vh), float("nan"))
