"""The results block of README.md: paper by exhibit by scale, reported beside ours, and the verdicts.

Written from the files under reference/ alone (see `rnnrepro.exhibits.reference`), so that it can be checked without
any training. An exhibit stands once, at the largest scale that has been run.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rnnrepro import tables
from rnnrepro.claims import table
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.config import SCALES, Exhibit, Paper
from rnnrepro.digits import with_spread
from rnnrepro.errors import Fault
from rnnrepro.exhibits.chosen import spoken
from rnnrepro.exhibits.numbers import shown
from rnnrepro.project import Project

START, END = "<!-- results: written by `make readme` from reference/ -->", "<!-- end of results -->"
KINDS = ("table", "curves", "successes")
SIGNS = {"supported": "✓", "not supported": "✗", "inconclusive": "?", "not run": "–"}
MODELS, POINTS = 4, 2
Row = Mapping[str, str]


def replaced(text: str, block: str) -> str:
    """README's `text` with `block` between the markers. Raises Fault where the markers are missing."""
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise Fault(f"the README has not exactly one line {START!r} followed by one {END!r}")
    before, rest = text.split(START)
    return f"{before}{START}\n{block}{END}{rest.split(END)[1]}"


def block(project: Project, reference: Path) -> str:
    """The block as Markdown."""
    files = {scale: reference / scale / "claims.csv" for scale in SCALES}
    verdicts = {scale: table.read(path) for scale, path in files.items() if path.exists()}
    if not verdicts:
        return "\nNo results have been committed yet.\n\n"
    lines = [
        "| paper | exhibit | scale | reported | ours | claims |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    missing = []
    for key, paper in project.papers.items():
        found = dict(_newest(key, paper, reference))
        lines += [_line(key, paper, name, *found[name], verdicts) for name in found]
        absent = [_title(e) for n, e in paper.exhibits.items() if e.kind in KINDS and n not in found]
        missing += [f"- {key}, not run yet: {'; '.join(absent)}."] if absent else []
    return "\n".join(["", *lines, "", _legend(verdicts), "", *missing, *[""] * bool(missing)]) + "\n"


def _newest(key: str, paper: Paper, reference: Path) -> Iterator[tuple[str, tuple[str, list[Row]]]]:
    """(exhibit, (scale, rows)) of each exhibit of numbers, at the largest scale at which we have some."""
    for name, entry in paper.exhibits.items():
        for scale in reversed(SCALES):
            path = reference / scale / key / f"{name}.csv"
            if entry.kind not in KINDS or not path.exists():
                continue
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            if any(row.get("mean") or row.get("successes") for row in rows):
                yield name, (scale, rows)
                break


def _title(entry: Exhibit) -> str:
    known = entry.number and not entry.number.startswith("not known") and entry.number not in entry.title
    return entry.title + (f" · {entry.number}" if known else "")


def _line(key: str, paper: Paper, name: str, scale: str, rows: Sequence[Row],
          verdicts: Mapping[str, Sequence[Verdict]]) -> str:  # fmt: skip
    entry = paper.exhibits[name]
    own = [v for v in verdicts[scale] if v.paper == key and v.experiment in entry.experiments]
    printed, ours = _groups(rows, _printed), _groups(rows, _ours)
    cells = [key, _title(entry), scale, printed, ours, _verdicts(own)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _groups(rows: Sequence[Row], write: Callable[[Row], str]) -> str:
    """The first models of each experiment, and how many more there are."""
    groups: dict[str, list[str]] = {}
    for row in _condensed(rows):
        if text := write(row):
            place = row.get("panel") or row.get("experiment", "").replace("_", " ")
            groups.setdefault(place, []).append(f"{row.get('label') or row.get('model')} {text}")
    most = MODELS if len(groups) == 1 else MODELS - 1
    words = []
    for place, models in groups.items():
        more = f" · {len(models) - most} more" if len(models) > most else ""
        words.append((f"{place}: " if len(groups) > 1 else "") + " · ".join(models[:most]) + more)
    return "; ".join(words) or "–"


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


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    counts = {kind: sum(v.verdict == kind for v in verdicts) for kind in VERDICTS if kind != "not run"}
    return " ".join(f"{count} {SIGNS[kind]}" for kind, count in counts.items() if count) or "–"


def _legend(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    said = [f"at `{scale}` {table.counted(found)}" for scale, found in verdicts.items()]
    return (
        "Ours: mean ± standard deviation over seeds, or how many of all runs succeed. Claims on the exhibit's "
        f"experiments: ✓ supported, ✗ not supported, ? inconclusive. All claims: {'; '.join(said)}."
    )
