"""What every recurrent matrix is: parameters and buffers with a run axis, and W built from them.

Row convention: a state (S, B, N) is multiplied as `state @ W` with W (S, N, M).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import BoolTensor, Generator, Tensor, nn

from rnnrepro.errors import Fault
from rnnrepro.reduce import sum_per_run


class Matrix(nn.Module):
    """A recurrent matrix of S runs; run i draws its start from `generators[i]`.

    `hidden_size` is N, `input_size` D (it only enters fans), `width` the columns M of W (as many as rows unless
    given).
    Every parameter and buffer leads with the run axis, so that a run is a slice of each. A run whose
    parameters are not finite builds a W of NaN and leaves the other runs alone. Raises Fault for a width that
    the form cannot have.
    """

    groups: ClassVar[Mapping[str, str]] = {}
    """Parameter name -> group of the optimiser; a name that is missing belongs to `main`."""

    rectangular: ClassVar[bool] = False
    """Whether W may have more columns than rows."""

    planes: ClassVar[int] = 1
    """2 for a complex matrix: a state [Re h, Im h] (S, B, 2N) is multiplied by the real W (S, 2N, 2N) =
    [[Re, Im], [−Im, Re]]."""

    retracted: ClassVar[tuple[str, ...]] = ()
    """Parameters that the optimiser does not move itself: it hands its step to `retract`."""

    def __init__(
        self,
        hidden_size: int,
        *,
        input_size: int,
        generators: Sequence[Generator],
        width: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.input_size = input_size
        rows = self.planes * hidden_size
        self.width = rows if width is None else width
        if not self.rectangular and self.width != rows:
            raise Fault(
                f"{type(self).__name__} is {rows} × {rows} and cannot have {self.width} columns; an update with "
                "gates needs the matrix 'free', a complex one a unitary matrix"
            )

    @property
    def runs(self) -> int:
        """S, the number of runs."""
        return next(self.parameters()).shape[0]

    def build(self) -> Tensor:
        """W (S, N, M), differentiable in the parameters; built once an optimiser step."""
        raise NotImplementedError

    def forward(self) -> Tensor:
        """The same as `build`."""
        return self.build()

    def residual(self) -> Tensor:
        """Distance (S,) of W from its constraint, detached, in float64; 0 where there is none."""
        return next(self.parameters()).new_zeros(self.runs, dtype=torch.float64)

    def penalty(self) -> Tensor | None:
        """A term (S,) added to the loss for the gradient only, or None."""
        return None

    @property
    def fixed(self) -> int:
        """How many of the numbers that a run stores the constraint fixes: no free parameters."""
        return 0

    def retract(self, name: str, step: Tensor) -> None:
        """Move the parameter `name` of `retracted` by `step`, of its shape, along the constraint, in place.

        `step` is what an optimiser would subtract: the rate is in it.
        """
        raise NotImplementedError

    def after_step(self, active: BoolTensor) -> None:
        """Bring the buffers up to date after an optimiser step of the runs where `active` (S,) is true."""

    def arrays(self) -> dict[str, Tensor]:
        """What analyses read, each (S, …), detached. `recurrent` is W in row form: a complex one (S, N, N) as such."""
        with torch.no_grad():
            w = self.build()
            if self.planes == 2:
                size = self.hidden_size
                return {"recurrent": torch.complex(w[:, :size, :size], w[:, :size, size:])}
            return {"recurrent": w.clone()}


@torch.no_grad()
def distance_from_orthogonal(w: Tensor) -> Tensor:
    """‖WᵀW − I‖ in the Frobenius norm, (S, N, N) -> (S,), the products in float64."""
    w = w.double()
    gap = torch.bmm(w.mT, w) - torch.eye(w.shape[-1], dtype=w.dtype, device=w.device)
    return sum_per_run(gap.square()).sqrt()
