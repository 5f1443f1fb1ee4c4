"""Which data a run uses, and their checksums, without importing anything heavy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from rnnrepro import tables
from rnnrepro.datasets.registry import row
from rnnrepro.datasets.shipped import digits_file, python_docs
from rnnrepro.datasets.verify import sha256_of

# For each task that reads data: the setting that names the data set, and what it must hold.
_READS = {
    "pixels": ("images", "images"),
    "characters": ("text", "characters"),
    "words": ("text", "words"),
    "speech": ("corpus", "speech"),
}


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


def digest(name: str) -> dict[str, str]:
    """SHA-256 of each file of the data set, by name: the pinned one, or that of what ships with a dependency.

    Pinned files need not be there yet: whichever way they come, none is used that has another checksum.
    """
    files = row(name).files
    if files:
        return {file.name: file.sha256 for file in files}
    return {"digits": _digits, "python_docs": _python_docs}[name]()


def _digits() -> dict[str, str]:
    file = digits_file()
    return {file.name: sha256_of(file)}


def _python_docs() -> dict[str, str]:
    text = "".join(python_docs().values())
    return {"pydoc_data.topics": hashlib.sha256(text.encode("utf-8")).hexdigest()}
