"""What a reader of results should know, one sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from rnnrepro.watching.page import Page, Row
from rnnrepro.watching.say import many, named

_MOST = 5


def warnings(page: Page) -> list[str]:
    """Diverged runs, stale results, what was set aside as damaged, cells that were trained by the slow scan."""
    return [*_diverged(page), *_stale(page), *_damaged(page), *_plain(page), *_notes(page)]


def _diverged(page: Page) -> Iterator[str]:
    rows = [row for row in page.rows if row.found.diverged]
    if rows:
        count = sum(row.found.diverged for row in rows)
        which = named(f"{row.found.cell.key} ({row.found.diverged} of {row.found.runs})" for row in rows)
        yield f"{many(count, 'run')} diverged, which is a result and shown as such: {which}"


def _stale(page: Page) -> Iterator[str]:
    code = [row for row in page.rows if row.found.stale == "code"]
    settings = [row for row in page.rows if row.found.stale == "settings"]
    damaged = [row for row in page.rows if row.found.stale == "damaged"]
    if code and page.kept_back:
        yield (
            f"stale: {many(len(code), 'cell')} stand as earlier training code made them ({_keys(code)}); they are "
            "trained again only with retrain=stale"
        )
    elif code:
        yield f"stale: {many(len(code), 'cell')} of earlier training code, to be trained again ({_keys(code)})"
    if settings:
        yield (
            f"stale: {many(len(settings), 'cell')} of other settings than now, to be trained again ({_keys(settings)})"
            "; `rnnrepro why FILE` says what changed"
        )
    if damaged:
        yield f"cannot be read: {many(len(damaged), 'results file')} ({_keys(damaged)}): {damaged[0].found.why}"


def _damaged(page: Page) -> Iterator[str]:
    aside = list(chain.from_iterable(room.aside for room in page.room.values()))
    if aside:
        yield (
            f"set aside as damaged, their runs begun again: {many(len(aside), 'file')}: {named(aside)}; "
            "`rnnrepro clean` removes them"
        )
    yield from page.damaged[:_MOST]
    if len(page.damaged) > _MOST:
        yield f"{many(len(page.damaged) - _MOST, 'more damaged file')} of progress"


def _plain(page: Page) -> Iterator[str]:
    rows = [row for row in page.rows if page.compiled and "plain" in _backend(row).split("+")]
    if rows:
        yield (
            f"{many(len(rows), 'cell')} went over to the plain scan, several times slower: {_keys(rows)}; their "
            "logs say why"
        )


def _backend(row: Row) -> str:
    return row.beat.backend if row.status == "running" and row.beat else row.found.backend


def _notes(page: Page) -> Iterator[str]:
    notes = {note: None for row in page.rows if row.beat for note in row.beat.notes if row.status != "done"}
    yield from list(notes)[-_MOST:]


def _keys(rows: Iterable[Row]) -> str:
    return named(row.found.cell.key for row in rows)
