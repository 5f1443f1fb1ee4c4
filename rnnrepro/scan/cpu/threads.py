"""How the runs of a scan, and the sequences of their batches, go over the threads of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from rnnrepro.scan.cpu.blas import one_thread

LEAST_ROWS = 8
"""Products of fewer rows than this waste most of a vector unit, so batches are not cut smaller."""


class Item(NamedTuple):
    """The sequences [b0, b1) of a run; `tile` counts such pieces of a batch."""

    run: int
    tile: int
    b0: int
    b1: int


def tiles(runs: int, batch: int, threads: int) -> int:
    """Into how many pieces each batch is cut: the fewest that give every thread the same number of them."""
    for count in range(1, threads + 1):
        if runs * count % threads == 0 and (count == 1 or batch // count >= LEAST_ROWS):
            return count
    return 1


def items(runs: int, batch: int, count: int) -> list[Item]:
    """Every piece of every run, each batch cut into `count` of nearly one size."""
    bounds = [batch * i // count for i in range(count + 1)]
    return [Item(run, i, bounds[i], bounds[i + 1]) for run in range(runs) for i in range(count)]


def for_each(function: Callable[[Item], None], work: list[Item], threads: int) -> None:
    """`function` of every item, on so many threads; what one raises is raised here."""
    if threads == 1 or len(work) == 1:
        _run(function, work)
        return
    shares = [work[i::threads] for i in range(min(threads, len(work)))]
    for done in [_pool(threads).submit(_run, function, share) for share in shares]:
        done.result()


def _run(function: Callable[[Item], None], share: list[Item]) -> None:
    with one_thread(), _without_denormals():
        for item in share:
            function(item)


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Numbers below 1.2e-38 count as 0 on this thread.

    A gradient that vanishes over time ends in such numbers, with which a processor computes ten times slower.
    """
    flushed = np.float32(1e-30) * np.float32(1e-10) == 0
    if flushed:
        yield
        return
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="scan")
