"""The rows of a reproduction card in one form: what some cards say beside a row's settings, or in words, among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SAME = ("model", "task", "hidden", "split")


def plain(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rows of a table, each with its `setting`.

    A number that a card derives from curves takes the place of the one that is recalled of the same cell.
    """
    derived = {_cell(row): row for row in rows if "derived" in row}
    for row in rows:
        exact = derived.get(_cell(row))
        if exact is row:
            others = [r for r in rows if r is not row and _cell(r) == _cell(row)]
            printed = [f"printed {r['value']:g} ± {r['std']:g} ({r['status']})" for r in others]
            yield _in_settings({**row, "status": "derived", "note": "; ".join([row["derived"], *printed])})
        elif exact is None:
            yield _in_settings(row)


def _cell(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(word) for word in _SAME)


def _in_settings(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The split goes among the settings, and who is quoted; the status of a spread is read from words."""
    setting, row = dict(row.get("setting") or {}), dict(row)
    if "split" in row:
        setting["split"] = row["split"]
    said = f"{row.get('model', '')} {row.get('source', '')}"
    if "literature" in f"{said} {row.get('note', '')}":
        named = re.search(r"literature, (.+?)\)|literature baseline, (.+?)\)", said)
        other = "a second work" if "second literature" in said else "the literature"
        setting["quoted"] = next(filter(None, named.groups())) if named else other
        row["model"] = row["model"].partition(" (")[0]
    if "std recalled" in row.get("source", ""):
        row["std_status"] = "recalled"
    if (row.get("model"), row["task"]) == ("SRLSTM", "ptb_word"):
        row["model"] = (
            "SRLSTM as printed"  # of the two forms of this cell the code for words has the printed one
        )
    return {**row, "setting": setting}


def theory(card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A card's `theory_checks` as a table for each of their quantities."""
    for quantity, metric, better in (("J_tot", "J_tot", "higher"), ("henrici", "henrici_index", None)):
        rows = [_check(entry, quantity) for entry in card.get("theory_checks", ()) if quantity in entry]
        if rows:
            yield {"id": f"theory_{quantity}", "metric": metric, "better": better, "rows": rows}


def _check(entry: Mapping[str, Any], quantity: str) -> dict[str, Any]:
    setting = {key: entry[key] for key in ("net", "alpha", "beta", "lambda") if key in entry}
    if "lambda" in setting:
        setting["net"] = "orthogonal"  # the card says: or identity, which gives the same
    source = "computed from the formulas of S, section 2.2"
    return {
        "task": "theory",
        "setting": setting,
        "value": entry[quantity],
        "source": source,
        "status": "derived",
    }
