"""How a network learns (torch): rows of `rnnrepro.tables.ANALYSES`.

Each takes (network, task) and returns {metric: (S, n) float64 array}, empty where there is nothing of the kind. Runs
are measured one by one, since the order of additions over all of them may depend on their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.analysis import feedback

Arrays = dict[str, np.ndarray]


def alignment(network: Any, task: Any) -> Arrays:
    """`alignment` (S, 1): the cosine of the read-out V and the feedback B, of networks that have one.

    (Murray 2019, Fig. 2c.) About 0 ± 1/√(NK) at the start. NaN while one of them is 0.
    """
    if network.feedback is None:
        return {}
    pairs = zip(_numbers(network.readout), _numbers(network.feedback), strict=True)
    return {"alignment": np.array([[feedback.alignment(V, B)] for V, B in pairs])}


def weight_change(network: Any, task: Any) -> Arrays:
    """`recurrent_weight`: the last layer's W row by row, and `recurrent_shape`, its rows and columns.

    What is recorded before training and after it makes W − W(0), whose singular values `feedback.learned_spectrum`
    has. N² numbers a look: for small networks.
    """
    with torch.no_grad():
        W = _numbers(network.build()[-1])
    return {
        "recurrent_weight": W.reshape(len(W), -1),
        "recurrent_shape": np.array([W.shape[1:]] * len(W), dtype=np.float64),
    }


def credit_angle(network: Any, task: Any) -> Arrays:
    """How the increment of W by the network's own rule lies to the gradient's, on the first training batch.

    `credit_angle` (S, 1): the cosine of the angle between them, all layers' W as one vector; NaN where one is 0.
    `loss_change` (S, 1): by how much the loss changes, to first order, when W alone takes a step at a rate of 1: minus
    their inner product, ΔL₂/η of Murray 2019, Appendix Eq. 32. Networks that follow the gradient, or whose W does not
    learn, have neither.
    """
    exact_already = not network.errors_by_feedback and all(each.credit == "full" for each in network.layers)
    learned = any(value.requires_grad for each in network.layers for value in each.matrix.parameters())
    if exact_already or not learned:
        return {}
    batch = task.batch(0)
    own = _gradients(network, task, batch)
    with _exact(network):
        exact = _gradients(network, task, batch)
    runs = [([each[i] for each in own], [each[i] for each in exact]) for i in range(len(network.readout))]
    return {
        "credit_angle": np.array([[feedback.agreement(a, b)] for a, b in runs]),
        "loss_change": np.array([[-sum((x * y).sum() for x, y in zip(a, b, strict=True))] for a, b in runs]),
    }


def _gradients(network: Any, task: Any, batch: Any) -> list[np.ndarray]:
    """What the network's rule has for ∂L/∂W of each layer, (S, N, M) each."""
    with torch.enable_grad():
        W = tuple(each.detach().requires_grad_() for each in network.build())
        outputs = network.trace(batch.inputs, None, task.readout_every, W).outputs
        found = torch.autograd.grad(task.loss_of(outputs, batch).sum(), W)
    return [_numbers(each) for each in found]


@contextmanager
def _exact(network: Any) -> Iterator[None]:
    """Within, errors go back as they came and credit through all of the recurrence: the gradient."""
    by, before = network.errors_by_feedback, [layer.credit for layer in network.layers]
    try:
        network.errors_by_feedback = False
        for layer in network.layers:
            layer.credit = "full"
        yield
    finally:
        network.errors_by_feedback = by
        for layer, credit in zip(network.layers, before, strict=True):
            layer.credit = credit


def _numbers(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy().copy()  # W may be the parameter itself
