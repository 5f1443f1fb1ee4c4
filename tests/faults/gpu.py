"""A GPU that runs out of memory or is gone, simulated on the processor by the errors that PyTorch then raises."""

from __future__ import annotations

import random
from pathlib import Path

from ._direct import made_by_training, settle, train
from .harness import Ending, Kind, Outcome, Pipeline, _Bad, register

SITE = Path(__file__).parent / "site" / "card.py"


def _train(pipeline: Pipeline, rng: random.Random, card: str, most: int):
    step = rng.randrange(1, 145)
    more = {"FAULTS_CARD": card, "FAULTS_STEP": str(step), "FAULTS_MOST": str(most)}
    return train(pipeline, FAULTS_SITE=str(SITE), **more), f"at step {step}"


def memory(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A GPU's memory holds a run, and not two together: the stack is split."""
    pipeline.begin("fetched")
    said, moment = _train(pipeline, rng, "memory", 1)
    if said.status != 0 or "memory ran out for 2 runs together" not in said.text:
        raise _Bad(Ending.WRONG, f"the stack was not split: {said.text[-2000:]}")
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training())


def no_memory(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A GPU's memory does not hold one run, until another process has left it."""
    pipeline.begin("fetched")
    said, moment = _train(pipeline, rng, "memory", 0)
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


def lost(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A GPU disappears in the middle of a training, and is there again for the next."""
    pipeline.begin("fetched")
    said, moment = _train(pipeline, rng, "lost", 0)
    if said.status == 0:
        raise _Bad(Ending.WRONG, "no error was raised")
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


for name, run in {
    "GPU memory for a stack": memory,
    "GPU memory for one run": no_memory,
    "GPU lost": lost,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
