"""Signals to a pipeline at a random moment of its work."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial

from .harness import Kind, Missed, Outcome, Pipeline, register
from .parts import PARTS, TRAINING, Part
from .started import Started

NAMES = {
    signal.SIGKILL: "SIGKILL",
    signal.SIGTERM: "SIGTERM",
    signal.SIGINT: "SIGINT",
    signal.SIGHUP: "SIGHUP",
}
WHOM = {"pipeline": "Snakemake alone", "group": "all processes at once", "job": "the job's process alone"}


def send(pipeline: Pipeline, running: Started, part: Part, whom: str, number: int) -> None:
    """Send a signal. Raises Missed where there is nobody to get it."""
    if whom != "job":
        if not running.send(number, group=whom == "group"):
            raise Missed
        return
    jobs = part.jobs(pipeline)
    if not jobs:
        raise Missed
    for job in jobs:
        with suppress(ProcessLookupError):
            os.kill(job, number)


def struck(whom: str, number: signal.Signals, pipeline: Pipeline, rng: random.Random) -> Outcome:
    """One signal at a random moment of a random part."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    running = pipeline.start("--", *part.targets)
    part.at_work(pipeline, running, rng)
    send(pipeline, running, part, whom, number)
    return pipeline.settle(pipeline.ended(running), part.name)


def again_and_again(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Several kills in a row, wherever the pipeline is by then."""
    part = rng.choice([TRAINING, *PARTS[3:]])
    part.begin(pipeline, rng)
    times = rng.randint(2, 4)
    for _ in range(times):
        running = pipeline.start("--", *part.targets)
        time.sleep(rng.uniform(0.2, 5.0) * pipeline.session.pace)
        running.send(signal.SIGKILL, group=rng.random() < 0.5)
        said = pipeline.ended(running)
    if said.status == 0:
        raise Missed
    return pipeline.settle(said, f"{part.name}, {times} times")


def starting(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A kill while the pipeline starts, the lock of one that was killed still there."""
    TRAINING.begin(pipeline, rng)
    first = pipeline.start("--", *TRAINING.targets)
    TRAINING.at_work(pipeline, first, rng)
    first.send(signal.SIGKILL, group=rng.random() < 0.5)
    pipeline.ended(first)
    second = pipeline.start("--", *TRAINING.targets)
    time.sleep(rng.uniform(0.0, 2.5) * pipeline.session.pace)
    if not second.send(signal.SIGKILL, group=rng.random() < 0.5):
        raise Missed
    return pipeline.settle(pipeline.ended(second), "starting")


def orphaned(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Snakemake is killed, its trainer lives on, and the next pipeline starts at once."""
    TRAINING.begin(pipeline, rng)
    first = pipeline.start("--", *TRAINING.targets)
    TRAINING.at_work(pipeline, first, rng)
    first.send(signal.SIGKILL)
    pipeline.ended(first)
    if not pipeline.trainers():
        raise Missed
    return pipeline.settle(pipeline.launch("--", *TRAINING.targets), "training")


def closed(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The terminal is closed: SIGHUP to all that it started, and SIGTERM to the rest of it a little later."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    running = pipeline.start("--", *part.targets)
    part.at_work(pipeline, running, rng)
    send(pipeline, running, part, "group", signal.SIGHUP)
    time.sleep(rng.uniform(0, 0.5))
    running.send(signal.SIGTERM, group=True)
    return pipeline.settle(pipeline.ended(running), part.name)


for _number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
    for _whom, _about in WHOM.items():
        register(
            Kind(
                f"{NAMES[_number]} {_whom}", f"{NAMES[_number]} to {_about}", partial(struck, _whom, _number)
            )
        )
register(Kind("several kills", "2 to 4 kills in a row, each soon after the next start", again_and_again))
register(Kind("killed while starting", "a kill while a killed pipeline is started again", starting))
register(
    Kind("orphaned trainer", "Snakemake is killed, its trainer lives on, a new pipeline starts", orphaned)
)
register(Kind("closed terminal", "SIGHUP, then SIGTERM, to all processes of the pipeline", closed))
