"""Tasks: batches with their targets as pure functions of (settings, seed, step), and a judge of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnrepro import tables
from rnnrepro.errors import Fault, nearest

if TYPE_CHECKING:
    from rnnrepro.tasks.base import Task


def build(
    kind: str,
    settings: Mapping[str, Any],
    *,
    seeds: Sequence[int],
    batch: int,
    data: Path | None = None,
    device: Any = "cpu",
    corpora: Mapping[str, str] | None = None,
) -> Task:
    """The task `kind` with its row's defaults and `settings` over them, for one run a seed; equal seeds share data.

    `batch`: sequences a step; `data`: the folder that holds the data sets' folders, for tasks that read
    files; `corpora`: {data set: folder} of licensed ones. Raises Fault for unknown kinds, settings and values, and
    for missing or damaged data.
    """
    known = tables.row("task", kind).arguments
    for name in settings:
        if name not in known:
            raise Fault(f"task {kind}: unknown setting {name!r}{nearest(name, known)}")
    resolved = {**known, **settings}
    unique = list(dict.fromkeys(seeds))
    task = tables.load("task", kind)(
        resolved, seeds=unique, batch=batch, data=data, device=device, corpora=corpora
    )
    if len(unique) == len(seeds):
        return task
    from rnnrepro.tasks.shared import Shared  # torch comes in here

    return Shared(task, [unique.index(seed) for seed in seeds])
