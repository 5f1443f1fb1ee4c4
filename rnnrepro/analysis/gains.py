"""How much one step can stretch a change of a unit's input (torch): a row of `rnnrepro.tables.ANALYSES`.

Takes (network, task) and returns {metric: (S, n) float64 array}, empty where the units have gates or two stages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.analysis.trajectories import SEQUENCES
from rnnrepro.drives.projection import Embedded, Factored, Stepped
from rnnrepro.reduce import product
from rnnrepro.scan.plain import joined, parts_of
from rnnrepro.updates.base import State

Arrays = dict[str, np.ndarray]


@torch.no_grad()
def modrelu_gain(network: Any, task: Any) -> Arrays:
    """max_j (|∂f/∂z_j| + |∂f/∂z̄_j|) at t = 1 … T of the first training sequences, mean over at most 32 of them.

    f is what the update makes of z = h_{t−1} W + x_t U + bias, from the hand-written derivative that training uses;
    of real units it is |f'|. The sum is the largest factor by which f stretches a small change of z. (Maduranga,
    Helfrich and Ye 2019.)
    """
    layer = network.layers[0]
    stage, first = layer.rule.stages[0], layer.rule.state[0]
    if len(layer.rule.stages) > 1 or len(stage.inputs) != len(first) or stage.backward is None:
        return {}
    return {"modrelu_gain": _means(_gains(network, layer, task.batch(0).inputs[:, :, :SEQUENCES]))}


def _gains(network: Any, layer: Any, inputs: Tensor) -> list[Tensor]:
    """The stretch of every unit at every time: T tensors (S, B, N)."""
    x = inputs if network.embedding is None else Embedded(inputs, network.embedding)
    z, _ = layer.drive(x)
    z, scalars = (z.z, z.scalars) if isinstance(z, Stepped) else (z, {})
    z = z.dense() if isinstance(z, Factored) else z
    W, state = layer.matrix.build(), layer.first(inputs.shape[0], inputs.shape[2])
    own = {name: value.reshape(len(value), 1, -1) for name, value in layer.update.items()}
    found = []
    for t, z_t in enumerate(z.unbind(1)):
        steps = {name: value[:, t, None, None] for name, value in scalars.items()}
        stretch, state = _step(layer.rule, {**layer.rule.constants, **own, **steps}, W, z_t, state)
        found.append(stretch)
    return found


def _step(rule: Any, known: dict[str, Any], W: Tensor, z_t: Tensor, state: State) -> tuple[Tensor, State]:
    stage, outputs = rule.stages[0], [name for slot in rule.state for name in slot]
    u = (product(state[rule.reads], W) + z_t).chunk(rule.gates, dim=-1)
    before = {**known, **parts_of(rule, state), **dict(zip(stage.inputs, u, strict=True))}
    made = stage.run(before)
    # The derivative reads a new part of the state under the name of the old one.
    after = {**before, **dict(zip((*outputs, *stage.saves), made, strict=True))}
    after |= {f"d{name}": torch.zeros_like(u[0]) for name in outputs}
    rows = [stage.pull_back({**after, f"d{name}": torch.ones_like(u[0])}) for name in rule.state[0]]
    return stretch([[row[name] for name in stage.inputs] for row in rows]), joined(rule, made)


def stretch(jacobian: list[list[Tensor]]) -> Tensor:
    """The largest factor by which each unit stretches a change: |f'| of a real one, |∂f/∂z| + |∂f/∂z̄| of a complex.

    `jacobian` holds the 1 × 1 or 2 × 2 real derivatives, row by row, each of the units' shape.
    """
    if len(jacobian) == 1:
        return jacobian[0][0].abs()
    (a, b), (c, d) = jacobian
    return (torch.hypot(a + d, c - b) + torch.hypot(a - d, c + b)) / 2


def _means(stretches: list[Tensor]) -> np.ndarray:
    """Largest over units, mean over sequences, a run at a time: T tensors (S, B, N) -> (S, T)."""
    largest = torch.stack([each.amax(-1) for each in stretches], 1).cpu().double().numpy()
    return np.array([[at.mean() for at in run] for run in largest])
