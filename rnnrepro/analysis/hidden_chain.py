"""The hidden chain of a stack of networks (torch): a row of `rnnrepro.tables.ANALYSES`.

Takes (network, task) and returns {metric: (S, n) float64 array}, empty where units are complex.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro import streams
from rnnrepro.analysis import chains

Arrays = dict[str, np.ndarray]

STEPS = 100
"""Steps without input after the pulse."""

JITTER = 1e-3
"""Standard deviation, in steps, of what is added to the time of a peak, so that ties fall as chance has it."""

SYMBOL = 1
"""The pulse of a task whose inputs are symbols. Symbol 0 is the blank where a task has one."""


@torch.no_grad()
def hidden_chain(network: Any, task: Any) -> Arrays:
    """M(k) and its asymmetry A (`rnnrepro.analysis.chains`), of gated units those of each gate's weights.

    A pulse of 1 on all channels (of symbol 1, where inputs are symbols) and 100 steps without input, from the first
    state; the units are ordered by when h is largest. Of a stack of layers it is the middle one, the second of three.
    """
    layers = network.layers
    if layers[0].matrix.planes > 1:
        return {}
    x = _pulse(network, task)
    for layer in layers[: len(layers) // 2 + 1]:
        x, _ = layer(x)
    weights, gates = layer.matrix.build(), layer.rule.stages[0].inputs
    runs = [
        _of_run(h[:, 0], w, seed, gates)
        for h, w, seed in zip(_numbers(x), _numbers(weights), task.seeds, strict=True)
    ]
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def _pulse(network: Any, task: Any) -> Tensor:
    """(S, 1 + STEPS, 1, D), or embedded (S, 1 + STEPS, 1, E), where a step without input is a row of zeros."""
    width = task.input_size
    pulse = network.readout.new_ones(network.runs, 1, width)
    if task.index_inputs:
        pulse = torch.zeros_like(pulse).index_fill_(-1, torch.tensor(SYMBOL, device=pulse.device), 1.0)
    if network.embedding is not None:
        pulse = torch.bmm(pulse, network.embedding)
    return torch.cat([pulse[:, None], pulse.new_zeros(network.runs, STEPS, *pulse.shape[1:])], dim=1)


def _numbers(x: Tensor) -> np.ndarray:
    return x.cpu().double().numpy()


def _of_run(activity: np.ndarray, weights: np.ndarray, seed: int, gates: tuple[str, ...]) -> Arrays:
    """Of one run: `activity` (T, N), `weights` (N, gates · N) in row form."""
    jitter = streams.generator("hidden_chain", seed).normal(0.0, JITTER, activity.shape[1])
    order = chains.order_of_peaks(activity, jitter)
    found = {}
    for gate, block in zip(gates, np.split(weights, len(gates), axis=1), strict=True):
        name = f"_{gate}" if len(gates) > 1 else ""
        curve = chains.profile(
            block.T, order
        )  # a row of W is a sending unit here, a receiving one in the paper
        found |= {
            f"chain_profile{name}": curve,
            f"chain_asymmetry{name}": np.array([chains.asymmetry(curve)]),
        }
    return found
