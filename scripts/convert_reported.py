"""Convert the reproduction cards' reported values to the project's one schema.

    python scripts/convert_reported.py CARDS [--output config/reported] [PAPER ...]

CARDS is a folder of `<paper>.yaml` files, each with `tables` of rows (model, task, hidden, setting, value, std,
source, status). Every table of a card must be placed here, or left out with a reason: nothing is dropped silently.
Models, tasks and splits get the project's keys, per cent become fractions with their spreads, and a number that a
card repeats for the same cell stands once. The output is committed; run this again only when a card changes.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import card_rows
import yaml

from rnnrepro import reported, tables
from rnnrepro.errors import Fault
from rnnrepro.reported import Reported

MODELS = {
    "rc_urnn": "urnn_rc",
    "fc_urnn": "urnn_fc",
    "lstm3_merity": "lstm_merity",
    **{f"lstm_{start}": f"lstm.{start}" for start in ("ortho", "chain", "plain", "mixed")},
    **{unit: unit.lower() for unit in ("LSTM", "DTRIV")},
    **{
        f"{filtered}{unit}": f"{filtered.lower()}_{unit.lower()}"
        for filtered in ("Momentum", "Adam", "RMSProp")
        for unit in ("LSTM", "DTRIV")
    },
    "SRLSTM": "restart_lstm_released",
    "SRLSTM as printed": "restart_lstm",
    "SRDTRIV": "restart_dtriv",
    **{f"sbornn_dense_{step}": f"sbo_{step}" for step in ("sgd", "shb", "snag")},
    **{f"sbornn_sparse_{step}": f"sbo_{step}_sparse" for step in ("sgd", "shb", "snag")},
    "irnn_kag": "irnn",
    "antisymmetricrnn": "antisymmetric",
    "lipschitzrnn": "lipschitz",
    "momentumrnn": "momentum_lstm",
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
    "test accuracy (%)": ("accuracy", Decimal("0.01")),
    "masked MSE (dB^2)": ("mse", Decimal(1)),
    "MSE (dB^2)": ("mse", Decimal(1)),
    "perplexity": ("cross_entropy", None),
    "test perplexity": ("cross_entropy", None),
    "test accuracy %": ("accuracy", Decimal("0.01")),
    "axis units (label: 5e3 training steps)": ("steps", Decimal(5000)),
    "loss": ("half_squared_error", Decimal(1)),
}
"""The project's metric and the unit in it; None where its logarithm is the project's."""
SPLITS = {"timit": {"validation": "dev", "evaluation": "core", "test": "core"}}
UNSAID = ("bptt", "comparison", "independent_rerun", "quoted")


@dataclass(frozen=True)
class Place:
    """Where a card's table goes.

    `exhibit` may hold `{task}` for the card's task. `experiments` maps that task to the project's experiment, in which
    `{bptt}` stands for that setting; empty for theory. `base` are the hidden sizes of the arms that carry no slice.
    `part` names the settings that tell rows apart; of theory a row may lack some. `by` names a setting whose value
    follows the task in the keys of `experiments`. `note` goes with every row. `third_party` is set where the numbers
    are not the paper's.
    """

    exhibit: str
    experiments: Mapping[str, str]
    base: tuple[int, ...] = ()
    part: tuple[str, ...] = ()
    by: str = ""
    note: str = ""
    third_party: bool = False


_TEXT, _UPDATED = {"ptb_char": "characters_{bptt}"}, {"ptb_char": "characters_{bptt}_updated"}
_PIXELS = {"mnist_unpermuted": "mnist", "mnist_permuted": "mnist_permuted"}
_FIXED_ORDER = {"psmnist": "mnist_permuted"}
_LANGUAGE = {"ptb_word": "words", "ptb_char": "characters", "enwik8": "enwik8"}
_TOY = {task: task for task in ("copy", "addition", "psmnist")}
_SIZE = ("ln_params_per_1000",)
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
    "momentumrnn": {
        "table1": Place("table1", {"mnist": "mnist", "pmnist": "mnist_permuted"}),
        "table2": Place("table2", {"timit": "timit"}, part=("split",)),
        "table3": Place("table3", {"ptb_word": "words"}, base=(1150,), part=("split",)),
        "table4": Place("table4", {"pmnist": "mnist_permuted_dtriv"}),
        "table5": Place("table5", {"timit": "timit_dtriv"}, part=("split",)),
        **{
            f"fig_sensitivity_{task}": Place(
                f"heat_{name}", {task: f"heat_{name}"}, base=(256, 158, 1150), part=("mu", "epsilon")
            )
            for task, name in (("mnist", "mnist"), ("timit", "timit"), ("ptb_word", "words"))
        },
    },
    "sbornn": {
        "fig_benchmark_pixel_mnist": Place("benchmark_mnist", {"pixel_mnist": "mnist"}, part=_SIZE),
        "fig_benchmark_har2": Place("benchmark_har2", {"har2": "har2"}, part=_SIZE),
        "fig_benchmark_ptb": Place("benchmark_words", {"ptb_word": "words"}, part=_SIZE),
        "fig_har2_lowdata": Place(
            "har2_few", {"har2 0.01": "har2_1", "har2 0.1": "har2_10"}, by="train_fraction"
        ),
        "fig_adding_speed": Place(
            "adding_steps",
            {"adding": "adding_{T}"},
            note="read with the axis in units of 5,000 steps, as it is labelled",
        ),
    },
    "rflo": {
        "notebook_final_loss": Place("notebook_final", {"periodic_output": "notebook"}, base=(50,)),
        "learning_rates": "settings, not results",
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
    for table in [*card["tables"], *card_rows.theory(card)]:
        place = places.get(table["id"])
        if place is None:
            raise Fault(
                f"{paper}: table {table['id']!r} has no place; add it to PLACES, or the reason why not"
            )
        if isinstance(place, str):
            print(f"{paper}: {table['id']} left out: {place}")
            continue
        known = [entry for entry in card_rows.plain(table["rows"]) if entry["value"] is not None]
        rows += _once(_row(table, entry, place) for entry in known)
        for entry in table["rows"]:
            if entry["value"] is None:
                print(
                    f"{paper}: {table['id']}: {entry['model']} {entry['setting']} left out: {entry['note']}"
                )
    return rows


def _row(table: Mapping[str, Any], entry: Mapping[str, Any], place: Place) -> Reported:
    metric, unit = _known(METRICS, table["metric"], "metric")
    setting = entry["setting"]
    better = tables.METRICS[metric].better or ""
    if (table["better"] or "") != better:
        raise Fault(f"{table['id']}: better is {table['better']}, but for {metric} it is {better}")
    spread = _number(entry.get("std"), unit) if unit else _relative(entry)
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
        spread_kind=entry.get("std_kind", "sd") if spread is not None else "",
        status=entry["status"],
        status_spread=entry.get("std_status", entry["status"]) if spread is not None else "",
        quoted_from=_quoted_from(entry["source"], setting, place),
        source=" ".join(entry["source"].split()),
        note="; ".join(_notes(table, entry, setting, place)),
        better=better,
    )


def _known(names: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in names:
        raise Fault(f"unknown {kind} {name!r}; known: {', '.join(names)}")
    return names[name]


def _number(value: float | None, unit: Decimal | None) -> float | None:
    """In decimal arithmetic, so that 40.01 per cent become 0.4001 and not 0.40009999999999996."""
    if value is None:
        return None
    return float(Decimal(str(value)) * unit) if unit else round(math.log(value), 4)


def _relative(entry: Mapping[str, Any]) -> float | None:
    """The spread of a logarithm, to first order."""
    return None if entry.get("std") is None else round(entry["std"] / entry["value"], 4)


def _cell(entry: Mapping[str, Any], setting: Mapping[str, Any], place: Place) -> str:
    if not place.experiments:
        return ""
    task = f"{entry['task']} {setting[place.by]:g}" if place.by else entry["task"]
    experiment = _known(place.experiments, task, "task").format(**setting)
    model = MODELS.get(entry["model"], entry["model"])
    hidden = entry.get("hidden")
    return f"{experiment}/{model}" + (f".n{hidden}" if hidden not in (None, *place.base) else "")


def _part(task: str, key: str, value: Any) -> str:
    value = SPLITS.get(task, {}).get(value, value) if key == "split" else value
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted_from(source: str, setting: Mapping[str, Any], place: Place) -> str:
    if isinstance(setting.get("quoted"), str):
        return setting["quoted"]
    return _first_hand(source) if place.third_party or setting.get("quoted") else ""


def _first_hand(source: str) -> str:
    """Who had the number, from the words on where it was read."""
    quoting = re.search(r"quoting (.+)", source) or re.search(r"quoted from (.+?)\)", source)
    return quoting[1] if quoting else re.split(r" \(| saves/|,? Table", source)[0]


def _notes(
    table: Mapping[str, Any], entry: Mapping[str, Any], setting: Mapping[str, Any], place: Place
) -> Iterator[str]:
    if place.note:
        yield place.note
    if "note" in entry:
        yield entry["note"]
    elif table["metric"] == "accuracy_percent" and entry.get("std", 1.0) <= 0.001:
        yield "sem may be a fraction, as printed"
    if _known(METRICS, table["metric"], "metric")[1] is None:
        yield f"perplexity {entry['value']:g}"
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
