"""Pages of one style from templates: self-contained, without scripts, readable on a phone and in print."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rnnrepro.claims.verdicts import Verdict
from rnnrepro.config import Paper
from rnnrepro.errors import Fault
from rnnrepro.exhibits.numbers import shown
from rnnrepro.records import atomically

CHIPS = {
    "supported": ("yes", "✓"),
    "not supported": ("no", "✗"),
    "inconclusive": ("open", "?"),
    "not run": ("none", "–"),
}

WIDE = 1000  # pixels: a journal's column has 700, a page 1440


@dataclass(frozen=True)
class Link:
    """A place among the results: its short name, and its title for those who want more."""

    href: str
    name: str
    title: str


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("rnnrepro.exhibits"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "chip": chip,
        "chip_class": lambda verdict: CHIPS[verdict][0],
        "number": shown,
        "text": text,
        "sentence": sentence,
        "probability": probability,
        "venue": venue,
        "capital": capital,
        "told": told,
    }
    made.globals["style"] = Markup(made.loader.get_source(made, "style.css")[0])  # our own file
    return made


def rendered(template: str, **values: Any) -> str:
    """A template of rnnrepro/exhibits/templates filled with `values`, which are escaped unless they are Markup."""
    return _environment().get_template(template).render(**values)


def write(path: str | Path, template: str, **values: Any) -> None:
    """Render a page and put it in place whole."""
    page = rendered(template, **values)
    atomically(path, lambda part: part.write_text(page, encoding="utf-8"))


def chip(verdict: str) -> Markup:
    """A verdict as a chip that is told apart by sign and word, not by colour alone."""
    kind, sign = CHIPS[verdict]
    return Markup('<span class="chip {}"><span aria-hidden="true">{}</span> {}</span>').format(
        kind, sign, verdict
    )


def text(words: str | None) -> Markup:
    """Words of the settings for a page: escaped, `code` in its own type, a space before no unit broken."""
    escaped = html.escape((words or "").strip())
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))


def venue(paper: Paper) -> str:
    """Where and when a paper appeared, the year once."""
    return paper.venue if str(paper.year) in paper.venue else f"{paper.venue}, {paper.year}"


def sentence(words: str) -> str:
    """The same with one full stop at its end."""
    return words.strip().rstrip(".") + "." if words.strip() else ""


def capital(words: str) -> str:
    """The same with a capital at its beginning."""
    return words[:1].upper() + words[1:]


def told(verdict: Verdict) -> str:
    """What a verdict rests on, as a sentence; a metric keeps its name."""
    return sentence(capital(verdict.detail) if verdict.verdict == "not run" else verdict.detail)


def probability(p: float) -> str:
    """A p-value with three decimals."""
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"


def image(png: bytes, alt: str) -> Markup:
    """A picture inside the page."""
    width, height = struct.unpack(">II", png[16:24])
    source = base64.b64encode(png).decode()
    return Markup('<img alt="{}" width="{}" height="{}" src="data:image/png;base64,{}">').format(
        alt, width, height, source
    )


def picture(png: bytes, alt: str) -> Markup:
    """A figure of a journal's column or page width; the wide ones scroll on a phone rather than shrink."""
    width, _ = struct.unpack(">II", png[16:24])
    return Markup('<div class="picture{}">{}</div>').format(" wide" if width > WIDE else "", image(png, alt))


def fragments(notebook: str | Path | Mapping[str, Any]) -> dict[str, Markup]:
    """What an executed notebook shows, by the tag of its cells. Raises Fault where it cannot be read."""
    if not isinstance(notebook, Mapping):
        try:
            notebook = json.loads(Path(notebook).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Fault(f"{notebook}: not a notebook that can be read ({error})") from None
    found: dict[str, Markup] = {}
    for cell in notebook["cells"]:
        shows = [fragment for output in cell.get("outputs", []) if (fragment := _output(output))]
        for tag in cell["metadata"].get("tags", []) if shows else []:
            found[tag] = found.get(tag, Markup()) + Markup("\n").join(shows)
    return found


def _output(output: Mapping[str, Any]) -> Markup:
    data = output.get("data", {})
    if "image/png" in data:
        alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
        return picture(base64.b64decode(_joined(data["image/png"])), alt)
    if "text/html" in data:
        return Markup(_joined(data["text/html"]))
    if "text" in output:
        return Markup('<pre class="stream">{}</pre>').format(_joined(output["text"]))
    return Markup()


def _joined(lines: str | Sequence[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def sources(notebook: Mapping[str, Any]) -> list[str]:
    """The code of a notebook, cell by cell, without the parameters of this execution, which name folders."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [_joined(c["source"]) for c in cells if "injected-parameters" not in c["metadata"].get("tags", [])]
