"""What the files under reference/ say (see `rnnrepro.exhibits.reference`): each exhibit's numbers beside the paper's.

Read without any training. An exhibit stands once, at the largest scale that has been run.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnrepro import tables
from rnnrepro.claims import table
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.config import SCALES, Exhibit
from rnnrepro.digits import with_spread
from rnnrepro.exhibits.chosen import spoken
from rnnrepro.exhibits.numbers import shown
from rnnrepro.project import Project

KINDS = ("table", "curves", "successes")
SIGNS = {"supported": "✓", "not supported": "✗", "inconclusive": "?", "not run": "–"}
MODELS, POINTS = 4, 2
Row = Mapping[str, str]
Verdicts = Mapping[str, Sequence[Verdict]]


@dataclass(frozen=True)
class Line:
    """An exhibit of numbers: `reported` and `ours` are {experiment or panel: those of its first models, in words}."""

    title: str
    source: str
    scale: str
    reported: Mapping[str, str]
    ours: Mapping[str, str]
    claims: str

    def words(self) -> tuple[str, str]:
        """All that is reported, and all of ours; experiments are named where there is more than one."""
        several = len({*self.reported, *self.ours}) > 1
        both = (self.reported, self.ours)
        first, second = (
            "; ".join(f"{place}: {text}" if several else text for place, text in found.items())
            for found in both
        )
        return first, second


def verdicts(reference: Path) -> dict[str, list[Verdict]]:
    """{scale: the verdicts on all claims} of the scales that are there, the smallest first."""
    files = {scale: reference / scale / "claims.csv" for scale in SCALES}
    return {scale: table.read(path) for scale, path in files.items() if path.exists()}


def lines(
    project: Project, key: str, reference: Path, said: Verdicts
) -> Iterator[tuple[Exhibit, Line | None]]:
    """The exhibits of a paper that have numbers, in its order; None where none have been committed."""
    for name, entry in project.papers[key].exhibits.items():
        if entry.kind not in KINDS:
            continue
        found = _newest(reference, key, name)
        if found is None:
            yield entry, None
            continue
        scale, rows = found
        own = [v for v in said.get(scale, []) if v.paper == key and v.experiment in entry.experiments]
        values = _groups(rows, _printed), _groups(rows, _ours)
        yield entry, Line(entry.title, source(entry), scale, *values, counted(own))


def _newest(reference: Path, key: str, name: str) -> tuple[str, list[Row]] | None:
    """(scale, rows) at the largest scale at which there are numbers of ours."""
    for scale in reversed(SCALES):
        path = reference / scale / key / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            if any(row.get("mean") or row.get("successes") for row in rows):
                return scale, rows
    return None


def source(entry: Exhibit) -> str:
    """Which table or figure of the paper an exhibit is; "" where that is not known, or its title says it."""
    known = entry.number and not entry.number.startswith("not known") and entry.number not in entry.title
    return entry.number if known else ""


def _groups(rows: Sequence[Row], write: Callable[[Row], str]) -> dict[str, str]:
    """{experiment or panel, and split: its first models, and how many more there are}."""
    groups: dict[str, list[str]] = {}
    splits = {row.get("split") for row in rows}
    for row in _condensed(rows):
        if text := write(row):
            place = row.get("panel") or row.get("experiment", "").replace("_", " ")
            place += f", {row.get('split')}" if len(splits) > 1 else ""
            groups.setdefault(place, []).append(f"{row.get('label') or row.get('model')} {text}")
    most = MODELS if len(groups) == 1 else MODELS - 1
    return {
        place: " · ".join(models[:most]) + (f" · {len(models) - most} more" if len(models) > most else "")
        for place, models in groups.items()
    }


def _condensed(rows: Sequence[Row]) -> Iterator[Row]:
    """One row a model: of more than two grid points the best, and how many there are."""
    settings: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        known = row.get("arm") and row.get("point") and row.get("mean")
        own = (
            (row.get("panel", ""), row.get("experiment", ""), row.get("split", ""), row["arm"])
            if known
            else ()
        )
        settings.setdefault(own or (str(id(row)),), []).append(row)
    for points in settings.values():
        if len(points) <= POINTS:
            yield from points
            continue
        sign = -1 if tables.row("metric", points[0].get("metric", "mse")).better == "higher" else 1
        best = min(points, key=lambda row: sign * float(row["mean"]))
        place, words = best["point"], spoken(best["point"], [row["point"] for row in points])
        label = best.get("label") or best["model"]
        for ending in (f" ({place})", f" ({words})", f", {words}"):
            label = label.removesuffix(ending)
        yield {**best, "label": f"{label} ({words}, best of {len(points)})"}


def _printed(row: Row) -> str:
    value = row.get("reported_value") or row.get("reported")
    if value and row.get("reported_runs"):
        return f"{int(float(value))} of {int(float(row['reported_runs']))}"
    return shown(float(value)) if value else ""


def _ours(row: Row) -> str:
    if row.get("successes"):
        return f"{row['successes']} of {row['runs']}"
    if not row.get("mean"):
        return ""
    return with_spread(float(row["mean"]), float(row["sd"]) if row.get("sd") else None)


def counted(found: Sequence[Verdict]) -> str:
    """How many claims are supported, not supported and inconclusive, as signs; "" where none has been evaluated."""
    counts = {kind: sum(v.verdict == kind for v in found) for kind in VERDICTS if kind != "not run"}
    return " ".join(f"{count} {SIGNS[kind]}" for kind, count in counts.items() if count)


def legend(said: Verdicts) -> str:
    """What the signs mean, and the counts of all claims."""
    counts = "; ".join(f"at `{scale}` {table.counted(found)}" for scale, found in said.items())
    return (
        "Reported values are at the paper's own scale, ours at the scale named, mostly with smaller sizes, data and "
        "budgets. Ours: mean ± standard deviation over seeds, or how many of all runs succeed. Claims: ✓ supported, "
        f"✗ not supported, ? inconclusive; all of them: {counts}."
    )


def markdown_row(cells: Sequence[str]) -> str:
    """A row of a table in Markdown; a dash for what is empty."""
    return "| " + " | ".join(cell.replace("|", "\\|") or "–" for cell in cells) + " |"
