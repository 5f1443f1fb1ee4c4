"""What the rules ask of the cluster: where a job goes, and how much time and memory it may have. No rule stands here."""

import signal
import time
from math import ceil

from rnnrepro import site, slurm

# `scancel --signal=USR1 --full JOB` asks a training to save and stop. Snakemake and the shells between are to wait for
# it: they ignore the signal, as does what they start, and the trainer sets its own handler.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def site_of(path):
    """The site file; with faults in it it says them all and ends."""
    try:
        return site.load(path)
    except Fault as fault:
        sys.exit(f"error: {fault}")


SITE = site_of(Path("config", "site.yaml"))
FETCHING, RENDERING = ["fetch"], ["table", "figure", "claims", "metrics", "page", "report"]
workflow.localrules(*FETCHING * ("data" in SITE.here), *RENDERING * ("exhibits" in SITE.here))


def again(times):
    """How often a failed job is run again; never by the Snakemake inside a cluster's job, whose time may be up."""
    return times if workflow.is_main_process else 0


@cache
def partitions():
    """What the cluster says of its partitions; nothing, where no cluster takes part."""
    return slurm.partitions() if workflow.non_local_exec and workflow.is_main_process else {}


def partition_of(jobs):
    """What is known of the partition that jobs go to."""
    names = (jobs.partition or "").split(",")
    return partitions().get(names[0], slurm.Partition(None, None, True))


def least(*limits):
    """The smallest of the limits that there are."""
    return int(min(limit for limit in limits if limit is not None))


def minutes_within(jobs, wanted):
    """A time limit in minutes that the partition allows."""
    return max(1, least(wanted, jobs.hours and 60 * jobs.hours, partition_of(jobs).minutes))


def memory_within(jobs, wanted):
    """An amount of memory in MB that the partition has."""
    return least(wanted, jobs.memory_gb and 1000 * jobs.memory_gb, partition_of(jobs).memory_mb)


def placed(jobs):
    """Where jobs go, as resources of Snakemake's executor for SLURM; those that are None are not passed on.

    `jobs`: a function that says of what kind they are, asked once the cluster is known.
    """
    return {
        "slurm_account": SITE.account,
        "slurm_partition": lambda wildcards: jobs().partition,
        "qos": lambda wildcards: jobs().qos,
        "constraint": lambda wildcards: jobs().constraint,
        "slurm_extra": lambda wildcards: " ".join(jobs().options) or None,
        "mpi": lambda wildcards: "" if workflow.non_local_exec else None,
    }


# An `mpi` resource, even an empty one, lets the executor start the job without srun. When a job is cancelled, preempted
# or out of time, SLURM sends SIGTERM to all its processes and half a minute later SIGKILL; but srun answers SIGTERM with
# SIGKILL to its step, at once, before a trainer has saved.


def on_cpu(minutes, memory):
    """The resources of a job without a GPU: more time and memory at each attempt, to what the partition has."""
    return {
        "gpu": 0,
        "runtime": lambda wildcards, attempt: minutes_within(SITE.cpu, attempt * minutes),
        "mem_mb": lambda wildcards, attempt: memory_within(SITE.cpu, attempt * memory),
        **placed(lambda: SITE.cpu),
    }


def gpus():
    """How many GPUs a training takes: one, unless training on the processor was asked for or the cluster has none."""
    if workflow.remote_exec:  # inside the job: what it was given
        return int("SLURM_GPUS" in os.environ)
    if PROJECT.user.device == "auto":
        return int(partition_of(SITE.gpu).gpus)
    return int(PROJECT.user.device == "cuda")


def trainers():
    """Where training goes."""
    return SITE.gpu if gpus() else SITE.cpu


def minutes_of_cell(wildcards, attempt):
    """A time limit: three times the estimate, more at each attempt, as much as the partition allows.

    A training that needs more goes on at the next attempt.
    """
    wanted = attempt * max(10, ceil(3 * cell(wildcards).estimate.seconds / 60))
    return minutes_within(trainers(), wanted)


def memory_of_cell(wildcards, attempt):
    """Memory in MB, by the plan's estimate; more at each attempt, as much as the partition has."""
    return memory_within(trainers(), attempt * max(2000, cell(wildcards).estimate.memory_mb))


def training():
    """The resources of a training."""
    return {
        "gpu": lambda wildcards: gpus(),
        "gpu_model": lambda wildcards: SITE.gpu.type if gpus() else None,
        "runtime": minutes_of_cell,
        "mem_mb": memory_of_cell,
        **placed(trainers),
    }


def time_of_cell(wildcards, threads):
    """Inside a cluster's job, when to save and stop: some time before its time limit.

    As a time of day: between this and the trainer's first look at its clock lie seconds, on some file systems minutes.
    """
    left = slurm.seconds_left() if workflow.remote_exec else None
    return [] if left is None else [f"--until={time.time() + left - min(SITE.warning, left / 2):.0f}"]
