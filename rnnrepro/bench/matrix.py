"""Cases of the matrices that an optimiser step builds, each against the peer at hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rnnrepro.bench import matrices
from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.matrices import MatrixCase
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender


def cases() -> list[Case]:
    """One case a row of `rnnrepro.bench.matrices`, on a CPU."""
    return [
        Case(
            f"matrix/{row.name}/{row.n}",
            f"{row.name}, N = {row.n}, against {row.peer_name}",
            Sizes(1, 1, row.n, 1),
            partial(contenders, row),
            weight=0.5,
            device="cpu",
            fixed=True,
        )
        for row in matrices.cases()
    ]


def contenders(row: MatrixCase, sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The peer and ours; the sizes are the row's own."""
    return [
        Contender(row.peer_name, row.peer, "peer", base=True),
        Contender("ours", row.ours, "engine", lead=True),
    ]
