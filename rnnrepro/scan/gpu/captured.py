"""Sequences of launches as CUDA graphs: captured once for each problem, then replayed with other numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

Body = Callable[[Sequence[Tensor]], list[Tensor]]

LIMIT = 8
"""Graphs kept; each holds copies of its tensors in the GPU's memory, and the one unused for longest goes first."""

_kept: OrderedDict[Hashable, Graph | None] = OrderedDict()


class Graph:
    """The launches of `body`, with places of their own for what goes in and comes out."""

    def __init__(self, body: Body, tensors: Sequence[Tensor]) -> None:
        self.given = [x.clone() for x in tensors]
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.found = body(self.given)

    def __call__(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """`body` of these tensors, in tensors of the caller's own: the next call overwrites the graph's."""
        for own, given in zip(self.given, tensors, strict=True):
            own.copy_(given)
        self.graph.replay()
        return [x.clone() for x in self.found]


def run(key: Hashable, body: Body, tensors: Sequence[Tensor]) -> list[Tensor]:
    """`body(tensors)`, from the second call with a key on as a replayed graph; `body` must be one function of `key`.

    The first call launches plainly, which also compiles the kernels (that cannot be captured), so that shapes that
    come once are never captured. Without a GPU, and inside a capture of the caller's own, all launches are plain;
    where memory is short all graphs are given up first.
    """
    if not capturable(tensors):
        return body(tensors)
    full = (
        key,
        tensors[0].device,
        tuple(x.shape for x in tensors),
        torch.backends.cuda.matmul.fp32_precision,
    )
    try:
        return _replayed(full, body, tensors)
    except torch.OutOfMemoryError:
        _kept.clear()
        return body(tensors)


def _replayed(full: Hashable, body: Body, tensors: Sequence[Tensor]) -> list[Tensor]:
    if full not in _kept:
        _kept[full] = None
        while len(_kept) > LIMIT:
            _kept.popitem(last=False)
        return body(tensors)
    _kept.move_to_end(full)
    graph = _kept[full] = _kept[full] or Graph(body, tensors)
    return graph(tensors)


def capturable(tensors: Sequence[Tensor]) -> bool:
    """Whether launches on these tensors can be captured here and now."""
    return tensors[0].is_cuda and not torch.cuda.is_current_stream_capturing()
