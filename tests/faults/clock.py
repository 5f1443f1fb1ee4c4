"""Clocks that step, and files with dates that cannot be."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pyarrow.parquet as pq

from ._direct import made_by_training, results_of, settle, train
from .harness import Ending, Kind, Outcome, Pipeline, _Bad, register
from .session import LEFT

SITE = Path(__file__).parent / "site" / "clock.py"
HOURS = (-1000, -24, -2, -1, 1, 2, 24, 1000)


def steps(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The clock steps by hours while a cell is trained: rows do not know, and durations are those of a steady clock."""
    pipeline.begin(rng.choice(["fetched", "half"]))
    hours, began = rng.choice(HOURS), time.monotonic()
    said = train(pipeline, FAULTS_SITE=str(SITE), FAULTS_STEP=str(3600 * hours))
    outcome = settle(pipeline, said, f"by {hours} hours", lambda: train(pipeline), made_by_training())
    spent = pq.read_table(results_of(pipeline, LEFT, "costs"))["seconds"].to_pylist()
    if not all(0 <= seconds <= time.monotonic() - began + 60 for seconds in spent):
        raise _Bad(Ending.WRONG, f"durations of {spent} seconds")
    return outcome


def dates(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """Files have dates in the future or long ago, as after a copy or with a wrong clock; nothing is trained again."""
    pipeline.begin(rng.choice(["trained", "done"]))
    files = [path for path in pipeline.place.rglob("*") if path.is_file() and ".snakemake" not in path.parts]
    chosen = rng.sample(files, rng.randint(1, len(files)))
    days = rng.choice([-4000, -1, 1, 4000])
    for path in chosen:
        date = path.stat().st_mtime + 86_400 * days
        os.utime(path, (date, date))
    return pipeline.settle(pipeline.launch(), f"{len(chosen)} files {days} days off")


for name, run in {"clock steps": steps, "dates of files": dates}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
