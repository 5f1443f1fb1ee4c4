"""What the rules ask of the cluster: where a job goes, and how much time and memory it may have. No rule stands here."""

import signal
from math import ceil

from rnnrepro import site, slurm

# A cluster warns all processes of a job before its time limit. The trainer saves and stops; Snakemake and the shells
# between are to wait for it: they ignore the signal, as does what they start, and the trainer sets its own handler.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def site_of(path):
    """The site file, or what is wrong with it."""
    try:
        return site.load(path)
    except Fault as fault:
        raise WorkflowError(f"the site file has faults\n{fault}") from None


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
    """Where jobs go, as resources of Snakemake's executor for SLURM; those that are None are not passed on."""
    return {
        "slurm_account": SITE.account,
        "slurm_partition": jobs.partition,
        "qos": jobs.qos,
        "constraint": jobs.constraint,
        "slurm_extra": " ".join(jobs.options) or None,
    }


def on_cpu(minutes, memory):
    """The resources of a job without a GPU: more time and memory at each attempt, to what the partition has."""
    return {
        "gpu": 0,
        "runtime": lambda wildcards, attempt: minutes_within(SITE.cpu, attempt * minutes),
        "mem_mb": lambda wildcards, attempt: memory_within(SITE.cpu, attempt * memory),
        **placed(SITE.cpu),
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
    return memory_within(trainers(), attempt * 3000)


def options_of_cell(wildcards, attempt):
    """Options of sbatch: those of the site, and the warning before the time limit."""
    warning = min(SITE.warning, 30 * minutes_of_cell(wildcards, attempt))
    return " ".join([*trainers().options, f"--signal=USR1@{warning}"]) if workflow.non_local_exec else None


def of_trainers(name):
    """A resource of training jobs, by its name."""
    return lambda wildcards: placed(trainers())[name]


def training():
    """The resources of a training."""
    names = ("slurm_account", "slurm_partition", "qos", "constraint")
    return {
        "gpu": lambda wildcards: gpus(),
        "gpu_model": lambda wildcards: SITE.gpu.type if gpus() else None,
        "runtime": minutes_of_cell,
        "mem_mb": memory_of_cell,
        "slurm_extra": options_of_cell,
        **{name: of_trainers(name) for name in names},
    }


def set_up_cluster():
    """At the start on a cluster: how finished jobs are found, and how often a training may be sent to the queue."""
    try:
        found, seconds = slurm.status_command()
        found = SITE.status or found
        if found == "squeue":
            slurm.check_memory_of_jobs(seconds)
    except Fault as fault:
        raise WorkflowError(str(fault)) from None
    settings = workflow.executor_settings
    settings.status_command = found
    settings.init_seconds_before_status_checks = min(settings.init_seconds_before_status_checks, seconds // 3)
    if not PROJECT.user.minutes:
        workflow.get_rule("train").restart_times = SITE.attempts - 1
