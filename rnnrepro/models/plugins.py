"""Models of your own: a file whose tables are added to the package's.

The file declares any of MATRICES, DRIVES and UPDATES, {name: tables.Component}, and MODELS,
{name: tables.Model}. A component's path is `this:ClassName`, for a class in the file itself.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.names import is_plain

KINDS = {"MATRICES": "matrix", "DRIVES": "drive", "UPDATES": "update", "MODELS": "model"}


@dataclass(frozen=True)
class Plugin:
    """A loaded file and the names of the models that it adds."""

    path: Path
    module: str
    models: tuple[str, ...]


_loaded: dict[str, Plugin] = {}


def load(path: Path) -> Plugin:
    """Execute the file and add its rows to the tables; a file that is loaded already is not loaded again.

    It becomes the module `rnnrepro_plugin_<stem>`. What the file itself raises comes through. Raises Fault for
    a file that is missing or adds no model, for a name that is taken and for a row that names what is not there;
    then nothing is added.
    """
    path = Path(path).resolve()
    module_name = f"rnnrepro_plugin_{path.stem}"
    if module_name in _loaded:
        if _loaded[module_name].path != path:
            raise Fault(f"plugins {_loaded[module_name].path} and {path} have one name; rename one of them")
        return _loaded[module_name]
    module = _execute(path, module_name)
    try:
        rows = _rows(path, module)
        _check(path, module, rows)
    except BaseException:
        del sys.modules[module_name]
        raise
    for kind, added in rows.items():
        tables.KINDS[kind].update(added)
    _loaded[module_name] = Plugin(path, module_name, tuple(rows["model"]))
    return _loaded[module_name]


def _execute(path: Path, module_name: str) -> ModuleType:
    if not path.is_file():
        raise Fault(f"plugin {path} does not exist; give the path of a Python file")
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise Fault(f"plugin {path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _rows(path: Path, module: ModuleType) -> dict[str, dict[str, Any]]:
    rows = {kind: dict(getattr(module, table, {})) for table, kind in KINDS.items()}
    if not rows["model"]:
        raise Fault(f"plugin {path} adds no model; declare MODELS = {{name: tables.Model(…)}}")
    for kind, added in rows.items():
        wanted = tables.Model if kind == "model" else tables.Component
        for name, row in added.items():
            if not (isinstance(name, str) and is_plain(name)):
                raise Fault(
                    f"plugin {path}: {kind} {name!r:.60}: expected a name of small letters, digits and _"
                )
            if not isinstance(row, wanted):
                raise Fault(f"plugin {path}: {kind} {name!r} is not a tables.{wanted.__name__}")
            if name in tables.KINDS[kind]:
                raise Fault(f"plugin {path}: the {kind} {name!r} exists already; choose another name")
            if kind != "model":
                added[name] = dataclasses.replace(
                    row, path=row.path.replace("this:", f"{module.__name__}:", 1)
                )
    return rows


def _check(path: Path, module: ModuleType, rows: dict[str, dict[str, Any]]) -> None:
    for kind in ("matrix", "drive", "update"):
        known = {*tables.KINDS[kind], *rows[kind]}
        for name, row in rows[kind].items():
            home, _, attribute = row.path.partition(":")
            if home != module.__name__ or not hasattr(module, attribute):
                raise Fault(
                    f"plugin {path}: {kind} {name!r} has no class at {row.path!r}; write this:ClassName"
                )
        for name, row in rows["model"].items():
            if getattr(row, kind) not in known:
                raise Fault(f"plugin {path}: model {name!r} has an unknown {kind} {getattr(row, kind)!r}")
