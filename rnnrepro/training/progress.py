"""Progress that a person can read: step, loss, speed and the time left, as lines of a log and as a small file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rnnrepro.duration import duration
from rnnrepro.errors import Fault
from rnnrepro.heartbeat import Writer, one_line
from rnnrepro.training import memory
from rnnrepro.training.state import TrainState

_OFTEN_SECONDS, _SELDOM_SECONDS = 10.0, 600.0
_SHARE = 0.05  # of the time that has passed, until the next line: a log grows with its logarithm
_LIVE_SECONDS = 0.5
_FILE_SECONDS = 15.0


def pause(elapsed: float) -> float:
    """Seconds until the next line of a log: ten at first, ten minutes after hours, so that a week fills few pages."""
    return min(_SELDOM_SECONDS, max(_OFTEN_SECONDS, _SHARE * elapsed))


class Pulse:
    """Keeps a job's file of progress up to date; `notes` grows elsewhere. It bears on no number."""

    def __init__(self, writer: Writer, notes: Sequence[str] = ()) -> None:
        self.writer, self.beat, self.notes = writer, writer.beat, notes
        self.last = 0.0
        self.later = 0

    @contextmanager
    def until_the_end(self, stopping: Callable[[], str | None]) -> Iterator[None]:
        """Within it the job is at work; afterwards the file says how that ended: done, stopped or failed."""
        self._write()
        try:
            yield
        except BaseException as error:
            name = "" if isinstance(error, Fault) else f"{type(error).__name__}: "
            self._end(f"failed: {name}{error}")
            raise
        self._end(f"stopped: {why}" if (why := stopping()) and self.beat.done < self.beat.runs else "done")

    def begins(self, running: int) -> None:
        """A stack of so many runs begins."""
        beat = self.beat
        beat.running, self.later = running, max(0, beat.runs - beat.done - running)

    def shows(self, state: TrainState, rate: float) -> None:
        """The stack has come further; the file follows if it is time to."""
        now = time.monotonic()
        if now - self.last < _FILE_SECONDS:
            return
        self.last, beat = now, self.beat
        beat.step, beat.steps, beat.rate = state.step, state.steps, rate
        if rate > 0:
            own, later = state.steps - state.step, self.later * state.steps / max(1, beat.running)
            beat.left = (own + later) / rate
        losses = _losses(state)
        beat.loss = sum(losses) / len(losses) if losses else None
        self._write()

    def ended(self, status: str, step: int) -> None:
        """A run has ended; the file follows with the next that is shown."""
        beat = self.beat
        beat.done, beat.running, beat.step = beat.done + 1, max(0, beat.running - 1), step
        beat.diverged += status == "diverged"

    def _end(self, how: str) -> None:
        self.beat.ended, self.beat.running, self.beat.left = one_line(how), 0, 0.0
        self._write()

    def _write(self) -> None:
        for note in self.notes:
            self.beat.note(note)
        self.beat.memory_mb = memory.peak_mb()
        self.writer.write()


class Progress:
    """Says how far a stack is: live on a terminal, a line now and then in a log, and by the job's file."""

    def __init__(
        self,
        what: str,
        seeds: Sequence[int],
        steps: int,
        first: int,
        say: Callable[[str], None],
        pulse: Pulse,
    ) -> None:
        self.what, self.seeds, self.steps, self.first, self.say = what, list(seeds), steps, first, say
        self.pulse = pulse
        self.live = sys.stderr.isatty()
        self.began = self.last = self.since = time.monotonic()
        self.made = False
        pulse.begins(len(self.seeds))
        say(
            f"{what}: {len(self.seeds)} runs (seeds {', '.join(map(str, dict.fromkeys(self.seeds)))}), "
            f"{steps - first} steps to go"
        )

    def show(self, state: TrainState) -> None:
        """Say where the stack stands if it is time to."""
        now = time.monotonic()
        if not self.made:  # the first step compiles, and says nothing of the speed of the others
            self.made, self.first, self.since = True, state.step, now
        rate = (state.step - self.first) / max(1e-9, now - self.since)
        self.pulse.shows(state, rate)
        if now - self.last < (_LIVE_SECONDS if self.live else pause(now - self.began)):
            return
        self.last = now
        text = f"{self.what}: step {state.step}/{self.steps}  {_range(state)}"
        if rate:
            text += f"  {rate:.1f} steps/s  {duration((self.steps - state.step) / rate)} left"
        if self.live:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        else:
            self.say(text)

    def ended(self, seed: int, point: str, status: str, step: int) -> None:
        """Say that a run has ended."""
        self.pulse.ended(status, step)
        if self.live:
            print("\r\033[K", end="", file=sys.stderr)
        self.say(
            f"{self.what}: seed {seed}{f' {point}' if point else ''} {status} at step {step} "
            f"after {duration(time.monotonic() - self.began)}"
        )


def _losses(state: TrainState) -> list[float]:
    metric = state.task.metrics[0]
    return [curve[-1][1] for history in state.histories if (curve := history.curve("train", metric))]


def _range(state: TrainState) -> str:
    values = _losses(state)
    if not values:
        return ""
    mean = sum(values) / len(values)
    return f"{state.task.metrics[0]} {mean:.4f} ({min(values):.4f}–{max(values):.4f})"
