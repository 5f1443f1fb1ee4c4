"""What nothing needs any more, below the folders of a scale and in the cache of compiled scans. Finds; see `removal`.

Kept are: the state of every run of the plan, for the code of today; every state that a results file was made from; all
results; and whatever a trainer at work holds. What cannot be judged is kept.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rnnrepro import heartbeat, records
from rnnrepro.errors import Fault
from rnnrepro.heartbeat import Heartbeat
from rnnrepro.plan import Cell
from rnnrepro.watching import folder, space
from rnnrepro.watching.folder import Place

STATE = re.compile(r"([0-9a-f]{16})-([0-9a-f]{12})")
_HALF_WRITTEN_SECONDS = 3600.0
_DAY = 86400.0

KINDS = {
    "unplanned": "state of runs of no present plan",
    "other code": "state of other training code, of runs whose results are complete",
    "aside": "damaged files that were set aside",
    "checkpoint": "checkpoints beside the finished record",
    "part": "half-written files",
    "progress": "files of progress of jobs that have ended, or of no present cell",
    "log": "logs and benchmarks of cells that are gone",
    "cache": "compiled scans of other versions, which other clones of yours may use",
}


@dataclass(frozen=True)
class Leftover:
    """Something that nothing needs: a state folder, or a file. `lock`: the state folder to hold while it is removed."""

    kind: str
    path: Path
    bytes: int
    lock: Path | None = None


@dataclass
class Leftovers:
    """What was found, and a sentence on what was left alone for a reason that a reader should know."""

    found: list[Leftover] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The room that they take."""
        return sum(one.bytes for one in self.found)


def leftovers(cells: Sequence[Cell], place: Place, *, follow: bool, days: float) -> Leftovers:
    """What nothing needs of a scale whose cells, of all papers, are `cells`.

    `follow`: results of earlier code would be trained again. State, progress and logs touched in the last `days` stay.
    """
    found = Leftovers()
    found.found += _of_state(cells, place, follow, time.time() - days * _DAY, found.said)
    whole = {one.path for one in found.found}
    found.found += [one for one in _half_written(place) if one.path.parent not in whole]
    found.found += _progress(cells, place, time.time() - days * _DAY)
    found.found += _logs(cells, place, time.time() - days * _DAY)
    return found


def _of_state(
    cells: Sequence[Cell], place: Place, follow: bool, since: float, said: list[str]
) -> Iterator[Leftover]:
    planned: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        for run in cell.runs:
            planned[run.digest].append(cell)
    used, unreadable = _used(place)
    if unreadable:
        said.append(
            f"{unreadable} results files cannot be read, and what they were made from is not known: state of "
            "earlier runs and code stays"
        )
    kept = folder.folders(place.state)

    @cache
    def complete(key: str) -> bool:
        return folder.look(by_key[key], place, kept, follow).complete

    by_key = {cell.key: cell for cell in cells}
    young = 0
    for digest, names in sorted(kept.items()):
        for name in sorted(names):
            path = place.state / name
            if not STATE.fullmatch(name):
                continue
            kind = "" if unreadable or name in used else _kind(name, planned.get(digest, []), complete)
            if kind and _touched(path) > since:
                young, kind = young + 1, ""
            if kind:
                yield Leftover(kind, path, space.measured(path).bytes, path)
            else:
                yield from _within(path)
    if young:
        said.append(
            f"{young} state folders that nothing needs were touched lately and stay (--days 0 lists them too)"
        )


def _kind(name: str, cells: Sequence[Cell], complete: Callable[[str], bool]) -> str:
    """Why nothing needs a state folder, or "". `cells`: those of its run; `complete`: whether one's results are."""
    if not cells:
        return "unplanned"
    if any(name.endswith(f"-{cell.fingerprint}") for cell in cells):
        return ""
    return "other code" if all(complete(cell.key) for cell in cells) else ""


def _used(place: Place) -> tuple[set[str], int]:
    """The names of the state folders that results files were made from, and how many files cannot be read."""
    names: set[str] = set()
    unreadable = 0
    for entry in space.files(place.results / "runs"):
        if not entry.name.endswith(".parquet"):
            continue
        try:
            runs = records.provenance_of(entry.path)["runs"]
            names |= {f"{run['digest']}-{run['fingerprint']}" for run in runs}
        except (Fault, LookupError, TypeError):
            unreadable += 1
    return names, unreadable


def _within(path: Path) -> Iterator[Leftover]:
    """What nothing needs in a state folder that stays."""
    files = {entry.name: entry for entry in space.files(path)}
    for name, entry in sorted(files.items()):
        if space.set_aside(name):
            yield Leftover("aside", path / name, space.room(entry), path)
    if {"checkpoint", "record.parquet"} <= files.keys() and _readable(path / "record.parquet"):
        yield Leftover("checkpoint", path / "checkpoint", space.room(files["checkpoint"]), path)


def _readable(record: Path) -> bool:
    try:
        records.read(record)
    except Fault:
        return False
    return True


def _half_written(place: Place) -> Iterator[Leftover]:
    """Files that a killed process had begun to write; a living one puts them in place within seconds."""
    for top in (place.state, place.results):
        for entry in space.files(top):
            old = time.time() - space.modified(entry) > _HALF_WRITTEN_SECONDS
            if entry.name.startswith(".") and entry.name.endswith(".part") and old:
                path = Path(entry.path)
                lock = path.parent if STATE.fullmatch(path.parent.name) else None
                yield Leftover("part", path, space.room(entry), lock)


def _progress(cells: Sequence[Cell], place: Place, since: float) -> Iterator[Leftover]:
    """Files of jobs that have ended well or are of no present cell; what failed or died is still to be told."""
    known = {cell.key: cell for cell in cells}
    for path, beat in heartbeat.every(place.state):
        if not isinstance(beat, Heartbeat):
            gone = True
        elif not beat.ended and heartbeat.alive(beat) is not False:
            gone = False
        else:
            there = beat.cell in known and (place.results / known[beat.cell].path).exists()
            gone = beat.cell not in known or there
        if gone and _modified(path) <= since:
            yield Leftover("progress", path, _size(path))


def _logs(cells: Sequence[Cell], place: Place, since: float) -> Iterator[Leftover]:
    known = {cell.key for cell in cells}
    tops = ((place.logs, ".log"), (place.logs.parent.parent / "benchmarks" / place.logs.name, ".tsv"))
    for top, ending in tops:
        for entry in space.files(top / "train"):
            key = str(Path(entry.path).relative_to(top / "train")).removesuffix(ending)
            results = place.results / "runs" / f"{key}.parquet"
            old = space.modified(entry) <= since
            if entry.name.endswith(ending) and key not in known and old and not results.exists():
                yield Leftover("log", Path(entry.path), space.room(entry))


def _touched(path: Path) -> float:
    """When anything in a state folder was written last."""
    return max((space.modified(entry) for entry in space.files(path)), default=0.0)


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


def by_kind(found: Iterable[Leftover]) -> dict[str, list[Leftover]]:
    """{kind: leftovers}, in the order of `KINDS`."""
    kinds: dict[str, list[Leftover]] = {kind: [] for kind in KINDS}
    for one in found:
        kinds[one.kind].append(one)
    return {kind: those for kind, those in kinds.items() if those}
