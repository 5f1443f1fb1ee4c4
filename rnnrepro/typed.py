"""Mappings into frozen dataclasses: strict keys, all faults at once, and a JSON schema from the same fields.

A field's metadata may hold `help`, `choices`, `minimum` and `check` (a function of the value that returns a
message or None). Supported annotations: bool, int, float, str, Literal words, None, unions of these, list[...],
dict[str, ...], dict (any mapping) and other dataclasses.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from rnnrepro.errors import Fault, nearest


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,  # noqa: A002  the word a reader of the settings expects
    choices: Callable[[], typing.Iterable[str]] | None = None,
    minimum: float | None = None,
    check: Callable[[Any], str | None] | None = None,
) -> Any:
    """A dataclass field with its description and constraints. Mutable defaults are copied."""
    metadata = {"help": help, "choices": choices, "minimum": minimum, "check": check}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Reader:
    """Reads mappings into dataclasses and gathers every fault on the way.

    `source` is where the values stand, and `said` names the key paths whose values do not stand there: what the
    messages say instead of the source and the path ("": nothing else).
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[str] = []
        self.said: dict[str, str] = {}

    def fault(self, where: str, message: str) -> None:
        """Note a fault at the key path `where`."""
        ours = [path for path in self.said if where == path or where.startswith((f"{path}.", f"{path}["))]
        path = max(ours, key=len, default="")
        said = self.said.get(path, "")
        place = f"{said}{where[len(path) :]}" if said else f"{self.source}: {where or 'top level'}"
        self.faults.append(f"{place}: {message}")

    def finish(self) -> None:
        """Raise one Fault with everything found, if anything was."""
        if self.faults:
            raise Fault("\n".join(self.faults))

    def read(self, cls: type, value: Any, where: str = "") -> Any:
        """`value` as an instance of the dataclass `cls`, or None when it had faults."""
        if not isinstance(value, Mapping):
            self.fault(where, f"expected a mapping, found {_shown(value)}")
            return None
        before = len(self.faults)
        hints = _hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for key in value:
            if key not in fields:
                self.fault(_join(where, key), f"unknown key{nearest(str(key), fields)}")
        found = {}
        for name, field in fields.items():
            if name in value:
                found[name] = self._value(hints[name], value[name], _join(where, name), field.metadata)
            elif _required(field):
                self.fault(where, f"missing key {name!r} ({field.metadata.get('help', '')})")
        return cls(**found) if len(self.faults) == before else None

    def _value(self, hint: Any, value: Any, where: str, metadata: Mapping[str, Any]) -> Any:
        value = self._typed(hint, value, where)
        if value is None:
            return None
        choices = metadata.get("choices")
        for word in value if isinstance(value, (list, dict)) else [value]:
            if choices and isinstance(word, str) and word not in (known := list(choices())):
                self.fault(where, f"unknown value {word!r}{nearest(word, known)}")
        minimum = metadata.get("minimum")
        if minimum is not None and isinstance(value, (int, float)) and value < minimum:
            self.fault(where, f"{value} is below the least allowed, {minimum}")
        check = metadata.get("check")
        if check and (message := check(value)):
            self.fault(where, message)
        return value

    def _typed(self, hint: Any, value: Any, where: str) -> Any:
        options = _options(hint)
        if value is None and type(None) in options:
            return None
        for option in options:
            if option is not type(None) and _fits(option, value):
                return self._inside(option, value, where)
        self.fault(where, f"expected {_named(hint)}, found {_shown(value)}")
        return None

    def _inside(self, option: Any, value: Any, where: str) -> Any:
        if dataclasses.is_dataclass(option):
            return self.read(option, value, where)
        arguments = typing.get_args(option)
        if typing.get_origin(option) is list and arguments:
            return [self._typed(arguments[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
        if typing.get_origin(option) is dict and arguments:
            return {str(k): self._typed(arguments[1], v, _join(where, k)) for k, v in value.items()}
        return self._finite(value, where) if option is float else value

    def _finite(self, value: float, where: str) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fault(where, f"expected a finite number, found {number}")
        return number


def _required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def _options(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _fits(option: Any, value: Any) -> bool:
    base = typing.get_origin(option) or option
    if option is Any:
        return True
    if base is typing.Literal:
        return value in typing.get_args(option)
    if dataclasses.is_dataclass(option):
        return isinstance(value, Mapping)
    if base is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if base is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, base)


def _named(hint: Any) -> str:
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        dict: "a mapping",
        list: "a list",
        type(None): "null",
    }
    words = []
    for option in _options(hint):
        base = typing.get_origin(option) or option
        if base is typing.Literal:
            words += [repr(word) for word in typing.get_args(option)]
            continue
        words.append("a mapping" if dataclasses.is_dataclass(base) else names.get(base, str(base)))
    return " or ".join(words)


def _shown(value: Any) -> str:
    hint = ""
    if isinstance(value, str):
        try:
            float(value)
            hint = " (a text: YAML reads numbers such as 1e-3 only with a point, 1.0e-3)"
        except ValueError:
            pass
    return f"{value!r}{hint}"


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields; reading them takes as long as reading the settings themselves."""
    return typing.get_type_hints(cls)


def schema(cls: type) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a settings dataclass: closed, described, with defaults."""
    hints = _hints(cls)
    properties, required = {}, []
    for field in dataclasses.fields(cls):
        entry = _schema_of(hints[field.name])
        entry["description"] = field.metadata.get("help", "")
        if field.metadata.get("choices"):
            known = sorted(field.metadata["choices"]())
            target = entry.get("items", entry)
            target["enum"] = known + ([None] if type(None) in _options(hints[field.name]) else [])
        if field.metadata.get("minimum") is not None:
            entry["minimum"] = field.metadata["minimum"]
        if _required(field):
            required.append(field.name)
        else:
            default = field.default if field.default is not dataclasses.MISSING else field.default_factory()
            if not dataclasses.is_dataclass(default):
                entry["default"] = default
        properties[field.name] = entry
    result = {"type": "object", "additionalProperties": False, "properties": properties}
    return result | ({"required": required} if required else {})


def _schema_of(hint: Any) -> dict[str, Any]:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    options = _options(hint)
    if all(o in names for o in options):
        kinds = [names[o] for o in options]
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    if len(options) > 1:
        return {"anyOf": [_schema_of(o) for o in options]}
    (option,) = options
    base, arguments = typing.get_origin(option) or option, typing.get_args(option)
    if dataclasses.is_dataclass(option):
        return schema(option)
    if base is typing.Literal:
        return {"enum": list(arguments)}
    if base is list:
        return {"type": "array", "items": _schema_of(arguments[0])} if arguments else {"type": "array"}
    if base is dict:
        entry: dict[str, Any] = {"type": "object"}
        if arguments and arguments[1] is not Any:
            entry["additionalProperties"] = _schema_of(arguments[1])
        return entry
    return {}
