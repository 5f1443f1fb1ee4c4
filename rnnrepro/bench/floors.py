"""What no scan can beat: the time of its matrix products alone, and the machine's own rate of products."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rnnrepro.bench import timing
from rnnrepro.bench.sizes import Sizes

MANY = 16  # runs: of more, products one by one are not worth a trial
LONG = 0.1  # seconds: of what takes longer, the first call is trial enough
Call = Callable[[], None]


def recurrent(sizes: Sizes, gates: int, stages: int, device: str) -> tuple[Call, float]:
    """The products of a recurrence, forward and backward, by the fastest way found, and their operations.

    For each run and each stage: T products B×N by N×M, as many back, and one N×(TB) by (TB)×M for the weights'
    gradient, with M = gates · N. No step waits for the one before, so this is a floor and not an estimate.
    """
    ways = _ways(sizes, gates, device)
    fastest = min(ways, key=lambda way: _seconds(waiting(way, device)))
    flops = 6.0 * stages * sizes.runs * sizes.time * sizes.batch * sizes.hidden * gates * sizes.hidden

    def products() -> None:
        for _ in range(stages):
            fastest()

    return waiting(products, device), flops


def network(
    sizes: Sizes, gates: int, stages: int, *, inputs: int, outputs: int, read: int, device: str
) -> tuple[Call, float]:
    """As `recurrent`, with the products of the inputs (x U and U's gradient; `inputs` 0: looked up, not multiplied)
    and of a read-out of `read` times (three products)."""
    scanned, flops = recurrent(sizes, gates, stages, device)
    rows, width = sizes.time * sizes.batch, gates * sizes.hidden
    shapes = [(rows, inputs, width), (inputs, rows, width)] if inputs else []
    seen = read * sizes.batch
    shapes += [(seen, sizes.hidden, outputs), (seen, outputs, sizes.hidden), (sizes.hidden, seen, outputs)]
    others = [_product(sizes.runs, *shape, device) for shape in shapes]

    def products() -> None:
        scanned()
        for product in others:
            product()

    return waiting(products, device), flops + sum(2.0 * sizes.runs * a * b * c for a, b, c in shapes)


def rate(threads: int, device: str, size: int = 1024, repeats: int = 12) -> float:
    """GFLOP/s of the best of `repeats` products of two square float32 matrices, the machine's own product rate."""
    call = waiting(_product(1, size, size, size, device), device)
    with timing.threads(threads):
        seconds = min(_once(call) for _ in range(repeats))
    return 2.0 * size**3 / seconds / 1e9


def _ways(sizes: Sizes, gates: int, device: str) -> Sequence[Call]:
    """The same products with the runs one by one, all runs at a step together, and all steps of a run together."""
    s, b, n, t = sizes.runs, sizes.batch, sizes.hidden, sizes.time
    m = gates * n
    weight = torch.randn(s, n, m, device=device) / n**0.5
    back = weight.mT.contiguous()  # products with a transposed view take up to twice as long
    h, dh = torch.randn(s, t, b, n, device=device), torch.ones(s, t, b, n, device=device)
    u, gradient = torch.randn(s, t, b, m, device=device), torch.ones(s, n, m, device=device)

    def steps_of_runs() -> None:
        for i in range(s):
            _each(torch.mm, h[i], weight[i], u[i])
            _each(torch.mm, u[i], back[i], dh[i])
        weights()

    def steps() -> None:
        _each(torch.bmm, h.transpose(0, 1), weight, u.transpose(0, 1))
        _each(torch.bmm, u.transpose(0, 1), back, dh.transpose(0, 1))
        weights()

    def runs() -> None:
        for i in range(s):
            torch.bmm(h[i], weight[i].expand(t, n, m), out=u[i])
            torch.bmm(u[i], back[i].expand(t, m, n), out=dh[i])
        weights()

    def weights() -> None:
        torch.bmm(h.view(s, -1, n).mT, u.view(s, -1, m), out=gradient)

    return (steps_of_runs, steps, runs) if s <= MANY else (steps, runs)


def _each(product: Callable[..., Tensor], left: Tensor, right: Tensor, out: Tensor) -> None:
    for a, o in zip(left.unbind(0), out.unbind(0), strict=True):
        product(a, right, out=o)


def _product(runs: int, a: int, b: int, c: int, device: str) -> Call:
    left, right = torch.randn(runs, a, b, device=device), torch.randn(runs, b, c, device=device)
    out = torch.empty(runs, a, c, device=device)
    return lambda: torch.bmm(left, right, out=out)


def _seconds(call: Call) -> float:
    first = _once(call)
    return first if first > LONG else min(_once(call) for _ in range(3))


def _once(call: Call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def waiting(call: Call, device: str) -> Call:
    """`call`, back only when the device has done its work."""
    if not device.startswith("cuda"):
        return call

    def both() -> None:
        call()
        torch.cuda.synchronize()

    return both
