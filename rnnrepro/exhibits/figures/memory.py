"""Memory of sequential linear networks (Orhan and Pitkow 2020, Fig. 1): nothing is trained.

`part` of a reported total reads `net=chain,alpha=1.02`, `net=fbchain,alpha=0.99,beta=0.04` or
`net=orthogonal,lambda=0.99`; its metric is `j_total` or `henrici`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.analysis import sequential
from rnnrepro.analysis.nonnormality import henrici
from rnnrepro.errors import Fault
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.reported import Reported

NAMES = {
    "identity": "scaled identity",
    "orthogonal": "random orthogonal",
    "chain": "chain",
    "fbchain": "chain with feedback",
}
_DASHES = dict(zip(NAMES, ((0, (4, 1.6)), "-", "-", (0, (1.2, 1.2))), strict=True))


@dataclass(frozen=True)
class _Look:
    """How a kind of network is told and drawn: the letter of its gain, J_tot without feedback by (gain, N)."""

    letter: str
    closed: Callable[[float, int], float]
    feeds_back: bool = False
    below: bool = False


_NORMAL = {"letter": "λ", "closed": lambda gain, size: sequential.normal_total_memory(gain)}
_SEQUENTIAL = {"letter": "α", "closed": sequential.chain_total_memory}
_LOOKS = {
    "identity": _Look(**_NORMAL),
    "orthogonal": _Look(**_NORMAL, below=True),  # drawn wide, since identity lies on it
    "chain": _Look(**_SEQUENTIAL),
    "fbchain": _Look(**_SEQUENTIAL, feeds_back=True),
}
_QUANTITIES = {"j_total": "J_tot", "henrici": "d(W)"}


def draw(view: View) -> Drawn:
    """Option `show`: the curves J(k), the norms ‖W^k v‖, both, or the totals beside the reported ones."""
    show = view.choice("show", ("curves", "signal", "both", "table"))
    return _totals(view) if show == "table" else _curves(view, show)


def drawn_nets(view: View) -> dict[str, tuple[float, float]]:
    """{kind: (gain, feedback)} of the networks that are drawn."""
    normal, gain = view.option("normal", 0.99), view.option("chain", 1.05)
    return {
        "identity": (normal, 0.0),
        "orthogonal": (normal, 0.0),
        "chain": (gain, 0.0),
        "fbchain": (gain, view.option("feedback", 0.05)),
    }


def label(kind: str, gain: float, feedback: float) -> str:
    """`chain with feedback, α = 1.05, β = 0.05`."""
    said = f"{NAMES[kind]}, {_LOOKS[kind].letter} = {gain:g}"
    return f"{said}, β = {feedback:g}" if _LOOKS[kind].feeds_back else said


def _curves(view: View, show: str) -> Drawn:
    size, steps = view.option("size", 100), view.option("steps", 150)
    nets = drawn_nets(view)
    made = {kind: sequential.net(kind, size, *gains) for kind, gains in nets.items()}
    memory = {kind: net.memory(steps) for kind, net in made.items()}
    signal = {kind: net.signal(steps) for kind, net in made.items()}
    kinds = {"both": ("curves", "signal")}.get(show, (show,))
    with style.journal():
        drawn, axes = layout.panels(len(kinds), height_mm=66 if len(kinds) > 1 else 62)
        for ax, kind in zip(axes, kinds, strict=True):
            _panel(ax, memory if kind == "curves" else signal)
            ax.set_ylabel("Fisher memory J(k)" if kind == "curves" else "norm of the signal ‖W$^k$v‖")
        axes[0].set_ylim(*{"curves": (1e-4, 1.3)}.get(kinds[0], axes[0].get_ylim()))
        for ax in axes:
            layout.log_axis(ax.yaxis)
        style.panel_letters(axes)
        layout.shared_legend(
            drawn,
            [(label(kind, *gains), style.colour(kind), _DASHES[kind]) for kind, gains in nets.items()],
            columns=2,
        )
    notes = [
        f"N = {size}; signal into the first unit of the chains, along a random direction of the normal networks; "
        "noise of variance 1 at every unit and step. Identity and orthogonal coincide, as theory says. The lines of "
        "the chain end at k = N, where it is exactly zero."
    ]
    return Drawn(
        drawn,
        _curve_numbers(nets, memory, signal, made),
        notes,
        "Linear networks of four kinds by the number of steps since a pulse: the normal ones fade from the start, "
        "the chains amplify the signal for about N steps, and remember more in total.",
    )


def _panel(ax: Axes, curves: dict[str, np.ndarray]) -> None:
    for kind, curve in curves.items():
        k = np.flatnonzero(curve > 1e-12)
        ax.plot(
            k,
            curve[k],
            color=style.colour(kind),
            linestyle=_DASHES[kind],
            linewidth=2.4 if _LOOKS[kind].below else 1.2,
            zorder=2 if _LOOKS[kind].below else 3,
        )
    ax.set_yscale("log")
    ax.set_xlim(0, len(curve))
    ax.set_xlabel("steps since the pulse k")


def _curve_numbers(nets: dict, memory: dict, signal: dict, made: dict) -> Numbers:
    rows = [
        {
            "net": label(kind, *gains),
            **{f"j_{k}": float(memory[kind][k]) for k in (0, 10, 50) if k < len(memory[kind])},
            "total": made[kind].total_memory(),
            "peak": float(signal[kind].max()),
            "peak_at": int(signal[kind].argmax()),
        }
        for kind, gains in nets.items()
    ]
    headings = {"net": "network", "j_0": "J(0)", "j_10": "J(10)", "j_50": "J(50)", "total": "J_tot"}
    return Numbers({**headings, "peak": "largest ‖W^k v‖", "peak_at": "at k"}, rows)


def _totals(view: View) -> Drawn:
    size = view.option("size", 100)
    printed = [row for row in view.reported() if row.metric in _QUANTITIES]
    rows = [_row(view, row, size) for row in printed] or [
        _measured(kind, gains, "j_total", size) for kind, gains in drawn_nets(view).items()
    ]
    totals = [row for row in rows if row["quantity"] == _QUANTITIES["j_total"]]
    with style.journal():
        drawn = style.figure(14 + 5.5 * len(totals), wide=False)
        _dots(drawn.add_subplot(), totals)
    headings = {
        "quantity": "quantity",
        "net": "network",
        "reported": "reported",
        "status": "status",
        "closed": "closed form",
        "ours": "ours",
    }
    notes = [
        f"N = {size}. Closed forms: Σ α^2k / Σ α^2i of a chain, 1 of every normal network below λ = 1, and for d(W) "
        "|α − β| √(N−1), or 0. d(W) of ours is from eigenvalues in double precision, which are ill-conditioned for "
        "chains with feedback: so d(W) is told of normally initialised networks alone."
    ]
    return Drawn(
        drawn,
        Numbers(headings, rows, digits=5),
        notes,
        "Total Fisher memory of each network, ours on the reported value.",
    )


def _row(view: View, printed: Reported, size: int) -> dict[str, Any]:
    said = dict(printed.settings)
    kind = said.pop("net", "")
    try:
        gains = float(said.pop("alpha", None) or said.pop("lambda")), float(said.pop("beta", 0))
    except (KeyError, ValueError):
        raise Fault(
            f"{view.where}: reported {printed.part!r}: give net, alpha (or lambda) and, for fbchain, beta"
        ) from None
    found = _measured(kind, gains, printed.metric, size)
    return {**found, "reported": printed.value, "status": printed.status}


def _measured(kind: str, gains: tuple[float, float], metric: str, size: int) -> dict[str, Any]:
    net = sequential.net(kind, size, *gains)
    if metric == "henrici":
        ours, closed = henrici(net.matrix), sequential.exact_henrici(kind, gains[0], size, gains[1])
    else:
        ours, closed = net.total_memory(), _closed_total(kind, gains, size)
    said = {"quantity": _QUANTITIES[metric], "net": label(kind, *gains), "closed": closed, "ours": ours}
    return {**said, "reported": None, "status": None}


def _closed_total(kind: str, gains: tuple[float, float], size: int) -> float | None:
    return None if gains[1] else _LOOKS[kind].closed(gains[0], size)


def _dots(ax: Axes, rows: list[dict[str, Any]]) -> None:
    places = np.arange(len(rows))[::-1]
    layout.reported_and_ours(ax, [r["reported"] for r in rows], [r["ours"] for r in rows], places)
    ax.set_yticks(places, [row["net"] for row in rows])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(0, 1.06 * max(row["ours"] for row in rows))
    ax.set_xlabel("total Fisher memory J$_{tot}$")
    ax.figure.legend(loc="outside upper center", ncols=2, handletextpad=0.3)
