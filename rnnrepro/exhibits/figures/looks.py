"""What colour and line style stand for: a model and its slices, or a learning rule and those that learn by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rnnrepro import tables
from rnnrepro.exhibits import style
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords


class Look(NamedTuple):
    """A colour, and a line style as matplotlib has them."""

    colour: str
    dash: Any


def looks(view: View, cells: Iterable[CellRecords]) -> dict[str, Look]:
    """{arm: its look} of cells, the option `colours` saying what has a colour of its own."""
    made = [cell.provenance for cell in cells]
    if view.choice("colours", ("model", "rule")) == "model":
        dashes = style.dashes(each["arm"] for each in made)
        return {each["arm"]: Look(style.colour(each["model"]), dashes[each["arm"]]) for each in made}
    found: dict[str, Look] = {}
    for each in made:
        rule = rule_of(each)
        shade = style.rule(rule)
        place = list(style.RULES).index(rule) if rule in style.RULES else 0
        place += sum(look.colour == shade for look in found.values())
        found.setdefault(each["arm"], Look(shade, style.DASHES[place % len(style.DASHES)]))
    return found


def rule_of(made: Mapping[str, Any]) -> str:
    """The learning rule, by a cell's provenance."""
    return made["settings"].get("model", {}).get("rule", tables.RULE_ARGUMENTS)["kind"]
