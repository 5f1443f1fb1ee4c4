"""What a cell's files say of it: its results, the state of its runs, its jobs and its log."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnrepro import heartbeat, records
from rnnrepro.errors import Fault
from rnnrepro.heartbeat import Heartbeat
from rnnrepro.plan import Cell
from rnnrepro.project import Project

_TAIL = 16_384


@dataclass(frozen=True)
class Place:
    """Where a scale's results, state and logs are."""

    results: Path
    state: Path
    logs: Path

    @classmethod
    def of(cls, scale: str, results: Path | None, state: Path | None) -> Place:
        """As the pipeline has them below the working folder; logs are beside the results, whichever those are."""
        results = results or Path("results", scale)
        below = results.parent.parent if results.parent.name == "results" else Path()
        return cls(results, state or Path("state", scale), below / "logs" / scale)

    def log(self, key: str) -> Path:
        """The log of the job that trains a cell."""
        return self.logs / "train" / f"{key}.log"


@dataclass
class Found:
    """What there is of a cell. Of its `runs`, `done` need no more training, `diverged` among them; `begun` have begun.

    `complete`: its results file stands and is what would be trained now. `stale`: why it is not, or not quite: "" or
    `settings`, `code` or `damaged` (`why`: how). `backend`: the scan that trained it. `left`: the digests of the runs
    still to be trained.
    """

    cell: Cell
    runs: int = 0
    done: int = 0
    diverged: int = 0
    begun: int = 0
    complete: bool = False
    stale: str = ""
    why: str = ""
    backend: str = ""
    left: list[str] = field(default_factory=list)


def folders(state: Path) -> dict[str, list[str]]:
    """{digest of a run: the names of its state folders, of whatever code}."""
    found: dict[str, list[str]] = defaultdict(list)
    try:
        for entry in os.scandir(state):
            digest, sign, code = entry.name.partition("-")
            if sign and code and entry.is_dir(follow_symlinks=False):
                found[digest].append(entry.name)
    except OSError:
        pass
    return found


def follows(project: Project, scale: str) -> bool:
    """Whether results of earlier training code are to be trained again."""
    return scale != "paper" or project.user.retrain == "stale"


def look(cell: Cell, place: Place, kept: Mapping[str, list[str]], follow: bool) -> Found:
    """What there is of a cell; `kept`: `folders` of the state."""
    found = Found(cell, len(cell.runs))
    old = _provenance(place.results / cell.path, found)
    if old is not None:
        _compare(found, old)
    if found.stale in ("settings", "damaged") or (found.stale == "code" and follow) or old is None:
        _of_state(found, place, kept, follow)
    else:
        found.complete, found.done = True, found.runs
        found.diverged = sum(run["status"] == "diverged" for run in old["runs"])
    return found


def _provenance(path: Path, found: Found) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        old = records.provenance_of(path)
        found.backend = str(old["backend"])
        if all({"point", "seed", "digest", "fingerprint", "status"} <= run.keys() for run in old["runs"]):
            return old
        found.why = f"{path}: its runs lack what tells them apart; delete it and run again"
    except (Fault, LookupError, TypeError, AttributeError) as error:
        found.why = heartbeat.one_line(str(error)) if isinstance(error, Fault) else f"{path}: not as written"
    found.stale = "damaged"
    return None


def _compare(found: Found, old: Mapping[str, Any]) -> None:
    had = {(run["point"], run["seed"]): run["digest"] for run in old["runs"]}
    if had != {(run.point, run.seed): run.digest for run in found.cell.runs}:
        found.stale = "settings"
    elif {run["fingerprint"] for run in old["runs"]} != {found.cell.fingerprint}:
        found.stale = "code"


def _of_state(found: Found, place: Place, kept: Mapping[str, list[str]], follow: bool) -> None:
    for run in found.cell.runs:
        names = kept.get(run.digest, [])
        if names and follow:
            names = [name for name in names if name == f"{run.digest}-{found.cell.fingerprint}"]
        states = [_state(place.state / name) for name in names]
        if best := next((s for s in ("diverged", "finished") if s in states), ""):
            found.done += 1
            found.diverged += best == "diverged"
            continue
        found.begun += "begun" in states
        found.left.append(run.digest)


def _state(folder: Path) -> str:
    """`finished`, `diverged`, `begun` or ""; a record that cannot be read is none."""
    record = folder / "record.parquet"
    if record.exists():
        try:
            return "diverged" if records.provenance_of(record)["status"] == "diverged" else "finished"
        except (Fault, LookupError, TypeError):
            pass
    return "begun" if (folder / "checkpoint").exists() else ""


def last_error(log: Path) -> str:
    """The last line `error: …` at the end of a log, or the name of an exception nobody caught; "" without either."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read(_TAIL).decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        if line.startswith("error: "):
            return heartbeat.one_line(line.removeprefix("error: "))
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        return heartbeat.one_line(next((line for line in reversed(lines) if line.strip()), ""))
    return ""


def beats(state: Path) -> tuple[dict[str, list[Heartbeat]], list[str]]:
    """{cell: its jobs, the one that was heard of last at the end}, and a word on each file that is damaged."""
    found: dict[str, list[Heartbeat]] = defaultdict(list)
    damaged = []
    for path, beat in heartbeat.every(state):
        if isinstance(beat, Heartbeat):
            found[beat.cell].append(beat)
        else:
            damaged.append(f"{path}: a damaged file of progress, passed over ({beat})")
    for jobs in found.values():
        jobs.sort(key=lambda beat: beat.updated)
    return found, damaged
