"""What a trial of the fault suite is made of: a small pipeline in a folder, a kind of fault, and how it ended.

A kind of fault is a row in `KINDS`, registered by the module that has its function:

    def run(pipeline: Pipeline, rng: random.Random) -> Outcome:
        pipeline.begin("trained")                     # a copy of how far an undisturbed pipeline was
        ... disturb what lies in pipeline.place ...
        said = pipeline.launch()                      # the user's next command
        return pipeline.settle(said, "the moment, in words", mend=lambda: ...)

    register(Kind("truncated record", "a results file cut short", run))

All that is random in a trial comes from `rng`. A trial that found nothing to disturb raises `Missed`, and is drawn
again: it would prove nothing.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path

from . import compare, started
from .losses import losses
from .session import LEFT, STAGES, Session
from .started import Said, Started

LIMIT = 300.0  # seconds after which a command counts as stuck; a quiet pipeline takes some fifteen


class Ending(Enum):
    """How a trial ended. The last two must never be."""

    AT_ONCE = "right at once"
    AGAIN = "right after running again"
    MENDED = "one clear error, right after its mend"
    WRONG = "WRONG"
    LOST = "LOST"


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, at which moment the fault struck, and what is to be said of it."""

    ending: Ending
    moment: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        """Whether it must never be."""
        return self.ending in (Ending.WRONG, Ending.LOST)


class Missed(Exception):
    """The fault found nothing to disturb, so that the trial would prove nothing."""


class _Bad(Exception):
    """A trial that is over: wrong, or lost."""

    def __init__(self, ending: Ending, detail: str) -> None:
        super().__init__(detail)
        self.ending, self.detail = ending, detail


@dataclass
class Pipeline:
    """A working folder `place` of a small pipeline, in a folder `home` of its own; every process of it is its own."""

    session: Session
    home: Path
    stage: str = "empty"
    targets: tuple[str, ...] = ()  # what the user asks for; all, if empty
    made: tuple[str, ...] = ()  # patterns of the files that the targets then are, and all that come with them
    again: set[str] = field(
        default_factory=set
    )  # state folders whose finished run the fault itself has destroyed
    restarted: set[str] = field(default_factory=set)  # state folders whose checkpoint the fault has destroyed

    @property
    def place(self) -> Path:
        """The folder in which the pipeline works."""
        return self.home / "work"

    @property
    def trace(self) -> Path:
        """What the processes have written down: see site/sitecustomize.py."""
        return self.home / "trace"

    @property
    def expected(self) -> compare.Found:
        """The results of a pipeline that was never disturbed."""
        return self.session.expected

    def begin(self, stage: str) -> Pipeline:
        """Put a copy of a stage there: empty, fetched, half (a cell done, one with checkpoints), trained, done."""
        if stage not in STAGES:
            raise ValueError(f"no such stage: {stage}; there are {', '.join(STAGES)}")
        self.stage, self.targets, self.made = stage, (), ()
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        shutil.copytree(self.session.stage(stage), self.place, symlinks=True)
        return self

    def start(self, *arguments: str, by: str = "launch", **environment: str) -> Started:
        """Begin a pipeline as `make` does (by="launch") or with a plain `snakemake`; `arguments` go to it."""
        return self._started(started.pipeline(self.place, arguments, by), environment)

    def launch(self, *arguments: str, by: str = "launch", **environment: str) -> Said:
        """Run a pipeline to its end. Where it is stuck the trial is lost."""
        return self.ended(self.start(*arguments, by=by, **environment))

    def rnnrepro(self, *arguments: str, **environment: str) -> Started:
        """Begin `python -m rnnrepro ARGUMENTS` in the folder."""
        return self._started(started.rnnrepro(arguments), environment, cwd=self.place)

    @staticmethod
    def train_arguments(state: str = "state/quick", cell: str = LEFT) -> list[str]:
        """The arguments with which a rule trains a cell."""
        experiment, arm = cell.split("/")
        files = [
            f"--{name}=results/quick/{part}/first/{cell}.parquet"
            for name, part in (("output", "runs"), ("costs", "costs"))
        ]
        return ["train", f"first/{experiment}", "--model", arm, "--scale", "quick", "--state", state, *files]

    def ended(self, process: Started, limit: float = LIMIT) -> Said:
        """Wait for a process that `start` or `rnnrepro` has begun. Where it is stuck the trial is lost.

        `limit`: seconds on a quiet core; a busy machine is given as many times more.
        """
        try:
            return process.wait(limit * self.session.pace)
        except TimeoutError:
            text = process.text()[-2000:]
            raise _Bad(
                Ending.LOST, f"stuck for {limit * self.session.pace:.3g} seconds; it said last: {text}"
            ) from None

    def processes(self) -> dict[int, list[str]]:
        """{process: words of its command line} of all that live and were begun in this folder."""
        return started.living(self.trace)

    def trainers(self) -> list[int]:
        """The trainers at work."""
        return [
            number for number, words in self.processes().items() if words[1:4] == ["-m", "rnnrepro", "train"]
        ]

    def stop(self) -> None:
        """End all that still lives."""
        while left := self.processes():
            for number in left:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.02)

    def events(self) -> list[tuple[str, ...]]:
        """The lines of the trace: (process, what, …)."""
        return (
            [tuple(line.split("\t")) for line in self.trace.read_text().splitlines()]
            if self.trace.exists()
            else []
        )

    def verdict(self) -> list[str]:
        """In words, what differs from a pipeline that was never disturbed; empty if nothing does.

        With `targets`, only what they make and what there was at the beginning must be there.
        """
        there = compare.names(self.session.stage(self.stage))
        expected = {
            name: content
            for name, content in self.expected.items()
            if not self.targets or name in there or any(fnmatch(name, pattern) for pattern in self.made)
        }
        if not expected:
            raise ValueError(f"nothing is expected of {self.targets}: the trial could not fail")
        return compare.differences(expected, compare.found(self.place))

    def settle(
        self, said: Said, moment: str, mend: Callable[[], None] | None = None, cause: str = ""
    ) -> Outcome:
        """Judge the trial: go on as a user would after `said`, the end of the command that was disturbed.

        `mend`: what the one error asks the user to do, for faults that need it. A pipeline that failed is run again
        once, after the mend, if there is one; it must end right then. `cause`: a pattern that all errors have of a
        fault that meets several jobs, each of which says so of its own file.
        """
        ending = Ending.AT_ONCE
        _check_text(said)
        if said.status != 0:
            ending = Ending.AGAIN
            if mend is not None:
                _check_error(said, cause)
                mend()
                ending = Ending.MENDED
            first, said = said, self.launch(*(("--", *self.targets) if self.targets else ()))
            _check_text(said)
            if said.status != 0:
                raise _Bad(
                    Ending.LOST,
                    f"it fails again: {said.text[-3000:]}\nand failed before: {first.text[-3000:]}",
                )
        if wrong := self.verdict():
            raise _Bad(Ending.WRONG, f"exit status 0, but {'; '.join(wrong)}")
        if not started.until(lambda: not self.processes(), 30 * self.session.pace, 0.2):
            raise _Bad(Ending.WRONG, f"processes are left at work: {self.processes()}")
        if lost := self.losses():
            raise _Bad(Ending.LOST, "; ".join(lost))
        return Outcome(ending, moment, said.first_error)

    def losses(self) -> list[str]:
        """In words: finished runs that were trained again, and runs that began afresh in spite of a checkpoint."""
        return losses(self.events(), self.session.stage(self.stage), self.again, self.restarted)

    def _started(
        self, command: list[str], environment: Mapping[str, str], cwd: Path | None = None
    ) -> Started:
        return started.begin(
            command, self.home, self.session.environment(self.trace) | environment, cwd or self.session.code
        )


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its name, what it is, and the function that makes one trial of it."""

    name: str
    about: str
    run: Callable[[Pipeline, random.Random], Outcome]


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind to `KINDS`. Raises ValueError for a name that is taken."""
    if kind.name in KINDS:
        raise ValueError(f"two kinds of faults have the name {kind.name}")
    KINDS[kind.name] = kind


def trial(kind: Kind, session: Session, home: Path, rng: random.Random) -> Outcome:
    """One trial in the folder `home`, which is left behind only where it ended badly. Raises Missed."""
    pipeline = Pipeline(session, home)
    try:
        outcome = kind.run(pipeline, rng)
    except _Bad as bad:
        outcome = Outcome(bad.ending, "", bad.detail)
    finally:
        pipeline.stop()
    return outcome


# What Python says when it is interrupted while it starts, before the first line of any program: nobody can mend that.
_STARTING = re.compile(
    r"^Fatal Python error: init_import_site.*?^KeyboardInterrupt$", re.MULTILINE | re.DOTALL
)


def _check_text(said: Said) -> None:
    if "Traceback (most recent call last)" in _STARTING.sub("", said.text):
        raise _Bad(Ending.WRONG, f"a traceback was shown: {said.text[-4000:]}")


def _check_error(said: Said, cause: str = "") -> None:
    errors = set(said.errors)
    if cause and errors and all(re.search(cause, error) for error in errors):
        return
    if len(errors) != 1:
        raise _Bad(
            Ending.WRONG, f"{len(errors)} different `error:` lines in place of one: {said.text[-3000:]}"
        )
