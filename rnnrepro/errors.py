"""The one exception that a user is meant to see."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Fault(Exception):
    """Bad input, said once and clearly: what is wrong, and how to mend it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint `, did you mean X?` (or the list of what is known) for a misspelt name."""
    known = sorted(map(str, known))
    close = difflib.get_close_matches(str(word)[:100], known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(known)}" if known else ""
