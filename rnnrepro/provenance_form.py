"""The form of what a results file says beside its rows: whoever reads it relies on these types and no others.

A file that fits its checksum may still be anybody's: a checksum finds damage and stops no forger.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BYTES = 1 << 24
"""Longest provenance, as JSON."""
LEVELS = 20
"""Most levels of its lists and mappings."""
_NONE = type(None)
_CELL: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("scale", "key", "paper", "experiment", "arm", "model", "slice", "part", "row"), (str,)),
    **dict.fromkeys(("label", "title", "protocol", "select"), (str,)),
    **dict.fromkeys(("extra", "note", "stand_in"), (str, _NONE)),
    **dict.fromkeys(("fingerprint", "backend", "device", "device_name"), (str,)),
    **dict.fromkeys(("hidden", "steps", "parameters", "threads"), (int,)),
    **dict.fromkeys(("settings", "task", "data", "chance", "modules", "versions"), (dict,)),
    "steps_per_epoch": (int, _NONE),
    "metrics": (list,),
    "runs": (list,),
}
_MORE = {"read": (dict,), "digest": (str,), "status": (str,)}  # of earlier files, and of a run's own record
_RUN = {"point": (str,), "seed": (int,), "status": (str,), "digest": (str,)}
_MORE_OF_RUN = {"fingerprint": (str,), "backend": (str,), "steps": (int,), "set": (dict,)}
_OF_TEXTS = ("modules", "versions")
_OF_NUMBERS = ("chance",)
_OF_MAPPINGS = ("data",)
_WORDS = (
    "label",
    "title",
    "note",
    "extra",
    "protocol",
    "stand_in",
    "select",
)  # for people, in several lines maybe
_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|.)")
_HARMLESS = {b'"', b"\\", b"/"}
# What a terminal or an editor takes for more than a letter: control characters, marks of direction, half letters.
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def parsed(text: bytes) -> dict[str, Any]:
    """What the JSON says. Raises ValueError (RecursionError if nested deeply) where it is not of the form of ours."""
    if len(text) > BYTES:
        raise ValueError(f"expected at most {BYTES:,} bytes of provenance, found {len(text):,}")
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError(f"expected provenance with names, found {_word(said)}")
    _check_levels(said)
    _check_types(said, {**_CELL, **_MORE}, "provenance")
    for run in said.get("runs", ()):
        if not isinstance(run, dict):
            raise ValueError(f"expected runs with names, found {_word(run)}")
        _check_types(run, {**_RUN, **_MORE_OF_RUN}, "a run")
    for names, kinds in ((_OF_TEXTS, (str,)), (_OF_NUMBERS, (int, float)), (_OF_MAPPINGS, (dict,))):
        for name in names:
            _check_types(said.get(name, {}), dict.fromkeys(said.get(name, {}), kinds), name)
    _check_letters(text, said)
    return said


def check_cell(said: Mapping[str, Any]) -> None:
    """Raise ValueError for parsed provenance that lacks something that every cell's has."""
    lacking = sorted(_CELL.keys() - said.keys())
    if lacking:
        raise ValueError(f"expected the provenance of a cell, found none with {lacking[0]}")
    if not isinstance(said["task"].get("kind"), str):
        raise ValueError("expected the provenance of a cell, found none with the kind of its task")
    for run in said["runs"]:
        if lacking := sorted(_RUN.keys() - run.keys()):
            raise ValueError(f"expected runs that are told apart, found one without {lacking[0]}")


def _check_levels(said: Mapping[str, Any]) -> None:
    """Raises ValueError for more levels than may be gone down into by functions that call themselves."""
    level: list[Any] = [said]
    for _ in range(LEVELS):
        within = (value.values() if isinstance(value, dict) else value for value in level)
        level = [inner for values in within for inner in values if isinstance(inner, (dict, list))]
    if level:
        raise ValueError(f"expected provenance of at most {LEVELS} levels, found more")


def _check_types(said: Mapping[str, Any], kinds: Mapping[str, tuple[type, ...]], what: str) -> None:
    for name, value in said.items():
        wanted = kinds.get(name)
        if wanted and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise ValueError(f"expected {wanted[0].__name__} as {name!r} of {what}, found {_word(value)}")


def _word(value: Any) -> str:
    return type(value).__name__


def _check_letters(text: bytes, said: Mapping[str, Any]) -> None:
    """Raises ValueError where a name or a word has letters that would steer the terminal it is printed on."""
    if text.isascii() and all(_harmless(found) for found in set(_ESCAPE.findall(text))):
        return
    for words, each in _texts(said, False):
        if _CONTROL.search(each) or (not words and ("\n" in each or "\t" in each)):
            raise ValueError(f"expected names and words, found {each[:40]!r} with a control character")


def _harmless(escape: bytes) -> bool:
    return escape in _HARMLESS or (escape.startswith(b"u") and chr(int(escape[1:], 16)).isprintable())


def _texts(value: Any, words: bool) -> Iterator[tuple[bool, str]]:
    if isinstance(value, str):
        yield words, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield False, name
            yield from _texts(inner, words or name in _WORDS)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, words)
