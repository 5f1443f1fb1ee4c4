"""Two at once in one folder: pipelines, trainers, and settings that change between two of them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time

from .harness import Kind, Missed, Outcome, Pipeline, register
from .parts import FETCHING, PARTS, RENDERING, TRAINING
from .session import DONE, LEFT, RUNS
from .started import until


def two_pipelines(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Two pipelines on one results folder, begun nearly together: one of them works, the other says who does."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    ways = rng.choice([("launch", "launch"), ("snakemake", "launch"), ("launch", "snakemake")])
    first = pipeline.start("--", *part.targets, by=ways[0])
    time.sleep(rng.choice([0.0, rng.uniform(0, 3) * pipeline.session.pace]))
    second = pipeline.start("--", *part.targets, by=ways[1])
    ends = [pipeline.ended(first), pipeline.ended(second)]
    worked = [said for said in ends if said.status == 0]
    return pipeline.settle(
        min(ends, key=lambda said: said.status != 0) if worked else ends[0],
        f"{part.name}, {' and '.join(ways)}",
    )


def two_trainers(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Two trainers of the same cell, with one folder of states or with two, writing the same results file."""
    TRAINING.begin(pipeline, rng)
    apart = rng.random() < 0.5
    first = pipeline.rnnrepro(*pipeline.train_arguments())
    time.sleep(rng.uniform(0, 2))
    second = pipeline.rnnrepro(*pipeline.train_arguments(state="other" if apart else "state/quick"))
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0, 4) * pipeline.session.pace)
        first.send(rng.choice([signal.SIGKILL, signal.SIGTERM]))
    for process in (first, second):
        pipeline.ended(process)
    if apart:
        pipeline.again |= {path.parent.name for path in (pipeline.place / "other").rglob("record.parquet")}
        pipeline.restarted |= {path.parent.name for path in (pipeline.place / "other").rglob("lock")}
    moment = "two folders of states" if apart else "one folder of states"
    return pipeline.settle(pipeline.launch("--", *TRAINING.targets), moment)


def other_settings(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Settings are changed, the pipeline is killed while it remakes things by them, and they are changed back."""
    pipeline.begin("done")
    paper = pipeline.place / "config" / "papers" / "first.yaml"
    before = paper.read_text()
    paper.write_text(
        before.replace("batch: 5", "batch: 4")
        if rng.random() < 0.5
        else before.replace("seeds: 2", "seeds: 1")
    )
    running = pipeline.start()
    log = pipeline.place / "logs" / "quick" / "train" / "first" / f"{DONE}.log"
    began = log.stat().st_mtime_ns if log.exists() else 0
    while running.alive and (not log.exists() or log.stat().st_mtime_ns == began):
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 12) * pipeline.session.pace)
    if not running.send(signal.SIGKILL, group=rng.random() < 0.5):
        raise Missed
    said = pipeline.ended(running)
    paper.write_text(before)
    return pipeline.settle(said, "remaking by other settings")


def late_orphan(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A trainer of other settings outlives its pipeline, and ends when the results of these settings stand."""
    pipeline.begin("fetched")
    paper = pipeline.place / "config" / "papers" / "first.yaml"
    before = paper.read_text()
    paper.write_text(before.replace("batch: 5", "batch: 4"))
    part = TRAINING
    pipeline.targets, pipeline.made = part.targets, part.made
    first = pipeline.start("--", *part.targets)
    claims = pipeline.place / "state" / "quick" / "writers"
    until(lambda: len(list(claims.glob("*"))) == len(part.targets) or not first.alive, 120)
    part.at_work(pipeline, first, rng)
    first.send(signal.SIGKILL)
    pipeline.ended(first)
    paper.write_text(before)
    orphans = pipeline.trainers()
    if not orphans:
        raise Missed
    for number in orphans:
        os.kill(number, signal.SIGSTOP)
    said = pipeline.launch("--", *part.targets)
    for number in orphans:
        os.kill(number, signal.SIGCONT)
    until(lambda: not pipeline.trainers(), 60 * pipeline.session.pace, 0.1)
    return pipeline.settle(said, "training")


def forgotten(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Results of other settings, newer than all else, where Snakemake's own records are lost."""
    pipeline.begin("done")
    paper = pipeline.place / "config" / "papers" / "first.yaml"
    before, cell = paper.read_text(), rng.choice([DONE, LEFT])
    paper.write_text(before.replace("batch: 5", "batch: 4"))
    pipeline.ended(pipeline.rnnrepro(*pipeline.train_arguments(cell=cell)))
    paper.write_text(before)
    shutil.rmtree(pipeline.place / ".snakemake")
    part = rng.choice(RENDERING[:3])
    pipeline.targets = part.targets
    (pipeline.place / part.targets[0]).unlink()
    pipeline.made = part.made
    made = pipeline.place / RUNS / f"{cell}.parquet"
    return pipeline.settle(pipeline.launch("--", *part.targets), part.name, mend=made.unlink)


def two_configurations(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Two pipelines on one folder at once, the second of settings that were changed under the first."""
    part = TRAINING
    part.begin(pipeline, rng)
    paper = pipeline.place / "config" / "papers" / "first.yaml"
    before = paper.read_text()
    change = rng.choice([("batch: 5", "batch: 4"), ("seeds: 2", "seeds: 1"), ("steps: 150", "steps: 100")])
    by = rng.choice(["launch", "launch", "snakemake"])
    first = pipeline.start("--", *part.targets)
    time.sleep(rng.uniform(0, 6) * pipeline.session.pace)
    paper.write_text(before.replace(*change))
    second = pipeline.start("--", *part.targets, by=by)
    pipeline.ended(first)
    pipeline.ended(second)
    paper.write_text(before)
    return pipeline.settle(pipeline.launch("--", *part.targets), f"{change[1]}, {by}")


def two_fetches(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Two fetches of one data set, one of which is killed."""
    FETCHING.begin(pipeline, rng)
    fetches = [
        pipeline.rnnrepro("data", "fetch", "mnist", "--stamp", "resources/mnist.sha256") for _ in range(2)
    ]
    time.sleep(rng.uniform(0, 1) * pipeline.session.pace)
    fetches[0].send(rng.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
    for process in fetches:
        pipeline.ended(process)
    return pipeline.settle(pipeline.launch("--", *FETCHING.targets), "fetching")


register(
    Kind(
        "two pipelines", "two pipelines on one folder: by launch.py, or one by plain snakemake", two_pipelines
    )
)
register(
    Kind(
        "two trainers",
        "two trainers of one cell, with one folder of states or two, one perhaps killed",
        two_trainers,
    )
)
register(
    Kind(
        "other settings",
        "killed while things are remade by other settings, which are then changed back",
        other_settings,
    )
)
register(
    Kind(
        "late orphan",
        "a trainer of other settings outlives its pipeline, and ends after the results of these settings stand",
        late_orphan,
    )
)
register(
    Kind(
        "two configurations",
        "two pipelines on one folder at once, the second of settings that were changed under the first",
        two_configurations,
    )
)
register(Kind("two fetches", "two fetches of one data set, one of them struck", two_fetches))
register(
    Kind(
        "forgotten settings",
        "a results file of other settings, newer than all else, where Snakemake's own records are lost",
        forgotten,
    )
)
