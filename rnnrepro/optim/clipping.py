"""Gradient clipping, a run at a time: a run's clipping never depends on the other runs of its stack."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnrepro.reduce import sum_per_run


@torch.no_grad()
def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """(S,) Euclidean norms over all of a run's gradients, each (S, …)."""
    total = sum_per_run(gradients[0] * gradients[0])
    for gradient in gradients[1:]:
        total = total + sum_per_run(gradient * gradient)
    return total.sqrt()


@torch.no_grad()
def clip_by_norm(gradients: Sequence[Tensor], bound: float) -> Tensor:
    """Scale each run's gradients, in place, to a global norm of at most `bound`; returns the norms before.

    gradients: (S, …) each; norms: (S,). The scale is min(1, bound/(norm + 1e-6)), as
    torch.nn.utils.clip_grad_norm_.
    """
    norms = global_norm(gradients)
    scale = (bound / (norms + 1e-6)).clamp_(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.reshape((-1,) + (1,) * (gradient.dim() - 1)))
    return norms


@torch.no_grad()
def clip_by_value(gradients: Sequence[Tensor], bound: float) -> None:
    """Clip every entry to ±`bound`, in place."""
    for gradient in gradients:
        gradient.clamp_(-bound, bound)
