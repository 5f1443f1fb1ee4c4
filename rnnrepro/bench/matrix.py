"""Cases of the matrices that an optimiser step builds, each against the peer at hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender

if TYPE_CHECKING:
    from rnnrepro.bench.matrices import MatrixCase


def cases() -> list[Case]:
    """One case a row of `rnnrepro.bench.matrices`: one matrix, forward and backward, on a CPU."""
    if find_spec("rnnrepro.bench.matrices") is None:  # TEMPORARY until it has landed
        return []
    from rnnrepro.bench import matrices

    return [
        Case(
            f"matrix/{row.name}/{row.n}",
            f"{row.name}, n = {row.n}",
            Sizes(1, 1, row.n, 1),
            partial(contenders, row),
            weight=0.5,
            device="cpu",
        )
        for row in matrices.cases()
    ]


def contenders(row: MatrixCase, sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """Ours and the peer; the sizes are the row's own."""
    return [
        Contender(row.peer_name, row.peer, "peer", base=True),
        Contender("ours", row.ours, "engine", lead=True),
    ]
