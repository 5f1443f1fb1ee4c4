"""Signals to a pipeline at a random moment of its work."""

from __future__ import annotations

import random
import signal

from .harness import Kind, Missed, Outcome, Pipeline, register


def whole(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """kill -9 of Snakemake at any moment."""
    running = pipeline.begin("trained").start()
    import time

    time.sleep(rng.uniform(0.5, 8))
    if not running.send(signal.SIGKILL):
        raise Missed
    return pipeline.settle(pipeline.ended(running), "somewhere")


register(Kind("killed pipeline", "SIGKILL to Snakemake alone", whole))
