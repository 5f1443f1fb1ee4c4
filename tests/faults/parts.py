"""The parts of a pipeline's work: where each begins, what it makes, and how to see that it is at it."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch

from . import compare
from .harness import Missed, Pipeline
from .session import DONE, LEFT, RUNS
from .started import Started, until


@dataclass(frozen=True)
class Part:
    """A part of the work: the `stages` at which it may begin, the `targets` that it makes, its job's `log`.

    `made`: patterns of the files that it makes, which are taken away first; `command`: what its job's command line
    has behind `rnnrepro`; `seconds`: about how long its job takes on a quiet core.
    """

    name: str
    stages: tuple[str, ...]
    targets: tuple[str, ...]
    log: str
    command: str
    seconds: float
    made: tuple[str, ...]

    def begin(self, pipeline: Pipeline, rng: random.Random) -> Pipeline:
        """The folder as it is before this part, of which alone results are then expected."""
        pipeline.begin(rng.choice(self.stages))
        pipeline.targets, pipeline.made = self.targets, self.made
        if pipeline.stage == "done":
            for name in compare.names(pipeline.place):
                if any(fnmatch(name, pattern) for pattern in self.made):
                    (pipeline.place / name).unlink()
        shutil.rmtree(pipeline.place / "logs", ignore_errors=True)
        return pipeline

    def at_work(self, pipeline: Pipeline, running: Started, rng: random.Random) -> None:
        """Wait until its job is at work, and then a random while. Raises Missed where the pipeline ended before."""
        log = pipeline.place / self.log
        until(lambda: log.exists() or not running.alive, 120)
        until(lambda: not running.alive, rng.uniform(0, self.seconds * pipeline.session.pace), 0.005)
        if not running.alive:
            raise Missed

    def jobs(self, pipeline: Pipeline) -> list[int]:
        """The processes of its job."""
        words = ["-m", "rnnrepro", *self.command.split()]
        return [number for number, said in pipeline.processes().items() if said[1 : 1 + len(words)] == words]


TRAINING = Part(
    "training",
    ("fetched", "half"),
    tuple(f"{RUNS}/{cell}.parquet" for cell in (DONE, LEFT)),
    f"logs/quick/train/first/{LEFT}.log",
    "train",
    4.0,
    ("results/quick/runs/*", "results/quick/costs/*", "resources/*"),
)
FETCHING = Part("fetching", ("empty",), ("data",), "logs/fetch/mnist.log", "data", 0.6, ("resources/*",))


def _of_done(name: str, target: str, made: str, log: str, seconds: float) -> Part:
    """A part that makes the files of one pattern anew, all else being done."""
    paths = f"results/quick/{target}", f"results/quick/{made}"
    return Part(name, ("done",), paths[:1], f"logs/quick/{log}.log", name, seconds, paths[1:])


RENDERING = (
    _of_done("metrics", "metrics.parquet", "metrics.parquet", "metrics", 1.2),
    _of_done("claims", "claims.csv", "claims.csv", "claims", 1.2),
    _of_done("exhibit", "first/table_both.csv", "first/table_both.*", "exhibits/first/table_both", 5.0),
    _of_done("page", "first/index.html", "first/index.html", "pages/first", 1.5),
    _of_done("report", "report.html", "report.html", "report", 1.2),
)
PARTS = (FETCHING, TRAINING, TRAINING, *RENDERING)  # training is what a pipeline does most of the time
