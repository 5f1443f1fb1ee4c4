"""The words that stages are written in, for tensors.

A stage (`rnnrepro.updates.stage`) is written once, in arithmetic, comparisons and these functions. Here they act
on tensors and are differentiated by autograd; the fast scans put their own forms of the same words in their place.
"""

from __future__ import annotations

import torch
from torch import Tensor, exp, expm1, relu, sign, sqrt, tanh, where
from torch import abs as absolute

WORDS = ("absolute", "exp", "expm1", "relu", "sigmoid", "sign", "sqrt", "tanh", "where")

__all__ = ["WORDS", "absolute", "exp", "expm1", "relu", "sigmoid", "sign", "sqrt", "tanh", "where"]


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(−x)).

    On a CPU PyTorch rounds the last few elements of a contiguous tensor otherwise than the rest, so that the bits
    of a run would depend on its stack; of a tensor whose rows are apart in memory it treats all alike.
    """
    if x.device.type == "cpu" and x.is_contiguous():
        x = torch.nn.functional.pad(x, (0, 1))[..., :-1]
    return torch.sigmoid(x)
