"""The processes of a trial: pipelines and single commands, each the leader of a session of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ERROR = re.compile(r"^\s*(?:\[[^]]*\] )?(error: .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Said:
    """How a command ended (its exit status, or minus the signal that ended it), and all that it said."""

    status: int
    text: str

    @property
    def errors(self) -> list[str]:
        """Its lines `error: …`."""
        return _ERROR.findall(self.text)

    @property
    def first_error(self) -> str:
        """The first of them, or nothing."""
        return next(iter(self.errors), "")


@dataclass
class Started:
    """A command at work; what it says goes to the file `output`."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        """Its process, which is also its process group."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still at work."""
        return self.process.poll() is None

    def text(self) -> str:
        """What it has said so far."""
        return self.output.read_text(errors="replace")

    def wait(self, limit: float) -> Said:
        """Its end. Raises TimeoutError where it does not end in `limit` seconds."""
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.process.args} goes on after {limit:g} seconds") from None
        return Said(status, self.text())

    def send(self, number: int, *, group: bool = False) -> bool:
        """Send a signal to it, or to all its process group; False where it has ended before."""
        if not self.alive:
            return False
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)
        return True


def pipeline(place: Path, arguments: Sequence[str], by: str) -> list[str]:
    """The command of a pipeline in `place`: as `make` starts it (by="launch"), or a plain snakemake."""
    starts = {"launch": ["workflow/scripts/launch.py"], "snakemake": ["-m", "snakemake"]}
    given = list(arguments) if "--cores" in arguments else ["--cores", "2", *arguments]
    return [sys.executable, *starts[by], "--directory", str(place), *given]


def rnnrepro(arguments: Sequence[str]) -> list[str]:
    """A command of rnnrepro's own."""
    return [sys.executable, "-m", "rnnrepro", *arguments]


def begin(command: Sequence[str], home: Path, environment: Mapping[str, str], cwd: Path) -> Started:
    """Start a command in a session of its own; its output goes to a new file in `home`."""
    output = next(place for n in count() if not (place := home / f"said.{n}").exists())
    with open(output, "wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_default_signals,
        )
    return Started(process, output)


def _default_signals() -> None:
    """A shell's background job ignores SIGINT, and its children with it: a user's pipeline does not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def living(trace: Path) -> dict[int, list[str]]:
    """{process: words of its command line} of all that live and have this trace file in their environment."""
    wanted, found = f"FAULTS_TRACE={trace}".encode(), {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                found[int(entry.name)] = words[:-1]
        except OSError:
            continue  # ended meanwhile, or another user's
    found.pop(os.getpid(), None)
    return {number: words for number, words in found.items() if words}


def until(condition, seconds: float, pause: float = 0.01) -> bool:
    """Wait for a condition; whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
