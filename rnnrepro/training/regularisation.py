"""What is added to the loss for the gradient only: penalties on the activity of the last layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from rnnrepro.models.network import Trace
from rnnrepro.reduce import sum_per_run


def regularisation(trace: Trace, training: Mapping[str, Any]) -> Tensor | None:
    """α · mean of the squares of h after dropout + β · mean of those of h_{t+1} − h_t before it, (S,); or None.

    α and β are the settings `activation_penalty` and `temporal_penalty`; the means are over all times, sequences and
    units (Merity, McCann and Socher 2017). A sequence of one step has no change.
    """
    activation, temporal = training["activation_penalty"], training["temporal_penalty"]
    terms = []
    if activation:
        terms.append(activation * _mean_square(trace.read))
    if temporal and trace.raw.shape[1] > 1:
        terms.append(temporal * _mean_square(trace.raw[:, 1:] - trace.raw[:, :-1]))
    return sum(terms[1:], terms[0]) if terms else None


def _mean_square(x: Tensor) -> Tensor:
    return sum_per_run(x * x) / x[0].numel()
