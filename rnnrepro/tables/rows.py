"""What a row of a table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Component:
    """One named part: `path` is `module:attribute`, `arguments` its settings with defaults.

    `per_run` names the arguments that may differ between the runs of a stack: the class takes for each either one
    value or a list with one for each run. They can stand in a grid as `<kind>.<argument>`.
    Of an update: `gates`, the columns of W for each unit, and `planes`, the numbers of h for each unit.
    """

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    per_run: tuple[str, ...] = ()
    gates: int = 1
    planes: int = 1


@dataclass(frozen=True, kw_only=True)
class Model:
    """A composition: which matrix, drive and update, and the defaults that make the model what it is."""

    matrix: str
    drive: str = "affine"
    update: str = "modrelu"
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    about: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Analysis(Component):
    """A measurement on networks, made `at` the `ends` of a training or at its `evaluations` as well."""

    at: str = "ends"
