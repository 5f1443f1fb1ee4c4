"""The bench in the report: the figure, the tables and the machine that they are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from rnnrepro.bench import store, words
from rnnrepro.bench.store import Bench

TOP = ("Targets", "The scan alone, forward and backward", "Whole training steps")


@dataclass(frozen=True)
class Shown:
    """A bench as the report shows it: what stands open, and what a reader may unfold."""

    device: str
    date: str
    where: str
    figure: Markup
    notes: str
    tables: Sequence[tuple[str, Markup]]
    more: Sequence[tuple[str, Markup]]


def found(results: Path, reference: Path) -> list[Bench]:
    """The bench of this machine, beside the `results` of a scale, if it is whole; else those kept as reference."""
    own = results.parent / "bench" / store.NAME
    if own.exists():
        bench = store.read(own)
        if not bench.machine["quick"] and not bench.machine["only"]:
            return [bench]
    return store.kept(reference)


def sections(results: Path, reference: Path) -> list[Shown]:
    """What the report shows of the bench, nothing where there is none."""
    return [section(bench) for bench in found(results, reference)]


def section(bench: Bench) -> Shown:
    """One bench for the report."""
    from rnnrepro.exhibits import bench_figure, bench_tables, html  # drawing is loaded where there is a bench

    drawn = bench_figure.draw(bench)
    made = [(title, Markup(numbers.html())) for title, numbers in bench_tables.tables(bench)]
    swept = [("Numbers of the figure", Markup(drawn.numbers.html()))] if drawn else []
    return Shown(
        device=bench.machine["device_name"],
        date=bench.machine["date"][:10],
        where=words.where(bench.machine),
        figure=html.picture(drawn.png, drawn.alt) if drawn else Markup(),
        notes=" ".join(drawn.notes) if drawn else "",
        tables=[table for table in made if table[0] in TOP],
        more=[*(table for table in made if table[0] not in TOP), *swept],
    )
