"""What a SLURM cluster says of itself: its partitions' limits, its user's accounts, how soon it forgets a job.

All of it is asked of SLURM's own commands, on the machine that this runs on, and nowhere else in the package.
"""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnrepro.errors import Fault, nearest

SLOWEST_CHECK = 180
"""Seconds: the longest that Snakemake's SLURM executor lets pass between two looks at its jobs."""


@dataclass(frozen=True)
class Partition:
    """The longest time limit in minutes, the most memory of a node in MB (None: no limit), and whether it has GPUs."""

    minutes: int | None
    memory_mb: int | None
    gpus: bool


@dataclass(frozen=True)
class Answer:
    """The exit status of a command, what it printed, and what it complained of."""

    status: int
    said: str
    complaint: str


def ask(*command: str, seconds: float = 30) -> Answer | None:
    """What a command of SLURM's answers; None where there is none, or no answer within so many seconds."""
    # SQUEUE_USERS, SINFO_PARTITION and their like hide from a user's lists what is asked for here
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SINFO_", "SQUEUE_"))}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Answer(done.returncode, done.stdout, done.stderr)


def _asked(*command: str) -> str | None:
    """What a command of SLURM's prints; None where there is none or it fails."""
    answer = ask(*command)
    return answer.said if answer and not answer.status else None


def partitions() -> dict[str, Partition]:
    """The cluster's partitions by name; the default one by "" too. Empty where `sinfo` does not answer."""
    # --all: one that is hidden from lists takes jobs nevertheless
    return parsed(
        (_asked("sinfo", "--all", "--noheader", "--exact", "--format=%P|%l|%m|%G") or "").splitlines()
    )


def check_partition(key: str, given: str | None, there: Mapping[str, Partition]) -> None:
    """Raise Fault where a partition of the site file's `key`, of several with commas, is not among those there are."""
    names = sorted(filter(None, there))
    for name in (given or "").split(","):
        if name and names and name not in there:
            close = nearest(name, names)
            known = "" if "known:" in close else f" (there are: {', '.join(names)})"
            raise Fault(f"{key}: this cluster has no partition {name!r}{close}{known}")


def check_account(key: str, account: str) -> None:
    """Raise Fault where SLURM does not know the user by an account, or cannot be asked: it would take no job."""
    user = getpass.getuser()
    found = _asked("sacctmgr", "-n", "-s", "list", "user", user, "format=account%256") or ""
    if not found.strip():
        answer = _asked("sshare", "-U", "--format", "Account%256", "--noheader")
        if answer is None:
            raise Fault(
                f"{key}: neither sacctmgr nor sshare tells of accounts here: where there are none, leave it null"
            )
        found = answer
    known = {name.strip().lower() for name in found.splitlines()} - {""}
    if known and account.lower() not in known:
        raise Fault(
            f"{key}: {user} has no account {account!r} on this cluster{nearest(account.lower(), known)}"
        )


def parsed(lines: Iterable[str]) -> dict[str, Partition]:
    """The partitions of lines `name|time limit|MB|resources`, one for each kind of node."""
    found: dict[str, Partition] = {}
    for line in lines:
        words = line.strip().split("|")
        if len(words) != 4:
            continue
        name, limit, memory, resources = words
        old = found.get(name.rstrip("*"), Partition(None, None, False))
        megabytes = int(memory.rstrip("+")) if memory.rstrip("+").isdigit() else None
        one = Partition(
            minutes=None if (longest := seconds(limit)) is None else longest // 60,
            memory_mb=max(filter(None, [old.memory_mb, megabytes]), default=None),
            gpus=old.gpus or "gpu" in resources,
        )
        found[name.rstrip("*")] = one
        if name.endswith("*"):
            found[""] = one
    return found


def seconds(time: str) -> int | None:
    """A time as SLURM writes it (`7-00:00:00`, `04:00:00`, `30:00`) in seconds; None for `infinite` and no time."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", time.strip())
    if not match:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return 86400 * days + 3600 * hours + 60 * minutes + rest


def seconds_left() -> int | None:
    """How long the job may go on in which this runs; None without a limit, or where SLURM does not answer."""
    job = os.environ.get("SLURM_JOB_ID")
    return seconds(_asked("squeue", "--noheader", f"--job={job}", "--format=%L") or "") if job else None


def status_command(config: str | None = None) -> tuple[str, int]:
    """How to find what became of a job (`sacct` or `squeue`), and how many seconds SLURM remembers a finished one.

    `config`: what `scontrol show config` prints; asked for if not given. Without an accounting database `sacct`
    answers nothing, and who asks it waits for ever.
    """
    config = _asked("scontrol", "show", "config") if config is None else config
    if config is None:
        raise Fault("SLURM does not answer (scontrol show config): is this a login node of a cluster?")
    storage = re.search(r"^AccountingStorageType\s*=\s*(\S+)", config, re.M)
    age = re.search(r"^MinJobAge\s*=\s*(\d+)", config, re.M)
    keeps = storage is not None and storage[1].endswith("slurmdbd")
    return "sacct" if keeps else "squeue", int(age[1]) if age else 300


def check_memory_of_jobs(seconds: int) -> None:
    """Raise Fault where a finished job is forgotten before it is looked at, so that its end would never be seen."""
    if seconds <= SLOWEST_CHECK:
        raise Fault(
            f"this cluster keeps no accounts (sacct), and squeue forgets finished jobs after {seconds} s (MinJobAge), "
            f"though they are looked at every {SLOWEST_CHECK} s at times: ask its administrators for MinJobAge=300, "
            "or run Snakemake inside one large job instead (docs/cluster.md)"
        )
