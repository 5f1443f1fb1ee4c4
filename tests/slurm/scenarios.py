"""What happens on a cluster, each on the tiny pipeline: how it is brought about, and what must then be so."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from . import settings
from .cluster import Cluster
from .lab import CELL, STEPS, Lab, Pipeline, site

TARGET = f"results/quick/runs/{CELL}.parquet"


@dataclass(frozen=True)
class Expected:
    """What a pipeline on this machine alone gives: the rows of the long cell, and of all cells of the tiny one."""

    long: pa.Table
    tiny: dict[str, pa.Table]


Run = Callable[[Cluster, Path, Expected], str]


@dataclass(frozen=True)
class Scenario:
    """A row of the table. `alone`: nothing else may be on the cluster. `accounting`: on the one with slurmdbd."""

    name: str
    run: Run
    alone: bool = False
    accounting: bool = False


def whole(cluster: Cluster, place: Path, expected: Expected) -> str:
    """The whole tiny pipeline."""
    more = {"account": "root", "here": ["exhibits"]} if cluster.accounting else {}
    lab = Lab(place, cluster=cluster, site=site(**more))
    said = lab.launch().end()
    found = lab.all_rows()
    assert found.keys() == expected.tiny.keys(), lab.evidence()
    assert all(found[cell].equals(expected.tiny[cell]) for cell in found), "rows differ from a local run's"
    assert (place / "results" / "quick" / "report.html").exists()
    asked = "sacct" if cluster.accounting else "squeue"
    jobs = len(lab.jobs())
    assert jobs >= len(found), said
    drawn = "exhibits without jobs, " if "here" in more else ""
    return f"{jobs} jobs, {drawn}seen by {asked}; the report is there"


def on_gpu(cluster: Cluster, place: Path, expected: Expected) -> str:
    """A training that asks for a GPU goes to the GPU partition, with one."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET, options=("--config", "device=auto"))
        lab.wait(lambda: lab.jobs(rule="train"), "no job was sent")
        (job,) = lab.jobs(rule="train")
        asked = cluster.do("scontrol", "show", "job", job)
        assert "Partition=gpu" in asked and re.search(r"TresPer\w+=gres[:/]gpu:1", asked), asked
        pipeline.end()
    _trained_once(lab, expected)
    assert lab.jobs("completed", "train") == [job], lab.evidence()
    return "partition gpu, one GPU asked for (pretended: trained on the processor)"


def refused(cluster: Cluster, place: Path, expected: Expected) -> str:
    """A site file with what this cluster has not: nothing is sent, one error says what to mend; then it is mended."""
    lab, cell = Lab(place, cluster=cluster, site=site(cpu={"partition": "cpux"})), "first/adding/lstm"
    target, file = f"results/quick/runs/{cell}.parquet", place / "config" / "site.yaml"
    said = lab.launch(target).end(status=None)
    assert "site.yaml: cpu.partition: this cluster has no partition 'cpux'; did you mean 'cpu'?" in said, said
    file.write_text(site(cpu={"partition": "gpu,cpu", "constraint": "fast"}))
    said = lab.launch(target).end(status=None)
    assert said.count("Error in rule") == 1 and "Trying to restart" not in said, said
    assert "Invalid feature specification. Mend in config/site.yaml: cpu.constraint (now fast)" in said, said
    assert not lab.jobs(), lab.evidence()
    file.write_text(site(cpu={"partition": "gpu,cpu"}))
    lab.launch(target).end()
    assert lab.rows(cell).equals(expected.tiny[cell]) and len(lab.jobs()) == 1, lab.evidence()
    return "one error each, no job; as soon as it was mended, one job"


def cancelled(cluster: Cluster, place: Path, expected: Expected) -> str:
    """`scancel` of a job that trains."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET)
        with lab.caught():
            (job,) = lab.jobs("running", "train")
            cluster.do("scancel", job)
        said = pipeline.end()
    assert "CANCELLED" in said, said
    return f"saved at SIGTERM, sent again by itself, {_went_on(lab, expected, at_least=1)}"


def warned(cluster: Cluster, place: Path, expected: Expected) -> str:
    """A training that does not end within its job's time limit saves before it, and the next attempt goes on."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site(warning=60))
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET, options=("--set-resources", "train:runtime=2*attempt"))  # minutes
        with lab.caught() as trainer:
            time.sleep(max(0, lab.seconds_to_stop(trainer)) + 1)
        said = pipeline.end()
    assert any("state saved" in text for text in lab.sittings.texts), lab.evidence()
    assert "TIMEOUT" not in said, said
    return f"saved before the limit, sent again, {_went_on(lab, expected, at_least=1)}"


def timed_out(cluster: Cluster, place: Path, expected: Expected) -> str:
    """A job whose limit is suddenly over gets SIGTERM, and soon after SIGKILL."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET)
        with lab.caught():
            (job,) = lab.jobs("running", "train")
            end = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 1))
            cluster.do("scontrol", "update", f"jobid={job}", f"EndTime={end}")
            lab.wait(lambda: job not in lab.jobs("running"), "SLURM let it run")
        said = pipeline.end()
    assert "TIMEOUT" in said, said
    return f"TIMEOUT, saved at SIGTERM, sent again, {_went_on(lab, expected, at_least=1)}"


def out_of_memory(cluster: Cluster, place: Path, expected: Expected) -> str:
    """A job above its memory is killed; the next attempt asks for more."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET, options=("--set-resources", "train:mem_mb=attempt * attempt * 250"))
        with lab.caught(
            alive=False
        ) as trainer:  # SLURM looks once a second; of a second attempt nothing is waited for
            lab.wait(
                lambda: trainer not in lab.trainers() or lab.jobs(rule="train")[1:], "it outlived its memory"
            )
        pipeline.end()
    asked = [
        cluster.do("squeue", "-h", "-t", "all", "-j", job, "-o", "%m %T") for job in lab.jobs(rule="train")
    ]
    asked.sort(key=lambda words: int(words.partition("M")[0]))
    *failed, last = asked
    assert failed and last.endswith(" COMPLETED") and not any("COMPLETED" in one for one in failed), asked
    _went_on(lab, expected, killed=True)
    return f"attempts: {', '.join(asked)}"


def node_drained(cluster: Cluster, place: Path, expected: Expected) -> str:
    """The node is drained while a job runs; what follows waits until it is resumed."""
    lab = Lab(place, cluster=cluster, site=site())
    pipeline = lab.launch("results/quick/first/table_adding.html")
    node = f"nodename={settings.NODE}"
    with lab.all_held(2):
        cluster.do("scontrol", "update", node, "state=drain", "reason=test")
    try:
        lab.wait(lambda: lab.jobs("pending"), "nothing waits")
        time.sleep(3)
        assert not lab.jobs("running") and pipeline.process.poll() is None, lab.evidence()
    finally:
        cluster.do("scontrol", "update", node, "state=resume")
    pipeline.end()
    for cell in ("first/adding/enrnn", "first/adding/lstm"):
        assert lab.rows(cell).equals(expected.tiny[cell]), cell
    assert len(lab.jobs()) == 3, lab.jobs()
    return "running jobs ended, the next waited, and ran once it was resumed"


def node_lost(cluster: Cluster, place: Path, expected: Expected) -> str:
    """The node is declared down while a job trains on it: its jobs are gone without a warning."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    node = f"nodename={settings.NODE}"
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET)
        with lab.caught() as trainer:
            cluster.do("scontrol", "update", node, "state=down", "reason=test")
            lab.wait(lambda: trainer not in lab.trainers(), "it outlived its node")
        cluster.do("scontrol", "update", node, "state=resume", check=False)  # unless it is back by itself
        # SLURM itself queues the job again, for two minutes later. Sooner, slurmd may still hold it for running, and
        # then refuses it and is drained.
        lab.wait(lambda: lab.jobs("pending", "train"), "the job was not queued again")
        pipeline.end()
    (job,) = lab.jobs(rule="train")
    assert "Restarts=1" in cluster.do("scontrol", "show", "job", job), lab.evidence()
    return f"queued again by SLURM once nothing of it was left, {_went_on(lab, expected, 1, killed=True)}"


def controller_killed(cluster: Cluster, place: Path, expected: Expected) -> str:
    """slurmctld is killed while a job trains, and started again after the job's end."""
    lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
    with lab.sittings.watched():
        pipeline = lab.launch(TARGET)
        with lab.caught() as trainer:
            # slurmctld writes its state within five seconds of a change, unless that is in the second of the last
            # writing: then after the next change. A job of which it has not written that it runs it starts again.
            (job,) = lab.jobs("running", "train")
            cluster.do("scontrol", "update", f"jobid={job}", "TimeLimit=60")
            time.sleep(8)
            cluster.stop("slurmctld", signal.SIGKILL)
        lab.wait(lambda: trainer not in lab.trainers(), "the training did not end")
        time.sleep(4)
        assert pipeline.process.poll() is None, lab.evidence()
        cluster.start_controller()
        pipeline.end()
    _trained_once(lab, expected)
    return "the job ended meanwhile, and its end was learned of afterwards; trained once"


def pipeline_killed(number: signal.Signals) -> Run:
    """Snakemake gets a signal while a job trains, and is started again at once."""

    def run(cluster: Cluster, place: Path, expected: Expected) -> str:
        lab = Lab(place, cluster=cluster, steps=STEPS, site=site())
        with lab.sittings.watched():
            first = lab.launch(TARGET)
            with lab.caught() as trainer:
                first.signal(number)
                second = lab.launch(TARGET)
                lab.wait(lambda: _second_has_come(lab, second, trainer), "the second sent no job")
            said = second.end()
        if number == signal.SIGKILL:  # nobody has told the job
            assert "Removing the lock" in said, said
            _trained_once(lab, expected)
            return (
                "the lock left behind was removed; the job trained on, and what was sent again waited for it"
            )
        return f"its job was cancelled and saved, {_went_on(lab, expected, at_least=1)}"

    return run


def pipeline_ended(cluster: Cluster, place: Path, expected: Expected) -> str:
    """Snakemake gets SIGTERM while jobs run: it waits for them and sends no more; the second goes on with the rest."""
    lab = Lab(place, cluster=cluster, site=site())
    target = "results/quick/first/table_adding.html"
    with lab.sittings.watched():
        first = lab.launch(target)
        with lab.all_held(2):
            first.process.send_signal(signal.SIGTERM)
            lab.wait(
                lambda: "Will exit after finishing currently running jobs" in first.text, "it did not listen"
            )
        lab.wait(lambda: first.process.poll() is not None, "it did not end after its jobs")
        assert len(lab.jobs()) == 2, lab.evidence()
        lab.launch(target).end()
    for cell in ("first/adding/enrnn", "first/adding/lstm"):
        assert lab.rows(cell).equals(expected.tiny[cell]), cell
    assert all(len(writes) == 1 for writes in lab.sittings.finished.values()), (
        "a finished run was trained again"
    )
    assert len(lab.jobs()) == 3, lab.jobs()
    return "it waited for its jobs; the second sent what was left alone: trained once"


def _second_has_come(lab: Lab, second: Pipeline, trainer: int) -> bool:
    others = [process for process in lab.trainers() if process != trainer]
    return bool(others) or second.process.poll() is not None or trainer not in lab.trainers()


def _trained_once(lab: Lab, expected: Expected) -> None:
    assert lab.rows().equals(expected.long), "rows differ from a local run's"
    assert lab.sittings.starts == [STEPS], lab.evidence()
    assert all(len(writes) == 1 for writes in lab.sittings.finished.values()), (
        "a finished run was trained again"
    )
    lab.wait(lambda: not lab.trainers(), "a trainer goes on")


def _went_on(lab: Lab, expected: Expected, at_least: int = 0, killed: bool = False) -> str:
    """Check that there were sittings more than so many, each from where the one before had saved; in words.

    `killed`: without a warning, so that one may have saved nothing.
    """
    assert lab.rows().equals(expected.long), "rows differ from a local run's"
    starts = lab.sittings.starts
    assert len(starts) > at_least, lab.evidence()
    assert starts[0] == STEPS, lab.evidence()
    assert all(a > b or (killed and a == b) for a, b in pairwise(starts)), lab.evidence()
    assert all(len(writes) == 1 for writes in lab.sittings.finished.values()), (
        "a finished run was trained again"
    )
    lab.wait(lambda: not lab.trainers(), "a trainer goes on")
    return f"went on from step {', '.join(str(STEPS - left) for left in starts[1:])} of {STEPS}"


SCENARIOS = [
    Scenario("whole pipeline, cluster without accounts", whole),
    Scenario("training on a GPU", on_gpu),
    Scenario("partition or constraint that is not there", refused),
    Scenario("job cancelled", cancelled),
    Scenario("time limit near", warned),
    Scenario("time limit over", timed_out),
    Scenario("out of memory", out_of_memory),
    Scenario("snakemake killed (SIGKILL), started again", pipeline_killed(signal.SIGKILL)),
    Scenario("snakemake ended (SIGTERM), started again", pipeline_ended),
    Scenario("snakemake interrupted (SIGINT), started again", pipeline_killed(signal.SIGINT)),
    Scenario("node drained and resumed", node_drained),
    Scenario("node lost", node_lost, alone=True),
    Scenario("controller killed and restarted", controller_killed, alone=True),
    Scenario("whole pipeline, cluster with accounts", whole, accounting=True),
]
