"""What is done at the start on a cluster, for the executor that Snakemake submits its jobs with. No rule stands here."""

import threading

from rnnrepro import refusals

PLACE = "config/site.yaml"
REFUSED = refusals.Refused(SITE, PLACE)


def check_partitions():
    """Before anything else: raise WorkflowError where a partition of the site file is not on this cluster."""
    try:
        for group, jobs in (("cpu", SITE.cpu), ("gpu", SITE.gpu)):
            slurm.check_partition(f"{PLACE}: {group}.partition", jobs.partition, partitions())
    except Fault as fault:
        raise WorkflowError(str(fault)) from None


def set_up_cluster():
    """At the start on a cluster: how finished jobs are found, and how often a training may be sent to the queue."""
    check_partitions()
    try:
        if SITE.account:
            slurm.check_account(f"{PLACE}: account", SITE.account)
        found, seconds = slurm.status_command()
        found = SITE.status or found
        if found == "squeue":
            slurm.check_memory_of_jobs(seconds)
    except Fault as fault:
        raise WorkflowError(str(fault)) from None
    settings = workflow.executor_settings
    settings.status_command = found
    settings.init_seconds_before_status_checks = min(settings.init_seconds_before_status_checks, seconds // 3)
    outlast_silence()
    heed_refusals(workflow.scheduler, workflow.scheduler._executor)
    if not PROJECT.user.minutes:
        workflow.get_rule("train").restart_times = SITE.attempts - 1


def outlast_silence():
    """Let a SLURM that does not answer be asked again later.

    Where each of a few questions at once stays without an answer (slurmctld is restarted, the database is away), the
    executor forgets every job that it waits for, and Snakemake waits for ever. An answer without any job in it leaves
    them as they are.
    """
    import snakemake_executor_plugin_slurm as executor

    asked = executor.query_job_status

    async def query_job_status(command, logger):
        found, seconds = await asked(command, logger)
        return found or {}, seconds or 0.0

    executor.query_job_status = query_job_status


def heed_refusals(scheduler, executor):
    """Let a job that sbatch refuses for good be refused once, and one that it cannot take now be submitted later.

    To Snakemake a job that was never submitted is one that failed: it would be sent again at once, to the last of its
    attempts, and so would each of hundreds. Where all would be refused, no more are submitted.
    """
    submit, shut_down = executor.run_job, executor.shutdown
    heard = threading.local()
    stopped, one_by_one = threading.Event(), threading.Lock()
    tell = executor._report_job_error_threadsafe
    executor._report_job_error_threadsafe = lambda *error: setattr(heard, "error", error)

    def stops_within(seconds):
        end = time.monotonic() + seconds
        while not (stopped.is_set() or scheduler._user_kill):
            left = end - time.monotonic()
            if left <= 0:
                return False
            stopped.wait(min(1, left))
        return True

    def run_job(job):
        refusal = None
        for pause in refusals.pauses():
            if refusal and pause == refusals.FIRST_PAUSE:
                logger.warning(f"SLURM takes no job now, and is asked again: {refusal.sentence}")
            if stops_within(pause):
                return given_up(job)
            heard.error = None
            submit(job)
            if heard.error is None:
                return REFUSED.taken()
            refusal = refusals.read(heard.error[1])
            if not refusal.passes:
                break
        with one_by_one:
            if stopped.is_set():
                return given_up(job)
            REFUSED.add(refusal, "gpu" if job.resources.get("gpu") else "cpu")
            no_more_attempts(job)
            tell(*heard.error)
            if REFUSED.over:
                scheduler.keepgoing = False
                stopped.set()

    def no_more_attempts(job):
        job.attempt = job.restart_times + 1

    def given_up(job):
        no_more_attempts(job)
        scheduler.error_callback(job)

    def shutdown():
        stopped.set()  # or it would wait for the jobs that are to be submitted later
        shut_down()

    executor.run_job, executor.shutdown = run_job, shutdown
