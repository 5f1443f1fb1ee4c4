"""A Python that finds no packages but those of an environment file: what conda would give a job, without conda."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOOK = """
import sys
HIDDEN = {hidden!r}
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}} in this environment", name=name)
sys.meta_path.insert(0, Hidden())
"""


def needed(packages: Iterable[str]) -> set[str]:
    """The distributions of `packages` and of all that they ask for."""
    found: set[str] = set()
    waiting = [(canonicalize_name(name), frozenset[str]()) for name in packages]
    while waiting:
        name, extras = waiting.pop()
        if name in found and not extras:
            continue
        found.add(name)
        try:
            asked = [Requirement(line) for line in importlib.metadata.requires(name) or []]
        except importlib.metadata.PackageNotFoundError:
            continue  # of another system, or another Python
        for one in asked:
            marks = [{**default_environment(), "extra": extra} for extra in (*extras, "")]
            if one.marker is None or any(one.marker.evaluate(mark) for mark in marks):
                child = (canonicalize_name(one.name), frozenset(one.extras))
                if child[0] not in found:
                    waiting.append(child)
    return found


def hook(folder: Path, packages: Iterable[str]) -> Path:
    """Write into `folder`, to be named in PYTHONPATH, what hides every module of other packages from a Python."""
    kept = needed(packages)
    modules = importlib.metadata.packages_distributions()
    hidden = {
        module
        for module, owners in modules.items()
        if module != "rnnrepro" and not {canonicalize_name(owner) for owner in owners} & kept
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK.format(hidden=sorted(hidden)))
    return folder
