"""How steep a network's lower-level objective is along sequences (torch): a row of `rnnrepro.tables.ANALYSES`.

Takes (network, task) and returns {metric: (S, n) float64 array}, empty where the update descends no objective.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.analysis import bilevel
from rnnrepro.drives.projection import Embedded, Factored
from rnnrepro.updates.bilevel import BilevelSGD

SEQUENCES = 2
"""Sequences that are looked at: N³ operations for every step of each."""

Arrays = dict[str, np.ndarray]


@torch.no_grad()
def descent_spectrum(network: Any, task: Any) -> Arrays:
    """The smallest and the largest singular value of J_t = I − η M_t M_tᵀ at t = 1 … T, and their bound from below.

    J_t is the Jacobian of the gradient step alone (`rnnrepro.analysis.bilevel`): without momentum that of h_t by
    h_{t−1}. Extremes over the first training sequences, of the first layer. The bound is 1 − η (α + ‖W‖)², or 0 where
    that is negative, whatever units are on.
    """
    layer = network.layers[0]
    if not isinstance(layer.rule, BilevelSGD):
        return {}
    eta, alpha = layer.rule.eta, layer.rule.alpha
    on, matrices = _on(network, layer, task.batch(0).inputs[:, :, :SEQUENCES])
    found = [_of_run(W, active, eta, alpha) for W, active in zip(matrices, on, strict=True)]
    return {name: np.stack([run[name] for run in found]) for name in found[0]}


def _on(network: Any, layer: Any, inputs: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Which units are on, (S, T, B, N), and W (S, N, N)."""
    x = inputs if network.embedding is None else Embedded(inputs, network.embedding)
    z, _ = layer.drive(x)
    z = z.dense() if isinstance(z, Factored) else z
    W = layer.matrix.build()
    h, _ = layer(x, W=W)
    start = layer.first(len(h), h.shape[2])[0].to(h.dtype)
    before = torch.cat((start[:, None], h[:, :-1]), dim=1)
    arrays = (value.cpu().double().numpy() for value in (before, W, z))
    runs = [b @ w + entering > 0 for b, w, entering in zip(*arrays, strict=True)]
    return np.stack(runs), W.cpu().double().numpy()


def _of_run(W: np.ndarray, on: np.ndarray, eta: float, alpha: float) -> Arrays:
    """Of `on` (T, B, N): two of (T,), and the bound (1,). One step at a time, which takes the memory of a matrix."""
    steps = [bilevel.extremes(bilevel.descent_jacobian(W, active, eta, alpha)) for active in on]
    low, _ = bilevel.bounds(eta, bilevel.steepest(W, alpha))
    return {
        "descent_smallest": np.array([smallest.min() for smallest, _ in steps]),
        "descent_largest": np.array([largest.max() for _, largest in steps]),
        "descent_bound": np.array([float(low)]),
    }
