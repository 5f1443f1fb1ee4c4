"""A bench as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnrepro.bench.store import Bench

Row = Mapping[str, Any]
SIGNS = {"met": "✓", "not met": "✗", "not measured here": "–"}
_WIDTHS = (26, 7, 5, 10, 10, 19, 20, 20, 6, 8)
_HEADS = (
    "contender",
    "threads",
    "runs",
    "median",
    "least",
    "quartiles",
    "× the base",
    "engine is faster",
    "floor",
    "GFLOP/s",
)


def head(bench_machine: Mapping[str, Any]) -> str:
    """Where and when, in one line, and the heads of the columns."""
    return f"{where(bench_machine)}\n\n" + _line(_HEADS)


def where(machine: Mapping[str, Any]) -> str:
    """Device, product rate, versions and date of a bench in one sentence."""
    rates = ", ".join(_rate(machine["device"], *item) for item in machine["product_rate"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    load = "" if machine["load"] is None else f", load {machine['load']:g} at the start"
    return (
        f"{machine['device_name']}, {machine['cores']} cores{load}; products of 1024 × 1024 float32 matrices at "
        f"{rates} ({machine['products']}); {versions}; {machine['date']}."
    )


def _rate(device: str, threads: str, rate: float) -> str:
    on = {"cuda": ""}.get(device, f" on {threads} thread{'s' if threads != '1' else ''}")
    return f"{rate:g} GFLOP/s{on}"


def case(rows: Sequence[Row]) -> str:
    """The rows of a case under its name."""
    first = rows[0]
    sizes = f"B {first['batch']}, N {first['hidden']}, T {first['time']}, D {first['inputs']}"
    return "\n".join([f"{first['case']}  ({first['title']}; {sizes})", *map(_row, rows)])


def ends(bench: Bench) -> Iterator[str]:
    """The targets, and what was left out."""
    yield "targets"
    for found in bench.targets:
        measured = "" if found.value is None else f": {found.value:.2f}{found.target.unit}"
        yield f"  {SIGNS[found.state]} {found.state:18s}{found.target.case}, {found.target.wanted}{measured}"
    for name, reason in bench.machine["left_out"].items():
        yield f"left out: {name} ({reason})"


def seconds(value: float) -> str:
    """`1.23 s`, `45.6 ms` or `789 µs`: three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= 0.9995 * size:
            return f"{_digits(value / size)} {unit}"
    return f"{_digits(value * 1e6)} µs"


def ratio(row: Row, name: str) -> str:
    """`4.12 [3.98–4.30]`: the ratio of medians and the quartiles within rounds."""
    if row[name] is None:
        return "–"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{_digits(row[name])} [{_digits(low)}–{_digits(high)}]"


def percent(value: float | None) -> str:
    """`83 %`."""
    return "–" if value is None else f"{value:.0f} %"


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _row(row: Row) -> str:
    spread = f"{seconds(row['low'])} – {seconds(row['high'])}"
    rate = "–" if row["gflops"] is None else f"{row['gflops']:.0f}"
    return _line(
        (
            row["contender"] + (" *" if row["lead"] else ""),
            row["threads"],
            row["runs"],
            seconds(row["median"]),
            seconds(row["minimum"]),
            spread,
            ratio(row, "over_base"),
            ratio(row, "engine_over"),
            percent(row["percent_of_floor"]),
            rate,
        )
    )


def _line(cells: Sequence[Any]) -> str:
    words = [
        f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]
    return "  " + " ".join(words)
