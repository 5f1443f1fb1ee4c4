"""What a SLURM cluster says of itself: its partitions' limits, whether it keeps accounts, how soon it forgets a job.

Everything here asks SLURM's own commands, of the machine that Snakemake was started on.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from rnnrepro.errors import Fault

SLOWEST_CHECK = 180
"""Seconds: the longest that Snakemake's SLURM executor lets pass between two looks at its jobs."""


@dataclass(frozen=True)
class Partition:
    """The longest time limit in minutes, the most memory of a node in MB (None: no limit), and whether it has GPUs."""

    minutes: int | None
    memory_mb: int | None
    gpus: bool


def _asked(*command: str) -> str | None:
    """What a command of SLURM's prints; None where there is none or it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def partitions() -> dict[str, Partition]:
    """The cluster's partitions by name; the default one by "" too. Empty where `sinfo` does not answer."""
    return parsed((_asked("sinfo", "--noheader", "--exact", "--format=%P|%l|%m|%G") or "").splitlines())


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
