"""The tables of a bench: cases by their contenders, stacks, and the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnrepro.bench.store import Bench
from rnnrepro.bench.words import seconds
from rnnrepro.exhibits.numbers import Numbers, shown

Row = Mapping[str, Any]
GROUPS = {
    "scan": "The scan alone, forward and backward",
    "step": "Whole training steps",
    "threads": "The engine on two threads against the plain loop on one",
    "matrix": "The matrices that a step builds",
    "gpu": "On a GPU",
}
_HEADINGS = {
    "case": "case",
    "threads": "threads",
    "base": "plain loop",
    "engine": "engine",
    "over_base": "times faster",
    "quartiles": "quartiles",
    "others": "others",
    "floor": "floor",
    "percent_base": "plain, % of floor",
    "percent": "engine, % of floor",
}


def tables(bench: Bench) -> Iterator[tuple[str, Numbers]]:
    """(title, table) of every group that was measured, and the targets first."""
    yield "Targets", targets(bench)
    for group, title in GROUPS.items():
        if found := bench.of(group):
            yield title, comparison(found)
    if found := bench.of("stack"):
        yield "Stacks: training steps a second, against one run at a time", stacks(found)


def targets(bench: Bench) -> Numbers:
    """What was to be reached, and whether it was."""
    rows = [
        {
            "case": found.target.case,
            "wanted": found.target.wanted,
            "measured": "–" if found.value is None else f"{shown(found.value)}{found.target.unit}",
            "state": found.state,
        }
        for found in bench.targets
    ]
    return Numbers({"case": "case", "wanted": "target", "measured": "measured", "state": "state"}, rows)


def comparison(cases: Mapping[str, Sequence[Row]]) -> Numbers:
    """A row a case: the base, the engine with its ratio, the others, the floor."""
    rows = [_compared(rows) for rows in cases.values()]
    used = {key for row in rows for key, value in row.items() if value not in (None, "", "–")}
    base = {_base(rows)["role"] for rows in cases.values()}
    headings = {**_HEADINGS, "base": "peer" if base == {"peer"} else "plain loop"}
    return Numbers({key: text for key, text in headings.items() if key in used or key == "engine"}, rows)


def _compared(rows: Sequence[Row]) -> dict[str, Any]:
    base = _base(rows)
    lead = next((row for row in rows if row["lead"]), None)
    threads = (lead or base)["threads"]
    floor = next((row for row in rows if row["role"] == "floor" and row["threads"] == threads), None)
    kept = [base, lead, *(row for row in rows if row["role"] == "floor")]
    return {
        "case": rows[0]["title"],
        "threads": threads,
        "base": seconds(base["median"]),
        "engine": "–" if lead is None else seconds(lead["median"]),
        "over_base": lead and lead["over_base"],
        "quartiles": lead and f"{shown(lead['over_base_low'])} – {shown(lead['over_base_high'])}",
        "others": "; ".join(_other(row, rows) for row in rows if all(row is not k for k in kept)),
        "floor": floor and seconds(floor["median"]),
        "percent_base": _whole(base["percent_of_floor"]),
        "percent": lead and _whole(lead["percent_of_floor"]),
    }


def _base(rows: Sequence[Row]) -> Row:
    """The row that the ratios are against: it is as fast as itself."""
    return next(
        row for row in rows if row["over_base"] == row["over_base_low"] == row["over_base_high"] == 1.0
    )


def _other(row: Row, rows: Sequence[Row]) -> str:
    """`nn.RNN 13.4 ms (engine 3.59×)`; threads and runs where they are not the same in the whole case."""
    said = [
        f"{row[key]} {unit if row[key] != 1 else unit[:-1]}"
        for key, unit in (("threads", "threads"), ("runs", "runs"))
        if len({r[key] for r in rows}) > 1
    ]
    name = ", ".join([row["contender"], *said])
    ratio = "" if row["engine_over"] is None else f" (engine {shown(row['engine_over'])}×)"
    return f"{name} {seconds(row['median'])}{ratio}"


def _whole(percent: float | None) -> int | None:
    return None if percent is None else round(percent)


def stacks(cases: Mapping[str, Sequence[Row]]) -> Numbers:
    """A row a size of the stack and N: steps a second of all runs together, and how many times more than one by one.

    The last column is what no stack can beat on one core: the products of a run alone.
    """
    rows = []
    for found in cases.values():
        sizes = sorted({row["runs"] for row in found})
        floor = next((row["over_base"] for row in found if row["role"] == "floor"), None)
        for runs in sizes:
            by = {row["role"]: row for row in stacked(found) if row["runs"] == runs}
            rows.append(
                {
                    "hidden": found[0]["hidden"],
                    "runs": runs,
                    **{f"{role}_rate": by[role]["runs"] / by[role]["median"] for role in by},
                    **{role: by[role]["over_base"] for role in by},
                    "floor": floor,
                }
            )
    headings = {
        "hidden": "N",
        "runs": "runs",
        "plain_rate": "plain, run·steps/s",
        "engine_rate": "engine, run·steps/s",
        "plain": "plain, × one at a time",
        "engine": "engine, × one at a time",
        "floor": "products alone, × one at a time",
    }
    return Numbers({key: text for key, text in headings.items() if any(key in row for row in rows)}, rows)


def stacked(rows: Sequence[Row]) -> list[Row]:
    """The rows of stacks: neither the floor nor the loop that takes one run at a time."""
    base = _base(rows)
    return [row for row in rows if row["role"] in ("plain", "engine") and row is not base]
