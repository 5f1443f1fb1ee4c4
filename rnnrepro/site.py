"""What SLURM is told of a cluster: `config/site.yaml`, read and checked.

The values become words of an `sbatch` command that a shell reads, so they hold nothing that means something to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnrepro.project import read_yaml
from rnnrepro.typed import Reader, setting

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,:@+/-]*")
_OPTION = re.compile(r"--[a-z][a-z-]*(=[A-Za-z0-9_.,:@+/%=-]+)?")
_OURS = re.compile(
    "account|array|chdir|clusters?|comment|constraint|cpus-per-(gpu|task)|error|export|gpus|gres|job-name|mem|mem-per-cpu|"
    "no-requeue|nodes|ntasks|ntasks-per-gpu|output|parsable|partition|qos|signal|time|wrap"
)
_GROUPS = ("cpu", "gpu")  # with nothing but comments below it, YAML reads a group as null
_WORDS = "letters, digits and _.,:@+/- alone"


def _word(value: str) -> str | None:
    return None if _WORD.fullmatch(value) else f"{value!r} is no name that SLURM knows: {_WORDS}"


def _gpu_type(value: str) -> str | None:
    return (
        None
        if re.fullmatch(r"[A-Za-z0-9_.]+", value)
        else f"{value!r}: a type of GPU has letters, digits, _ and . alone"
    )


def _options(values: Sequence[Any]) -> str | None:
    for value in values:
        if not isinstance(value, str) or not _OPTION.fullmatch(value):
            return f"{value!r} is no option such as --nice=100: one word each, {_WORDS}"
        name = value[2:].partition("=")[0]
        if _OURS.fullmatch(name):
            return f"--{name} is set by the pipeline itself, from the keys of this file and the plan"
    return None


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Where jobs of a kind go, and the most that they may ask for."""

    partition: str | None = setting(None, help="sbatch --partition", check=_word)
    qos: str | None = setting(None, help="sbatch --qos", check=_word)
    constraint: str | None = setting(None, help="sbatch --constraint", check=_word)
    hours: float | None = setting(None, help="longest time limit", minimum=1 / 60)
    memory_gb: float | None = setting(None, help="most memory of a job", minimum=0.1)
    options: list[str] = setting([], help="more options of sbatch", check=_options)


@dataclass(frozen=True, kw_only=True)
class GpuJobs(Jobs):
    """Where training on a GPU goes."""

    type: str | None = setting(None, help="the cluster's name for the kind of GPU", check=_gpu_type)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster, as its user knows it."""

    account: str | None = setting(None, help="sbatch --account", check=_word)
    cpu: Jobs = field(default_factory=Jobs, metadata={"help": "jobs without a GPU"})
    gpu: GpuJobs = field(default_factory=GpuJobs, metadata={"help": "training on a GPU"})
    attempts: int = setting(10, help="how often a training may be sent to the queue", minimum=1)
    warning: int = setting(
        180, help="seconds before the time limit at which a training saves and stops", minimum=1
    )
    here: list[str] = setting([], help="what runs without a job", choices=lambda: ("data", "exhibits"))
    status: str | None = setting(
        None, help="how finished jobs are found", choices=lambda: ("sacct", "squeue")
    )


def load(path: Path) -> Site:
    """The site that a file tells of; every default where there is no file.

    Raises Fault naming every unknown key, wrong type and unsafe value.
    """
    if not path.exists():
        return Site()
    reader = Reader(str(path))
    given = {key: {} if value is None and key in _GROUPS else value for key, value in read_yaml(path).items()}
    found = reader.read(Site, given)
    reader.finish()
    assert found is not None  # or finish had faults to tell
    return found
