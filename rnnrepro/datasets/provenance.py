"""Which data a run uses, and their checksums, without importing anything heavy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnrepro import tables
from rnnrepro.datasets import registry, timit
from rnnrepro.datasets.registry import row
from rnnrepro.datasets.shipped import digits_file, python_docs
from rnnrepro.datasets.verify import sha256_of

# For each task that reads data: the setting that names the data set, and what it must hold.
_READS = {
    "pixels": ("images", "images"),
    "characters": ("text", "characters"),
    "words": ("text", "words"),
    "speech": ("corpus", "speech"),
    "activity": ("signals", "activity"),
}

_LISTINGS = {"timit": timit.listing}  # of the data sets that users supply


def required(kind: str, settings: Mapping[str, Any]) -> list[str]:
    """The data sets that a task reads; its row's defaults stand for settings that are not given.

    Raises Fault for data sets that are unknown or that the task cannot read.
    """
    if kind not in _READS:
        return []
    setting, holds = _READS[kind]
    name = {**tables.row("task", kind).arguments, **settings}[setting]
    row(name, holds)
    return [name]


def lacking(
    kind: str, settings: Mapping[str, Any], corpora: Mapping[str, str], places: Sequence[Path] = ()
) -> str:
    """Which data set a task reads that only the user can supply and has not, and how to do it; "" if none.

    That is a licensed one whose folder is not in `corpora`, or one that is nowhere upstream and in none of `places`.
    """
    for name in required(kind, settings):
        if row(name).supplied_by_user and not corpora.get(name):
            return registry.lacking(name)
        if not registry.within_reach(name, places):
            return registry.nowhere(name)
    return ""


def digest(name: str, corpora: Mapping[str, str] | None = None) -> dict[str, str]:
    """SHA-256 of each file of the data set, by name: the pinned one, or that of what ships with a dependency.

    Pinned files need not be there yet: whichever way they come, none is used that has another checksum. Of a
    licensed corpus, in the folder that `corpora` names, it is the checksum of its list of utterances with their
    sizes; Fault where there is none.
    """
    files = row(name).files
    if files:
        return {file.name: file.sha256 for file in files}
    if row(name).supplied_by_user:
        return {"utterances": _LISTINGS[name]((corpora or {}).get(name))}
    return {"digits": _digits, "python_docs": _python_docs}[name]()


def _digits() -> dict[str, str]:
    file = digits_file()
    return {file.name: sha256_of(file)}


def _python_docs() -> dict[str, str]:
    text = "".join(python_docs().values())
    return {"pydoc_data.topics": hashlib.sha256(text.encode("utf-8")).hexdigest()}
