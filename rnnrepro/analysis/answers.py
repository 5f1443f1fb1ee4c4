"""What networks answer to the trials of a test (torch): rows of `rnnrepro.tables.ANALYSES`.

Each takes (network, task) and returns {metric: (S, n) float64 array}, empty for tasks without such trials.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnrepro.models.interaction import greedy

Arrays = dict[str, np.ndarray]

SIGNALS = "half_squared_error"
"""The metric of tasks whose targets are signals."""

TRIALS = 32
"""Trials that are kept, at most."""


@torch.no_grad()
def outputs(network: Any, task: Any) -> Arrays:
    """`output` and `target` of the trials that are judged, and `output_shape`: trials B, steps T, outputs K.

    Both are stored trial by trial, in each step by step, in each output by output: (S, B T K). Trials that go on from
    the state of those before are one long trial; a network with a loop answers a round of its own choices. Tasks whose
    targets are signals have them, B at most 32.
    """
    split = next(iter(task.evaluation_splits), None)
    if split is None or SIGNALS not in task.metrics:
        return {}
    answered = _answered(network, task, split)
    both = [torch.cat([pair[i] for pair in answered], dim=2)[:, :, :TRIALS] for i in range(2)]
    runs, steps, trials, size = both[0].shape
    answers, targets = (_numbers(each.transpose(1, 2)).reshape(runs, -1) for each in both)
    shape = np.array([(trials, steps, size)] * runs, dtype=np.float64)
    return {"output": answers, "target": targets, "output_shape": shape}


def _answered(network: Any, task: Any, split: str) -> list[tuple[Tensor, Tensor]]:
    """(outputs, targets), (S, T, B, K) each, of one or more batches that each start anew."""
    if network.loop is not None and hasattr(task, "actions"):
        (whole,) = task.evaluation(split)
        return [(greedy(network, task).outputs, whole.targets)]
    found: list[tuple[Tensor, Tensor]] = []
    carried = None
    for batch in task.evaluation(split):
        answers, carried = network(batch.inputs, None if batch.reset else carried, every=True)
        pair = answers, batch.targets
        if batch.reset or not found:
            found.append(pair)
        else:
            found[-1] = tuple(torch.cat(each, dim=1) for each in zip(found[-1], pair, strict=True))
    return found


@torch.no_grad()
def peak_times(network: Any, task: Any) -> Arrays:
    """When the output peaks after the second of two pulses, for each delay between them that is tested.

    `peak_delay` and `peak_time` (S, delays), in steps, the time counted from the centre of the second pulse, and
    `peak_error` (S, 1), the mean distance between the two. (Murray 2019, Fig. 3: on the diagonal where the interval is
    matched.) Tasks that test such `delays` have them.
    """
    delays = list(getattr(task, "delays", ()))
    if not delays or not task.evaluation_splits:
        return {}
    (batch,) = task.evaluation(task.evaluation_splits[0])
    answers = network(batch.inputs, every=True)[0].squeeze(-1).cpu()  # (S, T, delays)
    peaks = [
        1 + answers[:, task.first + delay :, i].argmax(1).double().numpy() for i, delay in enumerate(delays)
    ]
    times, wanted = np.stack(peaks, axis=1), np.array([delays] * len(answers), dtype=np.float64)
    errors = np.array([[row.mean()] for row in abs(times - wanted)])
    return {"peak_delay": wanted, "peak_time": times, "peak_error": errors}


def _numbers(values: Tensor) -> np.ndarray:
    return values.cpu().double().numpy()
