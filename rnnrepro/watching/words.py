"""The page of a scale as a person reads it: at most 80 columns, colour only where it is asked for."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rnnrepro.duration import duration
from rnnrepro.heartbeat import Heartbeat
from rnnrepro.watching.page import Page, Row
from rnnrepro.watching.say import WIDTH, folded, many, size
from rnnrepro.watching.warnings import warnings

_MOST = 12  # entries of a list; the rest is counted
_COLOURS = {"red": "31", "yellow": "33", "green": "32", "bold": "1"}
_HEADS = ("paper", "cells", "done", "work", "fail", "wait", "runs", "done", "div.", "work", "left")
_WIDTHS = (-14, 6, 6, 5, 5, 6, 7, 7, 5, 6, 7)

Paint = Callable[[str, str], str]


def plain(text: str, colour: str) -> str:
    """The text as it is."""
    return text


def painted(text: str, colour: str) -> str:
    """The text in a colour of a terminal."""
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def text(page: Page, paint: Paint = plain) -> str:
    """The whole page, lines of at most 80 columns."""
    parts = [
        _head(page, paint),
        _table(page, paint),
        _work(page),
        *_troubles(page, paint),
        _rest(page, paint),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def progress(page: Page) -> str:
    """How far it is, in one line."""
    done, runs = _sum(page.rows, lambda row: row.found.done), _sum(page.rows, lambda row: row.found.runs)
    at_work = _sum(page.rows, lambda row: row.running)
    diverged = _sum(page.rows, lambda row: row.found.diverged)
    words = [f"{done} of {runs} runs done ({100 * done // max(1, runs)} %)"]
    words += [f"{at_work} at work"] * bool(at_work) + [f"{diverged} diverged"] * bool(diverged)
    if done < runs:
        words.append(f"about {duration(page.left.seconds)} of training left")
    return ", ".join(words)


def _head(page: Page, paint: Paint) -> list[str]:
    found = [paint(line, "bold") for line in folded(f"Scale {page.scale}: {progress(page)}", "", "  ")]
    where = {"results": page.place.results, "state": page.place.state, "logs": page.place.logs}
    found += [f"{name:8s} {path}" for name, path in where.items()]
    if not page.begun:
        found += ["", "Nothing has been trained here yet."]
    return found


def _table(page: Page, paint: Paint) -> list[str]:
    found = [_columns(_HEADS)]
    for paper, rows in groupby(page.rows, lambda row: row.found.cell.paper):
        found.append(_columns([paper, *_counts(list(rows))]))
    if len(found) > 2:
        found.append(paint(_columns(["all", *_counts(page.rows)]), "bold"))
    return found


def _counts(rows: Sequence[Row]) -> list[int]:
    def cells(*status: str) -> int:
        return sum(row.status in status for row in rows)

    runs, done = _sum(rows, lambda row: row.found.runs), _sum(rows, lambda row: row.found.done)
    at_work = _sum(rows, lambda row: row.running)
    return [
        len(rows),
        cells("done"),
        cells("running"),
        cells("failed", "died"),
        cells("waiting", "stopped", "unknown", "trained"),
        runs,
        done,
        _sum(rows, lambda row: row.found.diverged),
        at_work,
        max(0, runs - done - at_work),
    ]


def _columns(words: Iterable[object]) -> str:
    parts = (
        f"{str(word)[:-width]:{-width}s}" if width < 0 else f"{word!s:>{width}s}"
        for word, width in zip(words, _WIDTHS, strict=True)
    )
    return "".join(parts).rstrip()


def _sum(rows: Iterable[Row], count: Callable[[Row], int]) -> int:
    return sum(map(count, rows))


def _work(page: Page) -> list[str]:
    rows = page.of("running")
    if not rows and not page.strange:
        return []
    found = [f"At work: {many(len(rows) + len(page.strange), 'job')}"]
    jobs = [(row.beat, "") for row in rows] + [(beat, "not of this plan") for beat in page.strange]
    for beat, note in jobs[:_MOST]:
        found += _job(beat, note)
    return found + _more(jobs)


def _job(beat: Heartbeat, note: str) -> Iterator[str]:
    yield _cut(f"  {beat.cell}{f' ({note})' * bool(note)}")
    done = f" ({beat.done} done)" if beat.done else ""
    far = f"step {beat.step:,} of {beat.steps:,}"
    speed = f", {beat.rate:.3g} steps/s, about {duration(beat.left)} left" if beat.rate else ", beginning"
    yield _cut(f"    {beat.running} of {beat.runs} runs{done}, {far}{speed}")
    loss = "" if beat.loss is None else f", loss {beat.loss:.4g}"
    how = f"{beat.backend} scan" if beat.backend else f"on {beat.device}"
    yield _cut(
        f"    on {where(beat)} since {clock(beat.started)}; {how}{loss}, "
        f"{beat.memory_mb:,.0f} MB; said {ago(beat.updated)}"
    )


def where(beat: Heartbeat) -> str:
    """The host and what to look for there."""
    return f"{beat.host} ({f'SLURM job {beat.slurm}' if beat.slurm else f'process {beat.pid}'})"


def clock(seconds: float) -> str:
    """A time of today, or a day too."""
    then = time.localtime(seconds)
    today = time.localtime()[:3] == then[:3]
    return time.strftime("%H:%M" if today else "%d %b %H:%M", then)


def ago(seconds: float) -> str:
    """How long ago something was."""
    return f"{duration(max(0.0, time.time() - seconds))} ago"


def _troubles(page: Page, paint: Paint) -> Iterator[list[str]]:
    kinds = (
        ("failed", "red", "Failed: {}"),
        ("died", "red", "Ended without a word, as after kill -9 or a crash: {}"),
        ("unknown", "yellow", "Silent, on a machine that cannot be looked at from here: {}"),
        ("stopped", "yellow", "Stopped, state kept: {}"),
        ("trained", "yellow", "Trained, but without their results file yet: {}"),
    )
    for status, colour, head in kinds:
        rows = page.of(status)
        if rows:
            found = [paint(head.format(many(len(rows), "cell")), colour)]
            for row in rows[:_MOST]:
                found += _trouble(row)
            yield found + _more(rows)


def _trouble(row: Row) -> Iterator[str]:
    yield _cut(f"  {row.found.cell.key}: {row.found.done} of {row.found.runs} runs done")
    if row.why:
        yield from folded(row.why, "    ", "    ")
    if row.beat and row.status in ("died", "unknown"):
        yield _cut(f"    was on {where(row.beat)}, step {row.beat.step:,}, said {ago(row.beat.updated)}")
    if row.log is not None and row.log.exists():
        yield f"    log: {row.log}"


def _rest(page: Page, paint: Paint) -> list[str]:
    found = []
    unfinished = any(row.status != "done" for row in page.rows)
    if unfinished:
        found.append(_time_left(page))
    if page.room:
        parts = (f"{name} {'over ' * (not room.whole)}{size(room.bytes)}" for name, room in page.room.items())
        found.append(f"Disk: {', '.join(parts)}")
    said = warnings(page)
    if said:
        found += ["", paint("Warnings", "yellow"), *(line for one in said for line in folded(one))]
    if unfinished and not page.of("running"):
        head = "To go on, run the pipeline again; nothing finished is trained again:"
        found += ["", head, _again(page)]
    return found


def _again(page: Page) -> str:
    """The command that goes on with what the page shows, as it can be typed in the present folder."""
    results = page.place.results
    named = results.parent.name == "results" and results.parent != Path("results")
    options = [f"--directory {shlex.quote(str(results.parent.parent))}"] if named else []
    options.append(f"--config scale={page.scale}")
    launcher = Path(__file__).parents[2] / "workflow" / "scripts" / "launch.py"
    if (
        launcher.exists() and not Path(*launcher.parts[-3:]).exists()
    ):  # the present folder is not the project's
        words = [shlex.quote(sys.executable), shlex.quote(str(launcher)), "--cores all", *options]
        line = "  " + " ".join(words)
        return line if len(line) <= WIDTH else "  " + " \\\n    ".join(words)
    return f'  make ARGS="{" ".join(options)}"'


def _time_left(page: Page) -> str:
    left = page.left
    jobs = many(left.jobs, "job") + " at work" if left.jobs > 1 else "one job at a time"
    return f"Left: about {duration(left.seconds)} with {jobs} ({left.basis})"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _more(items: Sequence[object]) -> list[str]:
    return [f"  and {len(items) - _MOST} more (--json lists all)"] if len(items) > _MOST else []
