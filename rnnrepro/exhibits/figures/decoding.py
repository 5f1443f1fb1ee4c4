"""The first input read off the last state of linear and other networks (Orhan and Pitkow 2020, Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from rnnrepro.analysis import sequential
from rnnrepro.analysis.decoding import Decoded, decode
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.figures.memory import label
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View

Networks = dict[str, tuple[str, float, float]]


@dataclass(frozen=True)
class Case:
    """What is asked of every network: f, the noise at each unit and step, and how this is called."""

    title: str
    function: str
    noise: float


def draw(view: View) -> Drawn:
    """A panel for each case: read against true, orthogonal and chain; the table has R² of every network."""
    noise = view.option("noise", 0.1)
    cases = [
        Case("linear, no noise", "linear", 0.0),
        Case(f"linear, noise {noise:g}", "linear", noise),
        Case("ELU, no noise", "elu", 0.0),
    ]
    nets = networks(view)
    found = {(case, name): _repeated(view, *net, case) for case in cases for name, net in nets.items()}
    with style.journal():
        drawn, axes = layout.panels(len(cases), height_mm=76)
        for ax, case in zip(axes, cases, strict=True):
            _panel(ax, {name: found[case, name][0] for name in list(nets)[:2]}, nets)
            ax.set_title(case.title)
        style.panel_letters(axes)
        layout.shared_dots(drawn, [(name, style.colour(nets[name][0])) for name in list(nets)[:2]])
    return Drawn(
        drawn,
        _numbers(nets, cases, found),
        [_protocol(view)],
        "Scatter of the decoded against the true first input: without noise both linear networks are on the "
        "diagonal, with noise or a non-linearity the chain is closer to it.",
    )


def networks(view: View) -> Networks:
    """{name: (kind, gain, feedback)}: the two that are drawn, then those of the table alone."""
    normal, gain, feedback = (
        view.option("normal", 1.0),
        view.option("chain", 1.0),
        view.option("feedback", 0.04),
    )
    chosen = [
        ("orthogonal", normal, 0.0),
        ("chain", gain, 0.0),
        ("chain", 1.02 * gain, 0.0),
        ("fbchain", 0.99 * gain, feedback),
    ]
    return {label(*net): net for net in chosen}


def _repeated(view: View, kind: str, gain: float, feedback: float, case: Case) -> list[Decoded]:
    """The first is the one that is drawn."""
    first, count = view.option("seed", 0), view.option("seeds", 3)
    sizes = {"steps": view.option("steps", 100), "train": view.option("train", 1000)}
    sizes["test"] = view.option("test", 500)
    return [
        decode(
            sequential.net(kind, view.option("size", 100), gain, feedback, seed=seed),
            function=case.function,
            noise=case.noise,
            seed=seed,
            **sizes,
        )
        for seed in range(first, first + count)
    ]


def _panel(ax: Axes, decoded: dict[str, Decoded], nets: Networks) -> None:
    reach = 1.05 * max(np.abs(one.true).max() for one in decoded.values())
    ax.plot([-reach, reach], [-reach, reach], color=style.GREY, linewidth=0.8, linestyle=layout.CHANCE)
    for place, (name, one) in enumerate(decoded.items()):
        shade = style.colour(nets[name][0])
        ax.scatter(one.true, one.read, s=3, color=shade, alpha=0.55, linewidth=0, zorder=2 + place)
        ax.text(
            0.04,
            0.97 - 0.08 * place,
            f"R² = {one.r_squared:.2f}".replace("-", "−"),
            transform=ax.transAxes,
            color=style.readable(shade),
            va="top",
            fontsize=7,
        )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel("true first input")
    ax.set_ylabel("decoded")


def _numbers(nets: Networks, cases: list[Case], found: dict[tuple[Case, str], list[Decoded]]) -> Numbers:
    rows = []
    for name in nets:
        row: dict[str, object] = {"net": name}
        for i, case in enumerate(cases):
            values = np.array([one.r_squared for one in found[case, name]])
            row |= {f"mean_{i}": values.mean(), f"sd_{i}": values.std(ddof=1) if len(values) > 1 else None}
        rows.append(row)
    headings = {"net": "network"}
    for i, case in enumerate(cases):
        headings |= {f"mean_{i}": f"R², {case.title}", f"sd_{i}": "sd"}
    return Numbers(headings, rows, digits=2)


def _protocol(view: View) -> str:
    seeds = view.option("seeds", 3)
    return (
        f"N = {view.option('size', 100)}; {view.option('steps', 100)} inputs drawn from N(0, 1) into the first unit of "
        "the chains, along a random direction of the normal networks. The decoder is fitted by least squares with an "
        f"offset to {view.option('train', 1000)} sequences and judged on {view.option('test', 500)} others (shown); "
        f"table: mean and standard deviation over {seeds} repetition{'s' * (seeds > 1)}. R² below 0 is worse than "
        "always answering the mean. The paper leaves protocol and gains open."
    )
