"""What has changed between a results file and the plan, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnrepro import records
from rnnrepro.errors import Fault
from rnnrepro.plan import Cell


def changes(cell: Cell, results: Path) -> list[str]:
    """Why `cell` would be trained (again): one sentence a reason; empty when its file is up to date."""
    path = results / cell.path
    if not path.exists():
        return [f"{path} does not exist yet"]
    try:
        old = records.cell_provenance_of(path)
    except Fault as fault:
        return [str(fault)]
    return [*_runs(cell, old), *_settings(cell, old), *_code(cell, old)]


def _runs(cell: Cell, old: Mapping[str, Any]) -> Iterator[str]:
    had = {(run["point"], run["seed"]) for run in old["runs"]}
    want = {(run.point, run.seed) for run in cell.runs}
    for point, seed in sorted(want - had):
        yield f"run added: seed {seed}{f' at {point}' if point else ''}"
    for point, seed in sorted(had - want):
        yield f"run no longer wanted: seed {seed}{f' at {point}' if point else ''}"


def _settings(cell: Cell, old: Mapping[str, Any]) -> Iterator[str]:
    now = {k: v for k, v in cell.runs[0].settings.items() if k != "seed"}
    before, after = flat(old["settings"]), flat(now)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield f"setting {key}: {before.get(key, 'not set')!r} → {after.get(key, 'not set')!r}"


def _code(cell: Cell, old: Mapping[str, Any]) -> Iterator[str]:
    before, now = old["modules"], cell.modules
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            word = "changed" if name in before and name in now else "new" if name in now else "gone"
            yield f"training code {word}: {name}"


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found
