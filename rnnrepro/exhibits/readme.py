"""The results block of README.md: paper by exhibit by scale, reported beside ours, and the verdicts.

Written from the files under reference/ alone (see `rnnrepro.exhibits.reference`), so that it can be checked without
any training. An exhibit stands once, at the largest scale that has been run.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rnnrepro.claims import table
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.config import SCALES, Paper
from rnnrepro.errors import Fault
from rnnrepro.exhibits.numbers import shown
from rnnrepro.project import Project

START, END = "<!-- results: written by `make readme` from reference/ -->", "<!-- end of results -->"
KINDS = ("table", "curves")
SIGNS = {"supported": "✓", "not supported": "✗", "inconclusive": "?", "not run": "–"}
MODELS = 4


def replaced(text: str, block: str) -> str:
    """README's `text` with `block` between the markers. Raises Fault where the markers are missing."""
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise Fault(f"the README has not exactly one line {START!r} followed by one {END!r}")
    before, rest = text.split(START)
    return f"{before}{START}\n{block}{END}{rest.split(END)[1]}"


def block(project: Project, reference: Path) -> str:
    """The block as Markdown."""
    verdicts = {
        s: table.read(reference / s / "claims.csv") for s in SCALES if (reference / s / "claims.csv").exists()
    }
    if not verdicts:
        return "\nNo results have been committed yet.\n\n"
    lines = [
        "",
        "| paper | exhibit | scale | reported | ours | claims |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for key, paper in project.papers.items():
        lines += [
            _line(key, paper, name, scale, rows, verdicts[scale])
            for name, scale, rows in _newest(key, paper, reference)
        ]
    lines += ["", _legend(verdicts), ""]
    return "\n".join(lines) + "\n"


def _newest(key: str, paper: Paper, reference: Path) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """(exhibit, scale, rows) of each exhibit of numbers at the largest scale that is there."""
    for name, entry in paper.exhibits.items():
        for scale in reversed(SCALES):
            path = reference / scale / key / f"{name}.csv"
            if entry.kind in KINDS and path.exists():
                with path.open(encoding="utf-8", newline="") as file:
                    yield name, scale, list(csv.DictReader(file))
                break


def _line(
    key: str,
    paper: Paper,
    name: str,
    scale: str,
    rows: Sequence[Mapping[str, str]],
    verdicts: Sequence[Verdict],
) -> str:
    entry = paper.exhibits[name]
    ours = [r for r in rows if r.get("mean")]
    printed = [r for r in rows if _printed(r)]
    title = entry.title + (f" ({entry.number})" if entry.number else "")
    own = [
        v for v in verdicts if v.paper == key and v.experiment in entry.experiments and v.verdict != "not run"
    ]
    cells = [key, title, scale, _several(printed, _printed), _several(ours, _ours), _verdicts(own)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _several(rows: Sequence[Mapping[str, str]], write) -> str:
    """The first models, and how many more there are."""
    words = [f"{row.get('label') or row.get('model')} {write(row)}" for row in rows[:MODELS]]
    return ", ".join(words) + (f", {len(rows) - MODELS} more" if len(rows) > MODELS else "") if words else "–"


def _printed(row: Mapping[str, str]) -> str:
    value = row.get("reported_value") or row.get("reported")
    return shown(float(value)) if value else ""


def _ours(row: Mapping[str, str]) -> str:
    spread = f" ± {shown(float(row['sd']), 2)}" if row.get("sd") else ""
    return shown(float(row["mean"])) + spread


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    counts = {kind: sum(v.verdict == kind for v in verdicts) for kind in VERDICTS}
    return " ".join(f"{count} {SIGNS[kind]}" for kind, count in counts.items() if count) or "–"


def _legend(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    said = [f"at `{scale}` {table.counted(found)}" for scale, found in verdicts.items()]
    return (
        "Ours: mean ± standard deviation over seeds. Claims on the exhibit's experiments: ✓ supported, ✗ not "
        f"supported, ? inconclusive. All claims: {'; '.join(said)}."
    )
