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
import signal
import sys
from pathlib import Path

SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def working_folder(arguments: list[str]) -> Path:
    """The folder that Snakemake will work in: the one given with --directory, or this one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-d", "--directory", type=Path, default=Path())
    return parser.parse_known_args(arguments)[0].directory.resolve()


def hold(folder: Path) -> int | None:
    """Take the folder's lock for as long as this process lives; the process that has it, if another does."""
    place = folder / ".snakemake" / "launch.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(place, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(handle, 20) or 0)
    except OSError:
        return None  # a file system without such locks, as some clusters have: Snakemake's own lock remains
    os.truncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    os.set_inheritable(handle, True)  # past execv; Snakemake closes it in the processes that it starts
    return None


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


def main(arguments: list[str]) -> int:
    """Become Snakemake; return 1 where another one is at work in the folder, or the folder cannot be written."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    folder = working_folder(arguments)
    try:
        other = hold(folder)
    except OSError as error:
        print(
            f"error: {folder}: no pipeline can work here ({error.strerror}: {error.filename}); make the folder"
            " writable, or name another with --directory",
            file=sys.stderr,
        )
        return 1
    locked = any((folder / ".snakemake" / "locks").glob("*"))
    if other is None and locked:
        other = snakemake_in(folder)
    if other is not None:
        print(
            f"error: another pipeline is at work in {folder} (process {other}): wait for it, or stop it with"
            f" `kill {other}`",
            file=sys.stderr,
        )
        return 1
    disown(folder)
    if locked:
        print("Removing the lock of a pipeline that was killed.", file=sys.stderr)
        unlock(folder)
    os.execv(SNAKEMAKE[0], [*SNAKEMAKE, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
