"""What settings must be like before anything is computed from them, and what is said where nothing can be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from rnnrepro.errors import Fault

_SENSELESS = (
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    MemoryError,
)


@contextlib.contextmanager
def made_of(where: str) -> Iterator[None]:
    """Turn what arithmetic raises within, on settings of the wrong size or kind, into a Fault that names the place."""
    try:
        yield
    except _SENSELESS as error:
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise Fault(f"{where}: nothing can be made of these settings ({said})") from error


def mistyped(default: Any, value: Any) -> str:
    """What is wrong with the kind of an argument's value, told by its row's default; "" if nothing is."""
    wanted, found = _kind(default), _kind(value)
    if ("nothing" in (wanted, found) and found != "a mapping") or wanted == found:
        return ""
    return (
        f"expected {wanted if default is not None else 'a number or a text'}, found {found} ({value!r:.60})"
    )


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text", type(None): "nothing"}
    if isinstance(value, Mapping):
        return "a mapping"
    return kinds.get(type(value), "a list" if isinstance(value, (list, tuple)) else type(value).__name__)


def check_layers(raw: Mapping[str, Any], where: str) -> None:
    """Raise Fault where a part of an experiment that is merged with others, or names arms, is not what it must be."""
    _check(raw, where, {"scales": dict, "defaults": dict, "models": dict, "task": dict, "training": dict})
    for name, arm in (raw.get("models") or {}).items():
        _check({name: arm}, f"{where}.models", {name: dict})
    for scale, block in (raw.get("scales") or {}).items():
        _check({scale: block}, f"{where}.scales", {scale: dict})
        if block:
            place = f"{where}.scales.{scale}"
            _check(block, place, {"defaults": dict, "models": dict, "only": list, "without": list})
            _check(block, place, {"task": dict, "training": dict})
            for name, arm in (block.get("models") or {}).items():
                _check({name: arm}, f"{place}.models", {name: dict})


def _check(given: Mapping[str, Any], where: str, wanted: Mapping[str, type]) -> None:
    for key, kind in wanted.items():
        value = given.get(key)
        if value is not None and not isinstance(value, kind):
            raise Fault(
                f"{where}.{key}: expected {'a mapping' if kind is dict else 'a list'}, found {value!r:.60}"
            )
        if isinstance(value, (dict, list)) and not all(isinstance(word, str) for word in value):
            raise Fault(f"{where}.{key}: expected names, found {value!r:.60}")
