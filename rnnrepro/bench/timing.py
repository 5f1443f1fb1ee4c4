"""Several ways of doing the same thing, timed in turn, so that a change of the machine's speed meets all alike."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

ROLES = ("engine", "plain", "peer", "floor")
SHORTEST = 0.02  # seconds: what is faster is called several times a sample, with warm caches as in training
ROUNDS = 3


@dataclass(frozen=True)
class Contender:
    """One of the ways. `call` does the whole work of `runs` runs once and returns when it is done.

    `base` is what the ratios of a case are against, `lead` the one that stands for the engine; `flops` counts the
    products of a call. `role` is one of `ROLES`.
    """

    name: str
    call: Callable[[], Any]
    role: str
    runs: int = 1
    threads: int = 1
    base: bool = False
    lead: bool = False
    flops: float | None = None


def measure(
    contenders: Sequence[Contender], seconds: float, *, rounds: int = ROUNDS, shortest: float = SHORTEST
) -> np.ndarray:
    """Seconds a call, (rounds, contenders): all are called in turn until `seconds` are used, `rounds` times at least.

    A first call of each, which compiles and fills caches, does not count; a sample lasts `shortest` seconds at
    least, and the number of threads is set before it. The order moves on by one from round to round.
    """
    with _undisturbed():
        repeats = [_repeats(contender, shortest) for contender in contenders]
        found: list[list[float]] = []
        end = time.perf_counter() + seconds
        while len(found) < rounds or time.perf_counter() < end:
            sample = [0.0] * len(contenders)
            for place in range(len(contenders)):
                i = (place + len(found)) % len(contenders)
                sample[i] = _sample(contenders[i], repeats[i])
            found.append(sample)
    return np.array(found)


def _repeats(contender: Contender, shortest: float) -> int:
    """How often a sample calls it. The call before may have compiled something, so a short one is timed again."""
    first = _sample(contender, 1)
    again = first if first > 1.0 else _sample(contender, 1)
    return max(1, math.ceil(shortest / again))


def _sample(contender: Contender, repeats: int) -> float:
    use_threads(contender.threads)
    begin = time.perf_counter()
    for _ in range(repeats):
        contender.call()
    return (time.perf_counter() - begin) / repeats


def use_threads(count: int) -> None:
    """Let PyTorch use so many threads, and start them now rather than in the next call."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
        torch.mm(torch.ones(256, 256), torch.ones(256, 256))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for a while."""
    before = torch.get_num_threads()
    use_threads(count)
    try:
        yield
    finally:
        use_threads(before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector; the number of threads is afterwards what it was."""
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        with threads(torch.get_num_threads()):
            yield
    finally:
        if collecting:
            gc.enable()
