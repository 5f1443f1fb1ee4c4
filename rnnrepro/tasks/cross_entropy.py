"""Cross-entropy of classes, a third of the time of `log_softmax` and `gather` for the few classes of these tasks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _CrossEntropy(torch.autograd.Function):
    """With e = exp(x − max x) and z = Σ e: the loss is ln z + max x − x_k, its gradient e/z − 1_k."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, targets: Tensor) -> Tensor:
        index = targets.unsqueeze(-1)
        highest = outputs.amax(-1, keepdim=True)
        powers = (outputs - highest).exp_()
        total = powers.sum(-1, keepdim=True)
        ctx.save_for_backward(powers, total, index)
        return (total.log() + (highest - outputs.gather(-1, index))).squeeze(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        powers, total, index = ctx.saved_tensors
        gradient = gradient.unsqueeze(-1)
        return (powers * (gradient / total)).scatter_add_(-1, index, -gradient), None


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """−ln softmax(outputs)[target] in nats, (…, K) and int64 (…) -> (…), differentiable once in `outputs`."""
    return _CrossEntropy.apply(outputs, targets)


def guesses(outputs: Tensor) -> Tensor:
    """The class of the largest output, the first of equal ones: (…, K) -> int64 (…)."""
    if outputs.device.type == "cpu":  # NumPy's search is 4 times as fast as PyTorch's over 100 classes
        return torch.from_numpy(outputs.detach().numpy().argmax(-1))
    return outputs.argmax(-1)
