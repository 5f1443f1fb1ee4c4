"""Complex matrices as real ones, in row convention: [Re h, Im h] is multiplied by [[Re, Im], [−Im, Re]]."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnrepro.reduce import each_run, sum_per_run


def block(real: Tensor, imaginary: Tensor) -> Tensor:
    """The real (S, 2N, 2N) of the complex matrix with these parts (S, N, N)."""
    return torch.cat((torch.cat((real, imaginary), 2), torch.cat((-imaginary, real), 2)), 1)


def parts(block: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part (S, N, N) of the complex matrix whose real form is (S, 2N, 2N)."""
    size = block.shape[1] // 2
    return block[:, :size, :size], block[:, :size, size:]


def inverse(real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
    """The parts of the inverse of the complex matrix with these parts (S, N, N), in their precision.

    The unchecked form lets a run pass that is singular or not finite: its numbers then say so.
    """
    found = torch.view_as_real(torch.linalg.inv_ex(torch.complex(real, imaginary)).inverse)
    return found[..., 0], found[..., 1]


def phase(angle: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin of angles (S, …), the same bits in any stack."""
    return each_run(lambda own: (torch.cos(own), torch.sin(own)), angle)


@torch.no_grad()
def distance_from_unitary(w: Tensor) -> Tensor:
    """‖W*W − I‖ in the Frobenius norm of the complex W whose real form is (S, 2N, 2N), the products in float64."""
    w = w.double()
    size = w.shape[1] // 2
    # The first rows of the real form of W*W are its parts.
    gap = torch.bmm(w[:, :, :size].mT, w) - torch.eye(size, 2 * size, dtype=w.dtype, device=w.device)
    return sum_per_run(gap.square()).sqrt()
