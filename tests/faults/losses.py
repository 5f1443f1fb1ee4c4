"""What was trained twice, told by the trace of a trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

Event = tuple[str, ...]


def losses(
    events: Sequence[Event], before: Path, again: Collection[str] = (), restarted: Collection[str] = ()
) -> list[str]:
    """In words: runs trained again although they were finished, or afresh although they had a checkpoint.

    `events`: the lines of the trace; `before`: the folder with which the trial began. `again` and `restarted`: state
    folders whose record or checkpoint the fault itself destroys.
    """
    finished = Counter(path.parent.name for path in before.rglob("record.parquet"))
    kept = {path.parent.name for path in before.rglob("checkpoint")}
    fresh: set[tuple[str, str]] = (
        set()
    )  # (process, folder): begun by it, and not restored although there was something
    said = []
    for process, what, *rest in events:
        if what == "begun":
            fresh |= {(process, folder) for folder in kept if folder.partition("-")[0] in rest}
        elif what == "restored":
            fresh = {one for one in fresh if one[0] != process}
        elif what == "placed" and Path(rest[0]).name in ("record.parquet", "checkpoint"):
            folder = Path(rest[0]).parent.name
            if (process, folder) in fresh and folder not in restarted:
                said.append(f"the run {folder} began afresh although it had a checkpoint")
            fresh.discard((process, folder))
            if Path(rest[0]).name == "checkpoint":
                kept.add(folder)
            else:
                kept.discard(folder)
                finished[folder] += 1
    return said + [
        f"the finished run {folder} was trained again"
        for folder, times in finished.items()
        if times > 1 and folder not in again
    ]
