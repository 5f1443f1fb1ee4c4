"""The results block of README.md: a line a paper, with one of its exhibits and how its claims stand.

All exhibits are in `docs/results.md` (`rnnrepro.exhibits.results_document`); both are written from the files under
reference/ alone, so that they can be checked without any training.
"""

from __future__ import annotations

from pathlib import Path

from rnnrepro.errors import Fault
from rnnrepro.exhibits import committed
from rnnrepro.exhibits.committed import Line, Verdicts, counted, markdown_row
from rnnrepro.project import Project

START, END = "<!-- results: written by `make readme` from reference/ -->", "<!-- end of results -->"
MORE = "All exhibits: [docs/results.md](docs/results.md)."


def replaced(text: str, block: str) -> str:
    """README's `text` with `block` between the markers. Raises Fault where the markers are missing."""
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise Fault(f"the README has not exactly one line {START!r} followed by one {END!r}")
    before, rest = text.split(START)
    return f"{before}{START}\n{block}{END}{rest.split(END)[1]}"


def block(project: Project, reference: Path) -> str:
    """The block as Markdown."""
    said = committed.verdicts(reference)
    if not said:
        return "\nNo results have been committed yet.\n\n"
    scales = [f"claims at `{scale}`" for scale in said]
    head = ["paper", "exhibits", "one of them", "reported", "ours", *scales]
    rows = [_row(project, key, reference, said) for key in project.papers]
    table = [markdown_row(row) for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(["", *table, "", f"{committed.legend(said)} {MORE}", "", ""])


def _row(project: Project, key: str, reference: Path, said: Verdicts) -> list[str]:
    every = list(committed.lines(project, key, reference, said))
    found = [line for _, line in every if line is not None]
    own = {scale: [v for v in verdicts if v.paper == key] for scale, verdicts in said.items()}
    return [
        f"[`{key}`](docs/results.md#{key})",
        f"{len(found)} of {len(every)}",
        *_shown(found),
        *(counted(verdicts) for verdicts in own.values()),
    ]


def _shown(found: list[Line]) -> list[str]:
    """The exhibit that speaks for a paper: the first with values of both for an experiment, else the first."""
    for line in found:
        if both := [place for place in line.ours if place in line.reported]:
            return [_where(line, both[0]), line.reported[both[0]], line.ours[both[0]]]
    if not found:
        return ["", "", ""]
    place, ours = next(iter(found[0].ours.items()))
    return [_where(found[0], place), "", ours]


def _where(line: Line, place: str) -> str:
    several = f", {place}" if len({*line.reported, *line.ours}) > 1 else ""
    return f"{line.title}{several} (`{line.scale}`)"
