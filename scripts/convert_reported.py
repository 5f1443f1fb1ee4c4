"""Convert the reproduction cards' reported values to the project's one schema.

    python scripts/convert_reported.py CARDS [--output config/reported] [PAPER ...]

CARDS is a folder of `<paper>.yaml` files, each with `tables` of rows (model, task, hidden, setting, value, std,
source, status). Every table of a card must be placed here, or left out with a reason: nothing is dropped silently.
Models, tasks and splits get the project's keys, per cent become fractions with their spreads, and a number that a
card repeats for the same cell stands once. The output is committed; run this again only when a card changes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from rnnrepro import reported, tables
from rnnrepro.errors import Fault
from rnnrepro.reported import Reported

MODELS = {
    "rc_urnn": "urnn_rc",
    "fc_urnn": "urnn_fc",
    "lstm3_merity": "lstm_merity",
    **{f"lstm_{start}": f"lstm.{start}" for start in ("ortho", "chain", "plain", "mixed")},
}
METRICS = {
    "bpc": ("bpc", Decimal(1)),
    "accuracy": ("accuracy", Decimal(1)),
    "accuracy_percent": ("accuracy", Decimal("0.01")),
    "mse": ("mse", Decimal(1)),
    "cross_entropy_nats": ("cross_entropy", Decimal(1)),
    "J_tot": ("j_total", Decimal(1)),
    "bits_per_token": ("bpc", Decimal(1)),
    "henrici_index": ("henrici", Decimal(1)),
    "successful_runs": ("successes", Decimal(1)),
}
SPLITS = {"timit": {"validation": "dev", "evaluation": "core"}}
UNSAID = ("bptt", "comparison", "independent_rerun", "quoted")


@dataclass(frozen=True)
class Place:
    """Where a card's table goes.

    `exhibit` may hold `{task}` for the card's task. `experiments` maps that task to the project's experiment, in which
    `{bptt}` stands for that setting; empty for theory. `base` are the hidden sizes of the arms that carry no slice.
    `part` names the settings that tell rows apart; of theory a row may lack some. `third_party` is set where the
    numbers are not the paper's.
    """

    exhibit: str
    experiments: Mapping[str, str]
    base: tuple[int, ...] = ()
    part: tuple[str, ...] = ()
    third_party: bool = False


_TEXT, _UPDATED = {"ptb_char": "characters_{bptt}"}, {"ptb_char": "characters_{bptt}_updated"}
_PIXELS = {"mnist_unpermuted": "mnist", "mnist_permuted": "mnist_permuted"}
_FIXED_ORDER = {"psmnist": "mnist_permuted"}
_LANGUAGE = {"ptb_word": "words", "ptb_char": "characters", "enwik8": "enwik8"}
_TOY = {task: task for task in ("copy", "addition", "psmnist")}
PLACES: dict[str, dict[str, Place | str]] = {
    "nnrnn": {
        "table1": Place("table1", _TEXT, base=(1024,)),
        "supp_table4": Place("table1_accuracy", _TEXT, base=(1024,)),
        "supp_table6": Place("fisher_table", {}, part=("alpha", "beta", "d")),
        "readme_ptb_bpc_update": Place("table1_updated", _UPDATED, base=(1024,)),
        "readme_ptb_acc_update": Place("table1_updated_accuracy", _UPDATED, base=(1024,)),
        "digitised_psmnist": Place("fig2_mnist_permuted", _FIXED_ORDER, base=(512,), part=("split", "epoch")),
        "rerun_psmnist": Place(
            "rerun_mnist_permuted", _FIXED_ORDER, base=(512,), part=("epochs", "seed"), third_party=True
        ),
        "rerun_copy": Place(
            "rerun_copying", {"copy_T200_onehot": "copying"}, base=(128,), part=("step",), third_party=True
        ),
        "rerun_adding": Place("adding", {"adding_len100": "adding"}, base=(512, 128), third_party=True),
    },
    "scornn": {
        "table_mnist": Place("table_mnist", _PIXELS),
        "table_timit": Place("table_timit", {"timit": "timit"}, part=("split",)),
        "rerun_mnist": Place("rerun_mnist", _PIXELS, third_party=True),
    },
    "nonnormal": {
        "table1": Place("table1", _LANGUAGE, base=(1150, 1000, 1840)),
        "table2": Place("table2_{task}", _TOY, base=(100, 25)),
        "table3": Place("table3", _LANGUAGE, base=(1150, 1000, 1840)),
        "fig3d_counts": Place("fig3d", _TOY, base=(100,), part=("runs",)),
        "theory_J_tot": Place("fig1_totals", {}, part=("net", "alpha", "beta", "lambda")),
        "theory_henrici": Place("fig1_totals", {}, part=("net", "alpha", "beta", "lambda")),
    },
    "scurnn": {
        "table_mnist": Place("table_mnist", _PIXELS),
        "table_timit": Place("table_timit", {"timit": "timit"}, part=("split",)),
    },
    "enrnn": {
        "table_timit": "no number of it is known",
        "table_ptb_char": "no number of it is known",
    },
}


def convert(paper: str, card: Mapping[str, Any]) -> list[Reported]:
    """The rows of a card. Raises Fault for a table, model setting, task or metric that has no place."""
    places = PLACES[paper]
    rows: list[Reported] = []
    for table in [*card["tables"], *_theory(card)]:
        place = places.get(table["id"])
        if place is None:
            raise Fault(
                f"{paper}: table {table['id']!r} has no place; add it to PLACES, or the reason why not"
            )
        if isinstance(place, str):
            print(f"{paper}: {table['id']} left out: {place}")
            continue
        rows += _once(_row(table, entry, place) for entry in table["rows"])
    return rows


def _theory(card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
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


def _row(table: Mapping[str, Any], entry: Mapping[str, Any], place: Place) -> Reported:
    metric, unit = _known(METRICS, table["metric"], "metric")
    setting = entry.get("setting") or {}
    better = tables.METRICS[metric].better or ""
    if (table["better"] or "") != better:
        raise Fault(f"{table['id']}: better is {table['better']}, but for {metric} it is {better}")
    spread = _number(entry.get("std"), unit)
    return Reported(
        exhibit=place.exhibit.format(task=entry["task"]),
        cell=_cell(entry, setting, place),
        part=",".join(
            f"{key}={_part(entry['task'], key, setting[key])}"
            for key in place.part
            if key in setting or place.experiments
        ),
        metric=metric,
        value=_number(entry["value"], unit),
        spread=spread,
        spread_kind=entry["std_kind"] if spread is not None else "",
        status=entry["status"],
        status_spread=entry.get("std_status", entry["status"]) if spread is not None else "",
        quoted_from=_first_hand(entry["source"]) if place.third_party or setting.get("quoted") else "",
        source=" ".join(entry["source"].split()),
        note="; ".join(_notes(table, entry, setting, place)),
        better=better,
    )


def _known(names: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in names:
        raise Fault(f"unknown {kind} {name!r}; known: {', '.join(names)}")
    return names[name]


def _number(value: float | None, unit: Decimal) -> float | None:
    """In decimal arithmetic, so that 40.01 per cent become 0.4001 and not 0.40009999999999996."""
    return None if value is None else float(Decimal(str(value)) * unit)


def _cell(entry: Mapping[str, Any], setting: Mapping[str, Any], place: Place) -> str:
    if not place.experiments:
        return ""
    experiment = _known(place.experiments, entry["task"], "task").format(**setting)
    model = MODELS.get(entry["model"], entry["model"])
    hidden = entry.get("hidden")
    return f"{experiment}/{model}" + (f".n{hidden}" if hidden not in (None, *place.base) else "")


def _part(task: str, key: str, value: Any) -> str:
    value = SPLITS.get(task, {}).get(value, value) if key == "split" else value
    return f"{value:g}" if isinstance(value, float) else str(value)


def _first_hand(source: str) -> str:
    """Who had the number, from the words on where it was read."""
    quoting = re.search(r"quoting (.+)", source) or re.search(r"quoted from (.+?)\)", source)
    return quoting[1] if quoting else re.split(r" \(| saves/|,? Table", source)[0]


def _notes(
    table: Mapping[str, Any], entry: Mapping[str, Any], setting: Mapping[str, Any], place: Place
) -> Iterator[str]:
    if "note" in entry:
        yield entry["note"]
    elif table["metric"] == "accuracy_percent" and entry.get("std", 1.0) <= 0.001:
        yield "sem may be a fraction, as printed"
    rest = {k: v for k, v in setting.items() if k not in (*place.part, *UNSAID)}
    if rest:
        yield ", ".join(f"{key}: {value}" for key, value in rest.items())
    if "precision" in entry:
        yield f"read to ± {entry['precision']:g}"
    if "notebook_value" in entry:
        yield f"authors' notebook: {entry['notebook_value']}"
    if "recomputed_by_us" in entry:
        yield f"recomputed from the formula: {entry['recomputed_by_us']}"
    if "tolerance_rel" in entry:
        yield f"relative tolerance {entry['tolerance_rel']:g}"


def _once(rows: Iterator[Reported]) -> list[Reported]:
    """A card repeats the arms that two comparisons share; a figure read twice may differ by its reading error."""
    found: dict[tuple[str, ...], Reported] = {}
    for row in rows:
        first = found.setdefault(row.identity, row)
        if (row.value, row.spread) == (first.value, first.spread):
            continue
        if row.status != "digitised":
            raise Fault(f"{row.exhibit}: {row.cell} {row.part} stands twice: {first.value} and {row.value}")
        found[row.identity] = replace(
            first, note=f"{first.note}; {row.value:g} where another figure repeats it"
        )
    return list(found.values())


def main(argv: list[str] | None = None) -> int:
    """Convert the cards asked for, by default all that have a place here."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cards", type=Path, help="folder of the cards")
    parser.add_argument("papers", nargs="*", default=list(PLACES), help="default: all")
    parser.add_argument("--output", type=Path, default=Path("config/reported"))
    args = parser.parse_args(argv)
    try:
        for paper in args.papers:
            card = yaml.safe_load((args.cards / f"{paper}.yaml").read_text(encoding="utf-8"))
            rows = convert(_known({p: p for p in PLACES}, paper, "paper"), card)
            reported.write(args.output / f"{paper}.csv", rows)
            print(f"{paper}: {len(rows)} values")
    except (Fault, OSError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
