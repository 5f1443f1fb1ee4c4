"""What is measured on the hidden states of a stack of networks (torch): rows of `rnnrepro.tables.ANALYSES`.

Each takes (network, task) and returns {metric: (S, n) float64 array}. The sequences are those of the task's
first training batch, at most 32 of them, from the first state. Where the state has a long-term and a short-term
part, both are measured, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

Arrays = dict[str, np.ndarray]

SEQUENCES = 32
DELTA = 0.1
"""Added to all features of the perturbed input; an index is replaced by the next one."""


def gradient_flow(network: Any, task: Any) -> Arrays:
    """‖∂L/∂h_t‖ for t = 0 … T, of each sequence's own loss, mean over sequences; `gradient_h0` is t = 0.

    The gradient is the total one: through the read-out at t, where there is one, and through later states. Every
    step is a scan of its own; `gradient_start` gives t = 0 alone at the cost of one optimiser step.
    """
    batch = _first_sequences(task)
    with torch.enable_grad():
        states = unroll(network, batch.inputs)
        outputs = network.read(torch.stack(states[1:] if task.readout_every else states[-1:], 1))
        loss = task.loss_of(outputs if task.readout_every else outputs.squeeze(1), batch)
        gradients = torch.autograd.grad(loss.sum() * batch.inputs.shape[2], states)
    found = {}
    for prefix, part in parts(network).items():
        found[f"{prefix}gradient_norm"] = _mean_norms([gradient[..., part] for gradient in gradients])
    return found | {"gradient_h0": found["gradient_norm"][:, :1]}


def gradient_start(network: Any, task: Any) -> Arrays:
    """`gradient_h0`: ‖∂L/∂h_0‖ of each sequence's own loss, mean over sequences."""
    batch = _first_sequences(task)
    with torch.enable_grad():
        W, state = _start(network, batch.inputs)
        outputs, _ = network(batch.inputs, state, every=task.readout_every, W=W)
        loss = task.loss_of(outputs, batch)
        h = network.by_layer(state)[-1][0]
        (gradient,) = torch.autograd.grad(loss.sum() * batch.inputs.shape[2], h)
    return {"gradient_h0": _mean_norms([gradient])}


@torch.no_grad()
def forgetting(network: Any, task: Any) -> Arrays:
    """r(k): mean distance of the states k steps after a change of x(t0), as a multiple of that at k = 0.

    r(k) = ⟨‖h(t0+k; x+δ) − h(t0+k; x)‖⟩ / ⟨‖h(t0; x+δ) − h(t0; x)‖⟩, ⟨⟩ over the sequences, at t0 = T/10 for
    k = 0 … T−1−t0 (reproduction card of ENRNN, section 6). Not a number where the input does not reach h(t0).
    """
    inputs = _first_sequences(task).inputs
    at = inputs.shape[1] // 10
    changed = inputs.clone()
    if inputs.is_floating_point():
        changed[:, at] += DELTA
    else:
        changed[:, at] = (changed[:, at] + 1) % task.input_size
    pairs = zip(unroll(network, inputs), unroll(network, changed), strict=True)
    distances = [after - before for before, after in pairs][at + 1 :]
    found = {}
    for prefix, part in parts(network).items():
        curve = _mean_norms([distance[..., part] for distance in distances])
        with np.errstate(invalid="ignore", divide="ignore"):
            found[f"{prefix}forgetting"] = curve / curve[:, :1]
    return found


def parts(network: Any) -> dict[str, slice]:
    """Prefix of the metrics -> part of the hidden state: all, then long-term and short-term part, if any."""
    found, start = {"": slice(None)}, 0
    arrays = network.arrays()
    for name in ("long", "short"):
        if name in arrays:
            size = arrays[name].shape[-1]
            found[f"{name}_"] = slice(start, start + size)
            start += size
    return found


def unroll(network: Any, inputs: Tensor) -> list[Tensor]:
    """h_0, h_1, …, h_T of the last layer, each (S, B, N) from the state before, so that each has its gradient."""
    W, state = _start(network, inputs)
    states = [network.by_layer(state)[-1][0]]
    for x in inputs.split(1, dim=1):
        _, state = network.hidden(x, state, W=W)
        states.append(network.by_layer(state)[-1][0])
    return states


def _start(network: Any, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """W and the first state, detached; the gradient reaches the state if gradients are on."""
    with torch.no_grad():
        W = network.build()
        _, like = network.hidden(inputs[:, :1], W=W)
        state = network.first(like)
    grad = torch.is_grad_enabled()
    return W, tuple(part.clone().requires_grad_(grad) for part in state)


def _first_sequences(task: Any) -> Any:
    """The first training batch, reduced to its first sequences."""
    batch = task.batch(0)
    targets = batch.targets.narrow(2 if task.readout_every else 1, 0, min(SEQUENCES, batch.inputs.shape[2]))
    lengths = None if batch.lengths is None else batch.lengths[:, :SEQUENCES]
    return replace(batch, inputs=batch.inputs[:, :, :SEQUENCES], targets=targets, lengths=lengths)


def _mean_norms(vectors: list[Tensor]) -> np.ndarray:
    """(S, B, n) vectors at T times -> (S, T) norms, mean over B.

    A run at a time, since the order of additions in one reduction over all runs may depend on their number.
    """
    runs = zip(*(vector.detach().cpu().double().numpy() for vector in vectors), strict=True)
    return np.array([[np.linalg.norm(at, axis=-1).mean() for at in run] for run in runs])
