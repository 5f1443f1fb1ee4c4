"""Run Snakemake, after removing the lock that a killed Snakemake left behind: `python launch.py ARGUMENTS`.

Snakemake's lock outlives a `kill -9` and does not say whose it is. So this holds a lock of the operating system
on the folder and then *becomes* Snakemake: the lock is gone the moment that process is, however it ends, and
its children (trainers may live on) do not inherit it. A Snakemake that was started without this is found among
the processes, where the system lists them under /proc.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shlex
import signal
import socket
import sys
import time
from pathlib import Path

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
PROJECT = Path(__file__).resolve().parents[2]
SNAKEFILES = (
    "Snakefile",
    "snakefile",
    "workflow/Snakefile",
    "workflow/snakefile",
)  # that Snakemake looks for
LOOKS = re.compile(
    "--(dry-?run|(d3)?dag|(rule|file)graph|report|lint|unlock|help|version|(detailed-)?summary|l[tcipu]"
    "|list(-rules|-target-rules|-((input|params)-)?changes|-untracked|-conda-envs)?"
    "|print-compilation|export-cwl|archive|generate-unit-tests|containerize)(=.*)?"
    "|-[pkFtfa]*[nlSDhv][pkFtfanlSDhv]*"  # a short one, alone or among others that take no value
)


def snakefile(arguments: list[str]) -> list[str]:
    """The option that names this project's Snakefile, where neither the arguments nor the current folder has one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-s", "--snakefile")
    given = parser.parse_known_args(arguments)[0].snakefile
    found = given or any(Path(name).exists() for name in SNAKEFILES)
    return [] if found else ["--snakefile", str(PROJECT / "Snakefile")]


def check_project(project: Path) -> None:
    """Raise Refused where Snakemake would take a part of the project's path for a wildcard."""
    if set("{}") & set(str(project)):
        raise Refused(
            f"{project}: Snakemake takes what stands between braces for a name of its own; give the folder a name"
            " without { and }"
        )


def working_folder(arguments: list[str]) -> Path:
    """The folder that Snakemake will work in: the one given with --directory, or this one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-d", "--directory", type=Path, default=Path())
    return parser.parse_known_args(arguments)[0].directory.resolve()


class Refused(Exception):
    """No pipeline may begin in the folder; the text says why, and what to do."""


def looks(arguments: list[str]) -> bool:
    """Whether Snakemake is only to show something, and runs no job. What follows `--` are targets."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(LOOKS.fullmatch(word) for word in options)


def hold(folder: Path, locked: bool) -> None:
    """Take the folder's lock for as long as this process lives, and write into it whose it is.

    Raises Refused where another process has it, or where the last pipeline began on another machine and has left
    Snakemake `locked`: of file systems that keep their locks to one machine, having it tells nothing of that one.
    """
    place = folder / ".snakemake" / "launch.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(place, os.O_RDWR | os.O_CREAT)
    here = socket.gethostname()
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = False
    except BlockingIOError:
        held = True
    except OSError:
        held = False  # a file system without such locks, as some clusters have: Snakemake's own lock remains
    process, host, boot = [*os.pread(handle, 300, 0).decode(errors="replace").split(), "", "", ""][:3]
    if host not in ("", here) and (held or (locked and boot != booted())):
        raise Refused(elsewhere(folder, process, host, place))
    if held:
        raise Refused(at_work(folder, int(process) if process.isdecimal() else None))
    os.truncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {here} {booted()}".encode(), 0)
    os.set_inheritable(handle, True)  # past execv; Snakemake closes it in the processes that it starts


def check(folder: Path) -> None:
    """Raise Refused where what every job writes into cannot be written: Snakemake would say it in many lines."""
    for place in (folder / name for name in ("results", "logs", "benchmarks")):
        if place.exists() and not place.is_dir():
            raise Refused(f"{place}: not a folder; move it away and run again")
        if place.exists() and not os.access(place, os.W_OK | os.X_OK):
            raise Refused(f"{place}: cannot be written; make it writable and run again")


def booted() -> str:
    """What names this start of this machine, alike in all its containers, whose host names differ."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def at_work(folder: Path, process: int | None) -> str:
    """The refusal beside a pipeline of this machine; its process is unknown in the moment before it is written."""
    if not process:
        return f"another pipeline is at work in {folder}: wait for it, or stop it"
    return f"another pipeline is at work in {folder} (process {process}): wait for it, or stop it with `kill {process}`"


def elsewhere(folder: Path, process: str, host: str, place: Path) -> str:
    """The refusal beside a pipeline of another machine, of which nobody can tell from here whether it lives."""
    return (
        f"another pipeline was begun in {folder} on {host} (process {process}): wait for it, or stop it there; if it"
        f" has ended, or that machine is gone: rm {shlex.quote(str(place))}"
    )


def snakemake_in(folder: Path) -> int | None:
    """A living Snakemake process that works in `folder`; None too where the system has no /proc.

    One inside a cluster's job (`--mode remote`) is no pipeline: it outlives the pipeline that sent it.
    """
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            cwd = (entry / "cwd").resolve()
        except OSError:
            continue  # ended meanwhile, or another user's
        named = any(Path(word).name == "snakemake" for word in words[:3])
        if named and "--mode" not in words and cwd == folder and int(entry.name) != os.getpid():
            return int(entry.name)
    return None


def unlock(folder: Path) -> None:
    """What `snakemake --unlock` does, without its reading the workflow, which may have faults of its own."""
    for lock in (folder / ".snakemake" / "locks").glob("*"):
        lock.unlink(missing_ok=True)


def disown(folder: Path) -> None:
    """Take from the trainers that a killed pipeline has left behind their claim to write results.

    What they train is kept as state, and this pipeline's own trainers go on from it. But a file that they wrote while
    Snakemake looks what is to be done could pass for finished, of whatever settings it is. See training/writer.py.
    """
    for claim in folder.glob("state/*/writers/*"):
        try:
            with open(claim, "rb+") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                handle.truncate(0)
        except OSError:
            continue  # not ours to write, or a file system without locks


def date_anew(folder: Path) -> None:
    """Date results from the future, as a wrong clock leaves them, to now.

    Snakemake refuses whatever is made of such a file, and would until that date has come.
    """
    late, soon = 0, time.time() + 1
    for path in folder.glob("results/**/*"):
        try:
            if path.lstat().st_mtime > soon and path.is_file():
                os.utime(path, follow_symlinks=False)
                late += 1
        except OSError:
            continue  # gone meanwhile, or another's: then Snakemake says it
    if late:
        print(f"{late} results were dated in the future; they are dated now.", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Become Snakemake; return 1 where another one is at work in the folder, or the folder cannot be written."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    folder = working_folder(arguments)
    locked = any((folder / ".snakemake" / "locks").glob("*"))
    try:
        own = snakefile(arguments)
        check_project(PROJECT)
        if own and not (folder / "config" / "config.yaml").exists():
            raise Refused(
                f"{folder}: no config/config.yaml in it; cd {shlex.quote(str(PROJECT))}, or name a folder that has"
                " one with --directory"
            )
        hold(folder, locked)
        other = snakemake_in(folder) if locked else None
        if other is not None:
            raise Refused(at_work(folder, other))
        if not looks(arguments):
            check(folder)
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {folder}: no pipeline can work here ({error.strerror}: {error.filename}); make the folder"
            " writable, or name another with --directory",
            file=sys.stderr,
        )
        return 1
    if not looks(arguments):
        disown(folder)
        date_anew(folder)
    if locked:
        print("Removing the lock of a pipeline that was killed.", file=sys.stderr)
        unlock(folder)
    os.execv(SNAKEMAKE[0], [*SNAKEMAKE, *own, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
