"""Numbers and sentences as a terminal of 80 columns takes them."""

from __future__ import annotations

from collections.abc import Iterable

WIDTH = 80
_NAMED = 5


def many(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def size(count: float) -> str:
    """`12345678` -> `12 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def named(words: Iterable[str]) -> str:
    """The first few, and how many there are besides."""
    found = list(words)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def folded(sentence: str, first: str = "  - ", rest: str = "    ") -> list[str]:
    """A sentence as lines of at most 80 columns; a long word, such as a path, stays whole."""
    lines, line, empty = [], first, True
    for word in sentence.split(" "):
        if not empty and len(line) + len(word) > WIDTH:
            lines.append(line.rstrip())
            line = rest
        line, empty = f"{line}{word} ", False
    return [*lines, line.rstrip()]
