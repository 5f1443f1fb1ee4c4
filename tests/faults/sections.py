"""Signals inside what must not be half done: around the k-th file that is written, synced, placed or removed."""

from __future__ import annotations

import json
import random
import signal
from functools import partial

from .harness import Kind, Missed, Outcome, Pipeline, register
from .parts import FETCHING, RENDERING, TRAINING, Part
from .processes import NAMES

CALLS = ("open", "fsync", "replace", "replace", "unlink")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def point(
    pipeline: Pipeline, part: Part, rng: random.Random, whom: str, most: int
) -> tuple[dict[str, str], str]:
    """A random point of the part's job, for its environment, and the same in words."""
    call, after, number = rng.choice(CALLS), rng.random() < 0.5, rng.choice(SIGNALS)
    chosen = {"call": call, "after": after, "signal": int(number), "whom": whom}
    chosen |= {"count": rng.randint(1, most), "path": str(pipeline.place)}
    chosen |= {"argv": f"rnnrepro {part.command} ", "once": str(pipeline.home / "struck")}
    words = f"{part.name}, {NAMES[number]} {'after' if after else 'before'} {call}"
    return {"FAULTS_AT": json.dumps(chosen)}, words


def section(whom: str, parts: tuple[Part, ...], most: int, pipeline: Pipeline, rng: random.Random) -> Outcome:
    """One strike inside the job of a part."""
    part = rng.choice(parts)
    part.begin(pipeline, rng)
    environment, words = point(pipeline, part, rng, whom, most)
    said = pipeline.launch("--", *part.targets, **environment)
    if not (pipeline.home / "struck").exists():
        raise Missed
    return pipeline.settle(said, words)


def twice(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A trainer on its own that is struck inside a write, started again, and struck there again."""
    TRAINING.begin(pipeline, rng)
    moments = []
    for _ in range(2):
        environment, words = point(pipeline, TRAINING, rng, "self", 12)
        process = pipeline.rnnrepro(*pipeline.train_arguments(), **environment)
        pipeline.ended(process)
        if not (pipeline.home / "struck").exists():
            raise Missed
        (pipeline.home / "struck").unlink()
        moments.append(words.partition(", ")[2])
    return pipeline.settle(pipeline.launch("--", *TRAINING.targets), f"training, {' and '.join(moments)}")


for _name, _parts, _most in (
    ("training", (TRAINING,), 16),
    ("fetching", (FETCHING,), 4),
    ("rendering", RENDERING, 3),
):
    register(
        Kind(
            f"inside {_name}",
            f"the job of {_name} is struck before or after the k-th file that it writes, syncs, places or removes",
            partial(section, "self", _parts, _most),
        )
    )
register(
    Kind(
        "all inside a write",
        "Snakemake and all its jobs are struck while one of them is inside a write",
        partial(section, "group", (TRAINING, *RENDERING), 3),
    )
)
register(
    Kind(
        "trainer struck twice",
        "a trainer is struck inside a write, goes on, and is struck there again",
        twice,
    )
)
