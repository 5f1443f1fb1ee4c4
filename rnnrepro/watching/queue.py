"""Which jobs of a SLURM cluster are in its queue."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rnnrepro import slurm

_SECONDS = 5.0
_ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
}


def queued(jobs: Iterable[str], command: str = "squeue", seconds: float = _SECONDS) -> dict[str, str] | None:
    """{job: state} of those jobs that SLURM still knows; None where there is no SLURM or it does not answer."""
    numbers = sorted(job for job in set(jobs) if job.isascii() and job.isdigit())
    if not numbers:
        return {}
    answer = slurm.ask(
        command,
        "--noheader",
        "--states=all",
        "--format=%A|%T",
        f"--jobs={','.join(numbers)}",
        seconds=seconds,
    )
    # "Invalid job id": so it says of a single one that is long gone
    if answer is None or (answer.status and "Invalid job id" not in answer.complaint):
        return None
    return parsed(answer.said.splitlines())


def parsed(lines: Iterable[str]) -> dict[str, str]:
    """{job: state} of the lines `job|state`; others are passed over."""
    found = (re.fullmatch(r"\s*(\d+)\|([A-Z_]+)\s*", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def at_work(job: str, jobs: dict[str, str] | None) -> bool | None:
    """Whether a job still runs or waits; None where SLURM was not to be asked."""
    if jobs is None:
        return None
    return job in jobs and jobs[job] not in _ENDED
