"""How far a training job is, as a small file that anybody may read: `state/SCALE/jobs/PAPER/EXPERIMENT/NAME.json`.

One file a cell, written whole a few times a minute at most by the one job that trains the cell. It is
for people alone: no training ever reads it, and one that is lost or damaged costs nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path

FOLDER = "jobs"
LARGEST = 8192
"""Bytes of the largest file that is read; what is larger is none of ours."""

_TEXT = 200
_NOTES = 5
_MOST = 1e15  # a number beyond it is no time, speed or loss that anybody reads


@dataclass
class Heartbeat:
    """A training job of the cell `cell`, as it last said of itself.

    `machine` and `born` tell its process from a later one with the same `pid`; `slurm` is its job there, or "".
    `runs` are those it was asked for; of them `done` are finished, `diverged` among these, `running` in the stack at
    work. That stack is at `step` of `steps`, at `rate` steps a second; `left` seconds are left of the whole job.
    `ended`: "" while it runs, `done`, `stopped: why` or `failed: why`. `notes`: what a reader should know.
    """

    cell: str
    scale: str = ""
    host: str = ""
    machine: str = ""
    pid: int = 0
    born: int = 0
    slurm: str = ""
    device: str = ""
    backend: str = ""
    runs: int = 0
    done: int = 0
    diverged: int = 0
    running: int = 0
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    left: float = 0.0
    loss: float | None = None
    memory_mb: float = 0.0
    minutes: float | None = None
    started: float = 0.0
    updated: float = 0.0
    ended: str = ""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a sentence, once, and the last few alone."""
        text = one_line(text)
        if text not in self.notes:
            self.notes = [*self.notes, text][-_NOTES:]


def one_line(text: str) -> str:
    """The first line of a text, without what a terminal would obey, cut to a length that is read.

    Of a sentence that is longer, the mend behind its last semicolon stays, and words stay whole.
    """
    first = next((line for line in str(text).splitlines() if line.strip()), "")
    said = "".join(c if c.isprintable() else " " for c in first)
    if len(said) <= _TEXT:
        return said
    fault, mark, mend = said.rpartition("; ")
    if not mark or len(mend) > _TEXT // 2:
        fault, mark, mend = said, "", ""
    room = _TEXT - len(f" …{mark}{mend}")
    words, space, _ = fault[: room + 1].rpartition(" ")
    return f"{words if space else fault[:room]} …{mark}{mend}"


def mine(cell: str, scale: str) -> Heartbeat:
    """The heartbeat of a job that begins in this process."""
    now = time.time()
    return Heartbeat(
        cell=cell,
        scale=scale,
        host=platform.node(),
        machine=machine(),
        pid=os.getpid(),
        born=born(os.getpid()) or 0,
        slurm=os.environ.get("SLURM_JOB_ID", ""),
        started=now,
        updated=now,
    )


@cache
def machine() -> str:
    """Tells apart two boots, and two containers with numbers of processes of their own. "" where nothing says it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def born(pid: int) -> int | None:
    """When a process began, in ticks since boot; None where there is none, 0 where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        words = text.rpartition(")")[2].split()
        return None if words[0] in "ZX" else int(words[19])  # a dead one whose parent has not asked yet
    except (OSError, ValueError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return 0


def alive(beat: Heartbeat) -> bool | None:
    """Whether the job's process lives; None for one on another machine, of which nothing can be seen from here."""
    if beat.machine and beat.machine == machine():
        return born(beat.pid) == beat.born
    if beat.host != platform.node():
        return None
    if not beat.machine:
        return born(beat.pid) is not None
    # The same name: after another boot nothing of it lives; a container beside this one cannot be looked into.
    return None if beat.machine.partition(" ")[0] == machine().partition(" ")[0] else False


def place(state: Path, cell: str, part: str = "") -> Path:
    """The file of the job of a cell, or of some of its runs alone that `part` names."""
    return state / FOLDER / f"{cell}{'@' * bool(part)}{part}.json"


class Writer:
    """Writes a job's heartbeat. A disk that is full or away is said once and never stops a training."""

    def __init__(self, path: Path, beat: Heartbeat, say: Callable[[str], None]) -> None:
        self.path, self.beat, self.say = path, beat, say
        self.failed = False

    def write(self) -> None:
        """Put the file in place, whole."""
        self.beat.updated = time.time()
        part = self.path.with_name(f".{self.path.name}.{self.beat.pid}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(_rounded(self.beat), ensure_ascii=False), encoding="utf-8")
            os.replace(part, self.path)
        except OSError as error:
            if not self.failed:
                self.say(
                    f"{self.path}: progress cannot be written ({error.strerror}); training goes on without it"
                )
            self.failed = True
            _unlink(part)


def _rounded(beat: Heartbeat) -> dict:
    found = asdict(beat)
    for name in ("rate", "left", "memory_mb", "started", "updated", "loss"):
        value = found[name]
        fine = value is not None and abs(value) < _MOST  # JSON has neither infinities nor NaN
        found[name] = round(value, 6) if fine else (None if name == "loss" else 0.0)
    return found


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def read(path: Path) -> Heartbeat | str:
    """The heartbeat in a file, or what is wrong with it in a few words. Raises nothing, whatever the file holds."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            return "too large"
        found = json.loads(data)
        if not isinstance(found, dict):
            return "not an object"
        return _checked(found)
    except OSError as error:
        return error.strerror or "cannot be read"
    except (ValueError, RecursionError) as error:
        return one_line(str(error)) or "damaged"


def _checked(found: dict) -> Heartbeat | str:
    known = {entry.name: entry.type for entry in fields(Heartbeat)}
    values = {name: value for name, value in found.items() if name in known}
    for name, value in values.items():
        if not _fits(value, known[name]):
            return f"{name} is {one_line(repr(value))[:40]}"
        if isinstance(value, str):
            values[name] = one_line(value)
    if not values.get("cell"):
        return "names no cell"
    values["notes"] = [one_line(note) for note in values.get("notes", [])][:_NOTES]
    return Heartbeat(**values)


def _fits(value: object, kind: str) -> bool:
    """Whether a value of JSON is of the annotated type, and a number one that can be reckoned with."""
    if isinstance(value, bool):
        return False
    if value is None:
        return "None" in kind
    if kind == "str":
        return isinstance(value, str)
    if kind == "list[str]":
        return isinstance(value, list) and all(isinstance(note, str) for note in value)
    if kind == "int":
        return isinstance(value, int) and 0 <= value < 1 << 62
    return isinstance(value, (int, float)) and abs(value) < _MOST


def every(state: Path) -> Iterator[tuple[Path, Heartbeat | str]]:
    """Every file of progress below a state folder, read; links are not followed."""
    waiting = [state / FOLDER]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
                yield Path(entry.path), read(Path(entry.path))
