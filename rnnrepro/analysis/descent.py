"""How far steps of gradient descent on a lower-level objective let a gradient fade or grow (SBO-RNN).

The update h_t = h − η ∇F(h) of Zhang et al. (NeurIPS 2021) has the Jacobian J_t = ∂h_t/∂h_{t−1} = I − η M Mᵀ with
M = α I − W diag(s_t), s_t = 1 where h_{t−1} W + z_t > 0 and 0 elsewhere. It is symmetric, and its eigenvalues are
1 − η λ for the eigenvalues λ of M Mᵀ, which lie in [0, L], L = (α + ‖W‖)². So with η L ≤ 1 no singular value leaves
[1 − η L, 1]: a gradient never grows, and over T steps fades to no less than (1 − η L)^T of itself.

The functions of arrays take W (N, N) in row form (the state is multiplied as h W), and work in float64.
`descent_spectrum` takes (network, task), a row of `rnnrepro.tables.ANALYSES` (torch).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.drives.projection import Embedded, Factored
from rnnrepro.updates.bilevel import BilevelSGD

SEQUENCES = 2
"""Sequences that are looked at: N³ operations for every step of each."""

Arrays = dict[str, np.ndarray]


def jacobian(W: np.ndarray, on: np.ndarray, eta: float, alpha: float = 1.0) -> np.ndarray:
    """J = I − η M Mᵀ (…, N, N) of steps whose units were `on` (…, N), 1 or 0 each."""
    M = residual_jacobian(W, on, alpha)
    return np.eye(len(W)) - eta * M @ np.swapaxes(M, -1, -2)


def residual_jacobian(W: np.ndarray, on: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """M = α I − W diag(s) (…, N, N): the derivative of r = α h − relu(h W + z) by h, row i for unit i of h."""
    W, on = np.asarray(W, float), np.asarray(on, float)
    return alpha * np.eye(len(W)) - W * on[..., None, :]


def steepest(W: np.ndarray, alpha: float = 1.0) -> float:
    """L = (α + ‖W‖)²: no eigenvalue of the objective's Hessian M Mᵀ is larger, whatever units are on."""
    return float((abs(alpha) + np.linalg.norm(np.asarray(W, float), 2)) ** 2)


def bounds(eta: float, L: float) -> tuple[float, float]:
    """Between which numbers all singular values of J lie: (1 − η L, 1), or beyond η L = 1 (0, max(1, η L − 1))."""
    return max(1 - eta * L, 0.0), max(eta * L - 1, 1.0)


def extremes(jacobians: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest singular value (…) of each of (…, N, N)."""
    values = np.linalg.svd(jacobians, compute_uv=False)
    return values[..., -1], values[..., 0]


@torch.no_grad()
def descent_spectrum(network: Any, task: Any) -> Arrays:
    """The smallest and the largest singular value of J_t at t = 1 … T, and of the products ∂h_T/∂h_{T−k} at k = 1 … T.

    J_t is the Jacobian of the gradient step alone: without momentum that of h_t by h_{t−1}. With momentum there are
    no products, since h_t then depends on the steps before as well. Extremes are over the first training sequences, of
    the first layer. Beside them the two bounds of J_t, ‖W‖, of products the smallest value of the whole and the largest
    of all, and the momentum μ where there is one. Empty where the update descends no objective.
    """
    layer = network.layers[0]
    if not isinstance(layer.rule, BilevelSGD):
        return {}
    eta, alpha = layer.rule.eta, layer.rule.alpha
    on, matrices = _on(network, layer, task.batch(0).inputs[:, :, :SEQUENCES])
    chained = "mu" not in layer.update
    found = [_of_run(W, active, eta, alpha, chained) for W, active in zip(matrices, on, strict=True)]
    arrays = {name: np.stack([run[name] for run in found]) for name in found[0]}
    return arrays if chained else arrays | {"descent_momentum": _momentum(layer)}


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


def _of_run(W: np.ndarray, on: np.ndarray, eta: float, alpha: float, chained: bool) -> Arrays:
    """Of `on` (T, B, N). One step at a time, last first, which takes the memory of a matrix for each sequence."""
    steps, chains, product = [], [], np.eye(len(W))
    for active in on[::-1]:
        steps.append(extremes(J := jacobian(W, active, eta, alpha)))
        if chained:
            product = product @ J
            chains.append(extremes(product))
    smallest, largest = _over_sequences(steps[::-1])
    found = {
        "descent_smallest": smallest,
        "descent_largest": largest,
        "descent_bounds": np.array(bounds(eta, steepest(W, alpha))),
        "descent_norm": np.array([np.linalg.norm(W, 2)]),
    }
    if chained:
        smallest, largest = _over_sequences(chains)
        found |= {"descent_chain_smallest": smallest, "descent_chain_largest": largest}
        found |= {"descent_faded": smallest[-1:], "descent_grown": largest.max(keepdims=True)}
    return found


def _over_sequences(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest of all sequences, (T,) each."""
    return np.array([low.min() for low, _ in found]), np.array([high.max() for _, high in found])


def _momentum(layer: Any) -> np.ndarray:
    return layer.update["mu"].detach().cpu().double().numpy()[:, None]
