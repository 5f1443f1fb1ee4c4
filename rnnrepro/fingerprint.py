"""What code a run is trained with: a hash of every module that its training imports.

Comments, docstrings and layout do not count, nor do the modules that only plan, show or store. Nothing is
imported: the sources are read and their import statements followed.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rnnrepro import tables

_PACKAGE = Path(__file__).parent
# Their effect on a run is in its resolved settings already, or they do not touch its numbers.
_OUTSIDE = {"rnnrepro"} | {
    f"rnnrepro.{name}"
    for name in (
        "tables",
        "metrics",
        "config",
        "typed",
        "errors",
        "project",
        "plan",
        "datasets.registry",
        "datasets.verify",
        "datasets.provenance",
    )
}


def modules(roots: Iterable[str]) -> dict[str, str]:
    """{module: hash} of `roots` (such as "rnnrepro.training.loop") and of all they import from the package.

    A root outside the package is a user's plugin, which has been imported already.
    """
    return dict(_modules(tuple(sorted(set(roots)))))


@cache
def _modules(roots: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting, met = list(roots), set(_OUTSIDE)
    while waiting:
        name = waiting.pop()
        if name in met:
            continue
        met.add(name)
        if (path := _path(name)) is None:
            continue
        found[name], imports = _read(path)
        waiting += [*imports, *_parents(name)]
    return dict(sorted(found.items()))


def training_modules(settings: Mapping[str, Any]) -> dict[str, str]:
    """{module: hash} of the training loop and of every part that the run's settings name."""
    model, later = settings["model"], settings.get("phases", ())
    named = [
        ("task", settings["task"]["kind"]),
        ("rule", model["rule"]["kind"]),
        *(("task", phase["task"]["kind"]) for phase in later),
        *(("rule", phase["rule"]["kind"]) for phase in later if phase["rule"]),
        ("schedule", settings["training"]["schedule"]),
        *((part, model[f"{part}_kind"]) for part in tables.PARTS),
        *(("optimiser", group["kind"]) for group in settings["optimiser"].values()),
        *(("analysis", name) for name in settings["analyses"]),
    ]
    paths = [tables.row(kind, name).path.split(":")[0] for kind, name in named]
    return modules(["rnnrepro.training.loop", *paths])


def combined(hashes: dict[str, str]) -> str:
    """One fingerprint for a set of modules, 12 hexadecimal digits."""
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()[:12]


_FOUND: dict[str, Path] = {}  # modules of the package; a plugin's may be loaded again from another file


def _path(name: str) -> Path | None:
    if not name.startswith("rnnrepro."):
        return Path(sys.modules[name].__file__)
    if name in _FOUND:
        return _FOUND[name]
    base = _PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.exists():
            return _FOUND.setdefault(name, candidate)
    return None


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(2, len(parts))] if parts[0] == "rnnrepro" else []


@cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    imports = tuple(_imports(nodes))
    for node in nodes:
        if isinstance(
            node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ) and _documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12], imports


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _imports(nodes: Iterable[ast.AST]) -> list[str]:
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [n for n in dict.fromkeys(names) if n.startswith("rnnrepro.")]
