"""Convert the training curves that a reproduction card gives in numbers to one table that figures can draw.

    python scripts/convert_curves.py CARDS [--output config/reported] [PAPER ...]

A card's `training_curves` are means over seeds at a few points. A curve that cannot be put beside one of ours is left
out with its reason. Epochs count those that are done: the first evaluation, which some logs call 0, is at 1.
The output is committed; run this again only when a card changes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from convert_reported import MODELS

from rnnrepro import published
from rnnrepro.errors import Fault
from rnnrepro.published import ENDING, Point

EXPERIMENTS = {
    ("LSTM", "mnist"): "mnist",
    ("LSTM", "pmnist"): "mnist_permuted",
    ("LSTM", "timit"): "timit",
    ("LSTM", "ptb_word"): "words",
    ("DTRIV", "pmnist"): "mnist_permuted_dtriv",
    ("DTRIV", "timit"): "timit_dtriv",
}
METRICS = {"mnist": "cross_entropy", "pmnist": "cross_entropy", "timit": "mse", "ptb_word": "cross_entropy"}
SPLITS = {
    "test loss per epoch": "test",
    "training mini-batch loss": "train",
    "validation loss per epoch (nats/word)": "validation",
}
HELD_OUT = {"timit": "core"}
FIRST_EPOCH = {"epoch (0-based)": 1, "epoch (1-based)": 0}


def convert(card: Mapping[str, Any]) -> Iterator[Point]:
    """A row for each point of each curve. Raises Fault for a model or task that has no place."""
    for curve in card["training_curves"]:
        if why := _left_out(curve):
            print(f"{curve['model']} on {curve['task']}, {curve['quantity']}: left out: {why}")
            continue
        yield from _points(curve)


def _left_out(curve: Mapping[str, Any]) -> str:
    if curve.get("hidden") is None:
        return "its number of units is not known"
    return "" if curve["quantity"] in SPLITS else "it has penalties that our curves have not"


def _points(curve: Mapping[str, Any]) -> Iterator[Point]:
    model, task = curve["model"], curve["task"]
    unit = "DTRIV" if model.endswith("DTRIV") else "LSTM"
    if (unit, task) not in EXPERIMENTS or model not in MODELS:
        raise Fault(f"{model} on {task} has no place; add it to EXPERIMENTS and to the models of the tables")
    arm = MODELS["SRLSTM as printed" if (model, task) == ("SRLSTM", "ptb_word") else model]
    split = SPLITS[curve["quantity"]]
    for point in curve["points"]:
        yield Point(
            experiment=EXPERIMENTS[unit, task],
            model=arm if task == "ptb_word" else f"{arm}.n{curve['hidden']}",
            split=HELD_OUT.get(task, split) if split == "test" else split,
            metric=METRICS[task],
            x=point["x"] + FIRST_EPOCH.get(curve["x_unit"], 0),
            x_kind="epoch" if curve["x_unit"] in FIRST_EPOCH else "step",
            value=point["mean"],
            std=point.get("std"),
            seeds=len(curve["seeds"]),
            status="derived",
            source=curve["source"],
        )


def main(argv: list[str] | None = None) -> int:
    """Convert the curves of the cards asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cards", type=Path, help="folder of the cards")
    parser.add_argument("papers", nargs="*", default=["momentumrnn"], help="default: all that have curves")
    parser.add_argument("--output", type=Path, default=Path("config/reported"))
    args = parser.parse_args(argv)
    try:
        for paper in args.papers:
            card = yaml.safe_load((args.cards / f"{paper}.yaml").read_text(encoding="utf-8"))
            rows = list(convert(card))
            published.write(args.output / f"{paper}{ENDING}", rows)
            print(f"{paper}: {len(rows)} points")
    except (Fault, OSError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
