"""Texts as sequences of characters, bytes or words, numbered in the order of their first appearance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnrepro.datasets.registry import row
from rnnrepro.datasets.shipped import python_docs
from rnnrepro.datasets.verify import verified
from rnnrepro.errors import Fault

EOS = "<eos>"


class Text(NamedTuple):
    """The `symbols` by number, and for train, validation and test their numbers (n,), uint8 or, of words, uint16."""

    symbols: tuple[str, ...]
    splits: Mapping[str, np.ndarray]


def load(name: str, folder: Path | None, holds: str = "characters") -> Text:
    """The text `name` of `characters` or `words`: from files under `folder`, or `python_docs` from this Python.

    Raises Fault for missing or damaged files and for data sets that do not hold such a text.
    """
    row(name, holds)
    return _READERS[name](folder)


def _treebank(name: str, prefix: str) -> Callable[[Path | None], Text]:
    def read(folder: Path | None) -> Text:
        files = verified(name, folder)
        parts = {"train": "train", "validation": "valid", "test": "test"}
        return numbered({split: lines_of(files[f"{prefix}.{part}.txt"]) for split, part in parts.items()})

    return read


def _enwik8(folder: Path | None) -> Text:
    return of_bytes(verified("enwik8", folder)["enwik8"].read_bytes(), row("enwik8").sizes)


def numbered(splits: Mapping[str, Sequence[str]]) -> Text:
    """Number the symbols over all splits, in their order. Raises Fault for more than 65,536 different ones."""
    symbols = tuple(dict.fromkeys(symbol for split in splits.values() for symbol in split))
    if len(symbols) > 1 << 16:
        raise Fault(f"a text: expected at most 65,536 different symbols, found {len(symbols):,}")
    number, kind = {symbol: i for i, symbol in enumerate(symbols)}, _kind(symbols)
    found = {
        name: np.fromiter((number[symbol] for symbol in split), kind, len(split))
        for name, split in splits.items()
    }
    return Text(symbols, found)


def _kind(symbols: Sequence[str]) -> type:
    return np.uint8 if len(symbols) <= 1 << 8 else np.uint16


def of_bytes(data: bytes, sizes: Mapping[str, int]) -> Text:
    """Each byte a symbol, the newline named `<eos>`; the splits are so many bytes each, one after the other.

    Raises Fault unless they are all of the bytes.
    """
    if len(data) != sum(sizes.values()):
        raise Fault(f"a text: expected {sum(sizes.values()):,} bytes, found {len(data):,}")
    places = {byte: data.find(byte) for byte in range(256)}
    order = sorted((byte for byte, place in places.items() if place >= 0), key=places.__getitem__)
    number = np.zeros(256, np.uint8)
    number[order] = np.arange(len(order))
    ends = np.cumsum(list(sizes.values()))[:-1]
    parts = np.split(number[np.frombuffer(data, np.uint8)], ends)
    symbols = tuple(
        EOS if byte == ord("\n") else f"\\x{byte:02x}" if byte > 126 else chr(byte) for byte in order
    )
    return Text(symbols, dict(zip(sizes, parts, strict=True)))


def lines_of(path: Path) -> list[str]:
    """The blank-separated symbols of a file, with one `<eos>` after each line.

    The Penn Treebank's character files end in a line of one blank without a newline. The authors' reader counts it as
    a line, and so gives one `<eos>` more than there are newlines (5,017,483 training symbols); so does this.
    """
    found: list[str] = []
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            found += line.split()
            found.append(EOS)
    return found


_READERS: dict[str, Callable[[Path | None], Text]] = {
    "ptb_char": _treebank("ptb_char", "ptb.char"),
    "ptb_word": _treebank("ptb_word", "ptb"),
    "enwik8": _enwik8,
    "python_docs": lambda _: numbered(python_docs()),
}
