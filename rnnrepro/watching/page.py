"""How far a scale is: cells and runs of the plan, jobs at work, what went wrong, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rnnrepro import heartbeat
from rnnrepro.heartbeat import Heartbeat
from rnnrepro.plan import Cell
from rnnrepro.project import Project
from rnnrepro.watching import folder, queue, space
from rnnrepro.watching.folder import Found, Place
from rnnrepro.watching.space import Space
from rnnrepro.watching.time_left import Left, left

SILENT_SECONDS = 600.0
"""A job that cannot be looked at and has said nothing for so long is not counted as at work."""


@dataclass
class Row:
    """A cell: its `status` is done, running, unknown, died, failed, stopped, trained (the file is missing) or waiting.

    `why`: what it died or failed of, or stopped for. `beat`: its job, if any is known.
    """

    found: Found
    status: str
    why: str = ""
    beat: Heartbeat | None = None
    log: Path | None = None

    @property
    def running(self) -> int:
        """Runs that are being trained."""
        return self.beat.running if self.beat and self.status == "running" else 0


@dataclass
class Page:
    """All of it. `strange`: jobs at work on what is not in this plan. `damaged`: a word on each file of progress that
    cannot be read. `kept_back`: stale results are left as they are. `compiled`: a compiled scan was asked for.
    """

    scale: str
    place: Place
    rows: list[Row]
    strange: list[Heartbeat]
    damaged: list[str]
    left: Left
    kept_back: bool
    compiled: bool
    room: dict[str, Space] = field(default_factory=dict)
    made: float = field(default_factory=time.time)

    def of(self, *status: str) -> list[Row]:
        """The rows of a status."""
        return [row for row in self.rows if row.status in status]

    @property
    def jobs(self) -> list[Heartbeat]:
        """Jobs at work, and those that may be."""
        return [row.beat for row in self.of("running", "unknown") if row.beat] + self.strange

    @property
    def begun(self) -> bool:
        """Whether the folder was ever used."""
        return any(row.status != "waiting" or row.found.stale for row in self.rows) or bool(self.strange)


def page(project: Project, scale: str, cells: Sequence[Cell], place: Place, *, room: bool = True) -> Page:
    """Look at everything once. Reads alone; `room`: measure the disk's use too."""
    kept, follow = folder.folders(place.state), folder.follows(project, scale)
    beats, damaged = folder.beats(place.state)
    life = _Life([jobs[-1] for jobs in beats.values()])
    rows = [
        _row(folder.look(cell, place, kept, follow), beats.get(cell.key, []), place, life) for cell in cells
    ]
    known = {cell.key for cell in cells}
    strange = [
        jobs[-1] for key, jobs in sorted(beats.items()) if key not in known and life.of(jobs[-1]) == "running"
    ]
    return Page(
        scale=scale,
        place=place,
        rows=rows,
        strange=strange,
        damaged=damaged,
        left=left(
            [(row.found, row.beat if row.status == "running" else None) for row in rows], place.results
        ),
        kept_back=not follow,
        compiled=project.user.backend != "plain",
        room={name: space.measured(getattr(place, name)) for name in ("state", "results", "logs")}
        if room
        else {},
    )


def _row(found: Found, jobs: Sequence[Heartbeat], place: Place, life: _Life) -> Row:
    last = jobs[-1] if jobs else None
    now = life.of(last) if last else ""
    log = place.log(found.cell.key)
    if now == "running":
        return Row(found, "running", beat=last, log=log)
    if found.complete:
        return Row(found, "done", beat=last)
    if not found.left and found.done:
        return Row(found, "trained", log=log)
    if now in ("unknown", "died"):
        return Row(found, now, beat=last, log=log)
    kind, _, why = (last.ended if last else "").partition(": ")
    if kind in ("failed", "stopped"):
        return Row(found, kind, why, last, log)
    if error := "" if last or found.stale else folder.last_error(log):
        return Row(found, "failed", error, log=log)
    return Row(found, "stopped" if found.begun else "waiting", log=log)


class _Life:
    """Whether jobs are at work: seen on this machine, else asked of SLURM, once for all of them."""

    def __init__(self, beats: Sequence[Heartbeat]) -> None:
        self.seen = {id(beat): heartbeat.alive(beat) for beat in beats if not beat.ended}
        away = [beat.slurm for beat in beats if beat.slurm and self.seen.get(id(beat), False) is None]
        self.jobs = queue.queued(away) if away else None

    def of(self, beat: Heartbeat) -> str:
        """`running`, `died`, `unknown`, or "" for one that has ended."""
        if beat.ended:
            return ""
        lives = self.seen[id(beat)]
        if lives is None and beat.slurm:
            lives = queue.at_work(beat.slurm, self.jobs)
        if lives is None:
            return "running" if time.time() - beat.updated < SILENT_SECONDS else "unknown"
        return "running" if lives else "died"
