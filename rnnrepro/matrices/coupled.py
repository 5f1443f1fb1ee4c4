"""A long-term orthogonal and a short-term eigenvalue-normalised state, one feeding the other (ENRNN).

Helfrich and Ye, AAAI 2020 (arXiv:1911.07964): acting on columns the recurrent matrix is
[[W_L, W_C], [0, W_S]], so that the short-term state feeds the long-term one and never the reverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import BoolTensor, Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.cayley import ScaledCayley
from rnnrepro.matrices.eigen import eigen_normalise, spectral_radius
from rnnrepro.matrices.start import matrix_start

NORMALISE = ("latch", "always", "never")


class EigenNormalised(Matrix):
    """W = T/ρ(T) once normalised, T itself before; the parameter `weight` (S, N, N) is T.

    `normalise`: `latch` (from the first step after which ρ(T) > 1, then for good), `always` or `never`.
    Buffers: `latch` (S,); `defective` (S,), whether the last W was built without the gradient of ρ, for want
    of a dominant eigenvalue that has one; `dropped` (S,), at how many optimiser steps that was so.
    Raises Fault for an odd size, which the authors' start does not fit.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        init: str = "scaled_rotations",
        normalise: str = "latch",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        if normalise not in NORMALISE:
            raise Fault(f"normalise is one of {', '.join(NORMALISE)}, not {normalise!r}")
        if hidden_size % 2:
            raise Fault(f"the short-term state needs an even size, not {hidden_size}")
        self.normalise = normalise
        self.weight = nn.Parameter(matrix_start(init, generators, (hidden_size, hidden_size), dtype=dtype))
        self.register_buffer("latch", torch.full((len(generators),), normalise == "always"))
        self.register_buffer("defective", torch.zeros(len(generators), dtype=torch.bool))
        self.register_buffer("dropped", torch.zeros(len(generators), dtype=torch.int64))

    def build(self) -> Tensor:
        w, defective = eigen_normalise(self.weight, self.latch)
        self.defective.copy_(defective)
        return w

    def residual(self) -> Tensor:
        """|ρ(W) − 1| where normalised, what ρ(W) exceeds 1 by where not, 0 for `never`."""
        if self.normalise == "never":
            return super().residual()
        excess = spectral_radius(self.build().detach()) - 1
        return torch.where(self.latch, excess.abs(), excess.clamp(min=0))

    @torch.no_grad()
    def after_step(self, active: BoolTensor) -> None:
        self.dropped += active & self.defective
        if self.normalise == "latch" and (active & ~self.latch).any():
            self.latch |= active & (spectral_radius(self.weight) > 1)


class Coupled(Matrix):
    """ENRNN's matrix: the first N − `short` units long-term (W_L scaled Cayley, `negative` entries −1 in D),
    the last `short` units short-term (W_S, eigenvalue-normalised, see `normalise`); `coupled` adds W_C.

    W is the row form [[W_Lᵀ, 0], [W_Cᵀ, W_Sᵀ]], its blocks the parts as stored. Parameters: `long.skew`,
    `short.weight` (S, short, short) and `coupling` (S, short, N − short), each only where its part exists:
    `short` 0 leaves scoRNN, `short` N the short-term state alone. Starts: `init` is a row of
    `tables.SKEW_INITIALISERS`, `short_init` of INITIALISERS or MATRIX_INITIALISERS, `coupling_init` of
    INITIALISERS. Raises Fault.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        generators: Sequence[Generator],
        short: int = 0,
        negative: int = 0,
        coupled: bool = True,
        normalise: str = "latch",
        init: str = "cayley_positive",
        short_init: str = "scaled_rotations",
        coupling_init: str = "glorot_uniform",
        dtype: torch.dtype = torch.float32,
        **common: Any,
    ) -> None:
        super().__init__(hidden_size, generators=generators, dtype=dtype, **common)
        if not 0 <= short <= hidden_size:
            raise Fault(f"short counts units among {hidden_size}, so it cannot be {short}")
        long = hidden_size - short
        if negative > long:
            raise Fault(f"negative counts entries −1 among {long} long-term units, it cannot be {negative}")
        shared = {"input_size": self.input_size, "generators": generators, "dtype": dtype}
        self.long = ScaledCayley(long, init=init, negative=negative, **shared) if long else None
        self.short = EigenNormalised(short, init=short_init, normalise=normalise, **shared) if short else None
        both = coupled and short and long
        drawn = fill(coupling_init, generators, (short, long), dtype=dtype) if both else None
        self.coupling = None if drawn is None else nn.Parameter(drawn)

    @property
    def groups(self) -> Mapping[str, str]:
        return {} if self.long is None else {"long.skew": "orthogonal"}

    def _parts(self) -> list[Matrix]:
        return [part for part in (self.long, self.short) if part is not None]

    def build(self) -> Tensor:
        if self.long is None or self.short is None:
            return self._parts()[0].build()
        return self._assemble(self.long.build(), self.short.build())

    def _assemble(self, long: Tensor, short: Tensor) -> Tensor:
        corner = long.new_zeros(len(long), long.shape[1], short.shape[1])
        coupling = corner.mT if self.coupling is None else self.coupling
        return torch.cat([torch.cat([long, corner], 2), torch.cat([coupling, short], 2)], 1)

    def residual(self) -> Tensor:
        """The larger of the two parts' residuals."""
        return torch.stack([part.residual() for part in self._parts()]).amax(0)

    def after_step(self, active: BoolTensor) -> None:
        for part in self._parts():
            part.after_step(active)

    @torch.no_grad()
    def arrays(self) -> dict[str, Tensor]:
        """The parts that exist, in row form: `long`, `short`, `coupling`; `rho` = ρ(T) and `latch` (S,)."""
        found = super().arrays()
        if self.long is not None:
            found["long"] = self.long.build()
        if self.coupling is not None:
            found["coupling"] = self.coupling.clone()
        if self.short is not None:
            found["short"] = self.short.build().clone()
            found["rho"] = spectral_radius(self.short.weight)
            found["latch"] = self.short.latch.clone()
        return found
