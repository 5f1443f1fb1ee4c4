"""What a pipeline says while it runs and as its last words: how far it is, what went wrong, how to go on."""

from __future__ import annotations

import csv
import shlex
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rnnrepro import plan
from rnnrepro.config import SCALES
from rnnrepro.project import Project
from rnnrepro.watching import disks, folder, space
from rnnrepro.watching.folder import Place
from rnnrepro.watching.page import Page, Row, page
from rnnrepro.watching.say import folded
from rnnrepro.watching.warnings import warnings
from rnnrepro.watching.words import progress

_FIRST_SECONDS, _SELDOM_SECONDS = 60.0, 1800.0
_SHARE = 0.1  # of the time that has passed, until the next line
_COST = 50.0  # a look takes at most this part of the time
_MOST = 20

Say = Callable[[str], object]


class Pipeline:
    """A pipeline from its start, on the cells of a scale. `command`: what started it, for the words how to go on."""

    def __init__(self, project: Project, scale: str, command: Sequence[str], say: Say) -> None:
        self.project, self.scale, self.command, self.say = project, scale, list(command), say
        self.began = time.time()
        self.over = threading.Event()

    def begins(self) -> None:
        """Say from now on, now and then, how far it is."""
        threading.Thread(target=self._tell, name="progress", daemon=True).start()

    def ends(self, *, well: bool) -> None:
        """Say at the end what a reader should know. Raises nothing: the results are what they are."""
        self.over.set()
        try:
            for line in self._last_words(well):
                self.say(line)
        except Exception as error:  # the last words of a pipeline must not become an error of it
            self.say(
                f"What happened could not be put together ({type(error).__name__}: {error}): rnnrepro status"
            )

    def _tell(self) -> None:
        pause, said = _FIRST_SECONDS, ""
        while not self.over.wait(pause):
            began = time.monotonic()
            try:
                now = progress(self._page(self.scale, room=False))
            except Exception as error:  # a folder that changes under the eyes of the reader
                now = f"how far it is cannot be seen ({type(error).__name__}: {error})"
            if now != said and not self.over.is_set():
                self.say(f"Scale {self.scale}: {now}")
            said = now
            cost = time.monotonic() - began
            pause = max(
                _COST * cost, min(_SELDOM_SECONDS, max(_FIRST_SECONDS, _SHARE * (time.time() - self.began)))
            )

    def _page(self, scale: str, room: bool = True) -> Page:
        cells = plan.cells(self.project, scale)
        return page(self.project, scale, cells, Place.of(scale, None, None), room=room)

    def _last_words(self, well: bool) -> Iterator[str]:
        for scale in SCALES:
            if scale == self.scale or self._touched(scale):
                yield from self._of_scale(self._page(scale))
        if not well:
            yield from self._other_logs()
            yield from self._refused()
            yield "To go on, with nothing finished done again:"
            yield f"  {shlex.join(self.command)}"

    def _touched(self, scale: str) -> bool:
        beats, _ = folder.beats(Path("state", scale))
        return any(jobs[-1].updated >= self.began for jobs in beats.values())

    def _of_scale(self, now: Page) -> Iterator[str]:
        yield f"Scale {now.scale}: {progress(now)}"
        yield from _verdicts(now.place.results / "claims.csv")
        for one in warnings(now):
            yield from folded(one)
        rows = [row for row in now.of("failed", "died", "stopped", "unknown") if self._mine(row)]
        for row in rows[:_MOST]:
            yield from _not_done(row)
        if len(rows) > _MOST:
            yield f"  and {len(rows) - _MOST} cells more: rnnrepro status --scale {now.scale}"

    def _mine(self, row: Row) -> bool:
        """Whether this pipeline had to do with a cell."""
        if row.beat is not None and row.beat.updated >= self.began:
            return True
        return row.log is not None and _modified(row.log) >= self.began

    def _other_logs(self) -> Iterator[str]:
        """Errors of other jobs than trainings, by their logs."""
        logs = sorted(
            entry.path
            for entry in space.files(Path("logs"))
            if "/train/" not in entry.path and entry.stat(follow_symlinks=False).st_mtime >= self.began - 1
        )
        found = [(log, error) for log in logs if (error := folder.last_error(Path(log)))]
        for log, error in found[:_MOST]:
            yield from (*folded(f"failed: {error}"), f"    log: {log}")

    def _refused(self) -> Iterator[str]:
        """What could not be written, where no log says it: it may be the logs themselves."""
        logs = (
            Path(entry.path) for entry in space.files(Path("logs")) if space.modified(entry) >= self.began - 1
        )
        if not any(map(folder.last_error, logs)):
            names = ("logs", "benchmarks", "results", "state", ".snakemake", self.project.user.data)
            yield from filter(None, [disks.refused(map(Path, names))])


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _not_done(row: Row) -> Iterator[str]:
    words = {"died": "ended without a word", "unknown": "silent, and cannot be looked at from here"}
    why = f": {row.why}" if row.why else ""
    yield from folded(
        f"{row.found.cell.key} {words.get(row.status, row.status)}{why}; {row.found.done} of {row.found.runs} runs done"
    )
    if row.log is not None and row.log.exists():
        yield f"    log: {row.log}"


def _verdicts(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            counts = Counter(row.get("verdict") or "unknown" for row in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    if counts:
        yield f"Claims: {', '.join(f'{count} {verdict}' for verdict, count in counts.most_common())} ({path})"
