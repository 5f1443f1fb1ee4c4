"""The names that a configuration gives: they become file names, wildcards and words of a command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rnnrepro.config import Paper

_PLAIN = re.compile(r"[a-z0-9_]{1,64}")
_ARM = re.compile(r"[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64})?")
_TAKEN = ("index",)  # the page of a paper


def of_paper(key: str, paper: Paper) -> Iterator[str]:
    """What is wrong with the name of a paper and the names that it gives, one sentence each."""
    yield from _plain("paper", [key])
    yield from _plain("experiment", paper.experiments)
    yield from _plain("exhibit", paper.exhibits)
    yield from _plain("claim", paper.claims)
    yield from (
        f"the exhibit {name!r}: the page of the paper has this name"
        for name in _TAKEN
        if name in paper.exhibits
    )


def is_plain(name: str) -> bool:
    """Whether a paper, an experiment, an exhibit or a claim may be called so."""
    return bool(_PLAIN.fullmatch(name))


def of_arm(name: str) -> str:
    """What is wrong with the name of an arm; "" if nothing is."""
    if _ARM.fullmatch(name):
        return ""
    return f"the model {name[:80]!r}: expected small letters, digits and _, with one point before a slice at most"


def _plain(what: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not is_plain(name):
            yield f"the {what} {name[:80]!r}: expected a name of small letters, digits and _, 64 at most"
