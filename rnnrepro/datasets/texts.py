"""Texts as sequences of characters, numbered in the order of their first appearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnrepro.datasets.registry import row
from rnnrepro.datasets.shipped import python_docs
from rnnrepro.datasets.verify import verified
from rnnrepro.errors import Fault


class Text(NamedTuple):
    """The `symbols` by number, and for train, validation and test their numbers (n,) uint8."""

    symbols: tuple[str, ...]
    splits: Mapping[str, np.ndarray]


def load(name: str, folder: Path | None) -> Text:
    """The text `ptb_char` (files under `folder`) or `python_docs` (from this Python).

    Raises Fault for missing or damaged files and for data sets that are not texts of characters.
    """
    row(name, "characters")
    return {"ptb_char": _ptb_char, "python_docs": lambda _: numbered(python_docs())}[name](folder)


def _ptb_char(folder: Path | None) -> Text:
    files = verified("ptb_char", folder)
    names = {"train": "train", "validation": "valid", "test": "test"}
    return numbered({split: lines_of(files[f"ptb.char.{part}.txt"]) for split, part in names.items()})


def numbered(splits: Mapping[str, Sequence[str]]) -> Text:
    """Number the symbols over all splits, in their order. Raises Fault for more than 256 different ones."""
    symbols = tuple(dict.fromkeys(symbol for split in splits.values() for symbol in split))
    if len(symbols) > 256:
        raise Fault(f"characters: expected at most 256 different symbols, found {len(symbols):,}")
    number = {symbol: i for i, symbol in enumerate(symbols)}
    found = {
        name: np.fromiter((number[symbol] for symbol in split), np.uint8, len(split))
        for name, split in splits.items()
    }
    return Text(symbols, found)


def lines_of(path: Path) -> list[str]:
    """The blank-separated symbols of a file, with one `<eos>` after each line.

    The Penn Treebank's files end in a line of one blank without a newline. The authors' reader counts it as a
    line, and so gives one `<eos>` more than there are newlines (5,017,483 training symbols); so does this.
    """
    found: list[str] = []
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            found += line.split()
            found.append("<eos>")
    return found
