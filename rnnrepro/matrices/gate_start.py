"""First values of a free recurrent matrix, gate by gate: normal ones, and chains (Orhan and Pitkow 2020, Section 2).

Row convention: a state is multiplied as `state @ W`, so an entry at row j and column i is the weight from unit j to
unit i, and the paper's matrices stand here transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.initialisers import orthogonal
from rnnrepro.tables import ORIENTATIONS

_RAMP = 0.01
_MIXED_CHAIN = 1.02
_OF_LSTM = 4
_UPDATE_GATE = 2  # of the gates i, f, g, o the one through tanh
_WITHOUT_GAIN = 1.0


def gate_start(
    init: str,
    generators: Sequence[Generator],
    size: int,
    width: int,
    gains: Sequence[float],
    forward: float,
    orientation: str,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """W (S, size, width) by a row of `tables.GATE_INITIALISERS`, each gate's block drawn by itself.

    `gains` has a number for each run: λ of `identity`, `first_gate_identity` and `orthogonal`, α of `chain`, β of
    `fbchain`, whose other weight is `forward`. `orientation`, of `tables.ORIENTATIONS`: which way a chain runs. Raises
    Fault for a width that is not of gates, `mixed` without the four gates of an LSTM or with a gain, an unknown
    orientation, and another number of gains than runs.
    """
    _check(init, len(generators), size, width, gains, orientation)
    runs = [
        torch.cat([_block(init, g, size, gain, forward, gate) for gate in range(width // size)], dim=1)
        for g, gain in zip(generators, gains, strict=True)
    ]
    start = torch.stack(runs)
    if orientation == "torch_release":
        start = torch.cat([block.mT for block in start.split(size, dim=2)], dim=2)
    return start.to(dtype)


def no_gains(init: str, gains: Sequence[float]) -> None:
    """Raises Fault for a gain given to a start that has none: it would be passed over in silence."""
    if any(gain != _WITHOUT_GAIN for gain in gains):
        raise Fault(f"the start {init!r} has no gain; leave out `gain`, here {sorted(set(gains))}")


def _check(init: str, runs: int, size: int, width: int, gains: Sequence[float], orientation: str) -> None:
    if orientation not in ORIENTATIONS:
        raise Fault(f"unknown orientation {orientation!r}{nearest(orientation, ORIENTATIONS)}")
    if len(gains) != runs:
        raise Fault(f"a gain for each run: {runs} runs, {len(gains)} gains")
    if width % size:
        raise Fault(f"{init!r} starts whole gates of {size} columns, not {width} columns")
    if init == "mixed":
        if width != _OF_LSTM * size:
            raise Fault(f"'mixed' is a start for the four gates of an LSTM, not for {width // size}")
        no_gains(init, gains)


def _block(init: str, generator: Generator, size: int, gain: float, forward: float, gate: int) -> Tensor:
    """The block of one gate in the paper's orientation, (size, size), float64."""
    return _BLOCKS[init](generator, size, gain, forward, gate)


def _diagonal(size: int, offset: int, value: float) -> Tensor:
    return value * torch.diag(torch.ones(size - abs(offset), dtype=torch.float64), offset)


def _ramp(size: int) -> Tensor:
    """From −0.01 to 0.01 along the diagonals: 0.01 (i − j) / (size − 1) from unit j to unit i."""
    place = torch.arange(size, dtype=torch.float64)
    return _RAMP * (place[None, :] - place[:, None]) / max(1, size - 1)


def _mixed(size: int, gate: int) -> Tensor:
    return _diagonal(size, 1, _MIXED_CHAIN) if gate == _UPDATE_GATE else _ramp(size)


# By (generator, size, gain, feed-forward weight, gate).
_BLOCKS: dict[str, Callable[[Generator, int, float, float, int], Tensor]] = {
    "identity": lambda drawn, size, gain, forward, gate: gain * torch.eye(size, dtype=torch.float64),
    "first_gate_identity": lambda drawn, size, gain, forward, gate: _diagonal(size, 0, 0.0 if gate else gain),
    "orthogonal": lambda drawn, size, gain, forward, gate: gain * orthogonal(drawn, size),
    "chain": lambda drawn, size, gain, forward, gate: _diagonal(size, 1, gain),
    "fbchain": lambda drawn, size, gain, forward, gate: (
        _diagonal(size, 1, forward) + _diagonal(size, -1, gain)
    ),
    "mixed": lambda drawn, size, gain, forward, gate: _mixed(size, gate),
}
