"""YAML of unknown origin: read in bounded time and memory, as plain values alone, and every fault as one Fault.

What the loader of PyYAML lets pass is refused here: a key that stands twice (the last would count, silently), aliases
that unfold to millions of entries or to themselves, numbers that are not finite or are read to the base 8 or 60.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any

import yaml

from rnnrepro.errors import Fault

BYTES = 4 << 20
"""Longest text; the longest of the project's own has 80 kB."""
DEPTH = 100
"""Most mappings and lists within one another."""
ENTRIES = 50_000
"""Most keys and values with every alias written out."""

_TEXT, _WHOLE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int"
_NUMBERS = (_WHOLE, "tag:yaml.org,2002:float")
_OTHERWISE = re.compile(r"[-+]?(0[0-7_]+$|.*:)")
"""Numbers that YAML 1.1 reads otherwise than they look: 010 is 8, 1:30 is 90."""
_DIGITS = 70  # no number is longer, and those to the base 60 (1:20:30) take quadratic time
_COMPOSED = 3000  # levels that libyaml surely makes nodes of; at some 30,000 the process dies of its stack
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What PyYAML raises, besides its own errors, on scalars such as `2001-13-45`, `!!int ""` or `!!timestamp x`.
_MEANT = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)


def read(path: Path) -> Any:
    """The value that a YAML file holds. Raises Fault where it cannot be read, and as `parse` does."""
    try:
        # What waits for a writer, a pipe for example, is opened without waiting, and refused.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Fault(f"{path}: expected a file, found a folder, device or pipe")
            content = file.read(BYTES + 1)
    except IsADirectoryError:
        raise Fault(f"{path}: expected a file, found a folder, device or pipe") from None
    except (OSError, ValueError) as error:
        raise Fault(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        return parse(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise Fault(f"{path}: not valid YAML: {error}") from None


def parse(text: str, name: str) -> Any:
    """The value of a YAML text; `name` stands in the messages.

    Raises Fault for what is no YAML or no plain value, and for what is longer, deeper or larger than the limits above.
    """
    if len(text) > BYTES:
        raise Fault(f"{name}: expected at most {BYTES:,} bytes, found more")
    try:
        if _possible_depth(text) > _COMPOSED:
            _check_depth(text, name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(node, name)
            value = loader.construct_document(node)
        finally:
            loader.dispose()
    except _MEANT as error:
        raise Fault(f"{name}: not valid YAML: {_told(error)}") from None
    _check_numbers(value, name)
    return value


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, yaml.YAMLError) else f"{type(error).__name__}: {str(error)[:200]}"


def _possible_depth(text: str) -> int:
    """No text is deeper: each level opens a bracket or stands at least half a column farther to the right."""
    return text.count("[") + text.count("{") + 2 * max(map(len, text.splitlines()), default=0)


def _check_depth(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise Fault(f"{name}: expected at most {DEPTH} levels, found more{_place(event)}")


def _check(root: yaml.Node, name: str) -> None:
    """Raise Fault for a key that stands twice, an alias within its own anchor, and what is too deep or too large."""
    sizes: dict[int, int] = {}
    around: set[int] = set()
    waiting: list[tuple[yaml.Node, bool]] = [(root, False)]
    while waiting:
        node, left = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            if len(node.value) > _DIGITS and node.tag != _TEXT:
                raise Fault(f"{name}: {node.value[:20]}… is no number to set anything to{_place(node)}")
            if node.tag in _NUMBERS and _OTHERWISE.match(node.value):
                raise Fault(
                    f"{name}: YAML reads {node.value!r} to the base {60 if ':' in node.value else 8}; write it as a"
                    f" plain number, or in quotes{_place(node)}"
                )
            continue
        inner = _children(node)
        if left:
            around.discard(id(node))
            sizes[id(node)] = 1 + len(inner) + sum(sizes.get(id(child), 0) for child in inner)
            if sizes[id(node)] > ENTRIES:
                raise Fault(f"{name}: expected at most {ENTRIES:,} entries, aliases written out, found more")
        elif id(node) in around:
            raise Fault(f"{name}: an alias stands within its own anchor{_place(node)}")
        elif id(node) not in sizes:
            around.add(id(node))
            if len(around) > DEPTH:
                raise Fault(f"{name}: expected at most {DEPTH} levels, found more{_place(node)}")
            _check_keys(node, name)
            waiting.append((node, True))
            waiting += [(child, False) for child in inner]


def _children(node: yaml.CollectionNode) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value


def _check_keys(node: yaml.CollectionNode, name: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if key.tag == _WHOLE and len(key.value) > 20:  # many of one hash would take quadratic time
            raise Fault(f"{name}: {key.value[:30]}… is no key{_place(key)}")
        if not isinstance(key, yaml.ScalarNode):
            raise Fault(f"{name}: a key is a list or a mapping{_place(key)}")
        if (key.tag, key.value) in seen:
            raise Fault(f"{name}: the key {key.value[:80]!r} stands twice{_place(key)}")
        seen.add((key.tag, key.value))


def _place(thing: yaml.Node | yaml.Event) -> str:
    mark = thing.start_mark
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _check_numbers(value: Any, name: str) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, float) and not math.isfinite(one):
            raise Fault(f"{name}: {one} is no number to set anything to")
        elif isinstance(one, int) and not -(2**63) <= one < 2**63:
            raise Fault(f"{name}: the whole number {one} is larger than 64 bits hold")
        elif not isinstance(one, (str, int, float, type(None))):
            raise Fault(
                f"{name}: expected texts, numbers, lists and mappings, found {type(one).__name__}; put it in quotes"
            )


def line(value: Any) -> str:
    """A plain value as YAML on one line of printable ASCII, which `parse` reads back as it was."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{line(key)}: {line(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(line, value)) + "]"
    if isinstance(value, str):
        plain = (one if " " <= one <= "~" and one not in '"\\' else f"\\U{ord(one):08x}" for one in value)
        return f'"{"".join(plain)}"'
    text = json.dumps(value)
    return text if not isinstance(value, float) or "." in text else text.replace("e", ".0e")
