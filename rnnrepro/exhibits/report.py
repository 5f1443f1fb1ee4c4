"""The report of a scale: one table of all claims with their verdicts, then a section a paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from rnnrepro import plan
from rnnrepro.claims.table import counted
from rnnrepro.claims.verdicts import Verdict
from rnnrepro.config import Paper
from rnnrepro.exhibits import bench, costs, html, kind_of, ledger
from rnnrepro.project import Project

THUMBNAIL = 520  # pixels


@dataclass(frozen=True)
class Card:
    """An exhibit in a paper's gallery."""

    link: str
    title: str
    number: str
    picture: Markup


@dataclass(frozen=True)
class Section:
    """One paper in the report."""

    key: str
    paper: Paper
    counted: str
    cards: Sequence[Card]
    tables: Sequence[Card]
    cost: str


def write(project: Project, *, scale: str, results: Path, verdicts: Sequence[Verdict], output: Path) -> None:
    """The report from what is in `results`."""
    sections = [section(project, key, scale, results, verdicts) for key in project.chosen]
    spent = costs.of_cells(plan.cells(project, scale), results)
    html.write(
        output,
        "report.html",
        scale=scale,
        sections=sections,
        benches=bench.sections(results, project.folder.parent / "reference" / "bench"),
        claims=ledger.groups(project, scale, results, verdicts),
        kinds=ledger.counted(verdicts),
        few_seeds=sum(v.few_seeds for v in verdicts),
        total=costs.total(spent),
    )


def section(project: Project, key: str, scale: str, results: Path, verdicts: Sequence[Verdict]) -> Section:
    """A paper's part of the report, with a small picture of each figure."""
    cards, tables = [], []
    for name, entry in project.paper(key).exhibits.items():
        page = results / key / f"{name}.html"
        if scale not in entry.scales or not page.exists():
            continue
        figure = kind_of(entry.kind).figure
        small = thumbnail((results / key / f"{name}.png").read_bytes(), entry.title) if figure else Markup()
        number = "" if (entry.number or "") in entry.title else entry.number
        card = Card(f"{key}/{name}.html", entry.title, number, small)
        (cards if figure else tables).append(card)
    own = [verdict for verdict in verdicts if verdict.paper == key]
    spent = costs.of_cells(plan.cells(project, scale, [key]), results)
    return Section(key, project.paper(key), counted(own), cards, tables, costs.total(spent))


def thumbnail(png: bytes, alt: str) -> Markup:
    """A picture made small enough for a page of many."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as large:
        small = large.convert("RGB")
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        buffer = io.BytesIO()
        small.quantize(64).save(buffer, format="png", optimize=True)
    return html.image(buffer.getvalue(), alt)
