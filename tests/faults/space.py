"""Disks that are full, and folders that cannot be written, are gone, or are something else."""

from __future__ import annotations

import random
import shutil

from . import _mounts
from ._direct import made_by_training, results_of, settle, states_of, train
from .harness import Kind, Missed, Outcome, Pipeline, register
from .session import LEFT
from .started import until

LIMITED = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))\n"


def full_disk(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The disk of the state or of the results is full while a cell is trained; afterwards there is room again."""
    pipeline.begin(rng.choice(["fetched", "half"]))
    name = rng.choice(["state", "state", "results"])
    folder, room = pipeline.place / name, rng.randrange(0, 120_000)
    folder.mkdir(exist_ok=True)
    if not _mounts.allowed():
        return _limited(pipeline, rng.randrange(500, 30_000))
    with _mounts.small(folder, room):
        said = train(pipeline)
    moment = f"{room:,} bytes left for {name}"
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


def _limited(pipeline: Pipeline, most: int) -> Outcome:
    site = pipeline.home / "limited.py"
    site.write_text(LIMITED.format(most))
    said = train(pipeline, FAULTS_SITE=str(site))
    moment = f"no file of more than {most:,} bytes"
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


def full_for_a_while(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The disk of the state is full for a while, and has room again while the training goes on."""
    if not _mounts.allowed():
        pipeline.begin("fetched")
        return _limited(pipeline, rng.randrange(500, 30_000))
    pipeline.begin("half")
    folder, room = pipeline.place / "state", rng.randrange(0, 40_000)
    with _mounts.small(folder, room):
        running = pipeline.rnnrepro(*pipeline.train_arguments())
        until(lambda: not running.alive or "restored" in {e[1] for e in pipeline.events()}, 120)
        until(lambda: not running.alive, rng.uniform(0, 0.5))
        _mounts.give_room(folder)
        said = pipeline.ended(running)
    moment = f"{room:,} bytes left for state, then more"
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


def read_only(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A folder that the training writes into is read-only."""
    pipeline.begin("half")
    name = rng.choice(
        ["state", "state/quick", "state/quick/RUN", "results", "results/quick/runs", "resources"]
    )
    if name == "resources":  # where all is there already, nothing need be written
        (pipeline.place / rng.choice(["resources/mnist/.lock", "resources/none"])).unlink(missing_ok=True)
    folder = rng.choice(states_of(pipeline, LEFT)) if name.endswith("RUN") else pipeline.place / name
    folder.mkdir(parents=True, exist_ok=True)
    with _mounts.read_only(folder):
        said = train(pipeline)
    return settle(pipeline, said, name, lambda: train(pipeline), made_by_training(), lambda: None)


def a_file_in_its_place(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A file stands where a folder should be."""
    pipeline.begin("fetched")
    name = rng.choice(["state", "state/quick", "results", "results/quick", "resources/mnist"])
    folder = pipeline.place / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("")
    said = train(pipeline)
    return settle(pipeline, said, name, lambda: train(pipeline), made_by_training(), folder.unlink)


def vanished(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A folder is removed while a cell is trained."""
    pipeline.begin("half")
    name = rng.choice(["state", "state/quick", "results", "resources", "state/quick/RUN"])
    folder = rng.choice(states_of(pipeline, LEFT)) if name.endswith("RUN") else pipeline.place / name
    hit = [f.name for f in states_of(pipeline, LEFT) if f == folder or folder in f.parents]
    pipeline.restarted.update(hit)
    pipeline.again.update(hit)
    running = pipeline.rnnrepro(*pipeline.train_arguments())
    until(lambda: not running.alive or "begun" in {e[1] for e in pipeline.events()}, 120)
    until(lambda: not running.alive, rng.uniform(0, 1.0))
    written = results_of(pipeline, LEFT).exists()
    if written or not running.alive:
        raise Missed  # what is removed after the training's end Snakemake would miss, or the user
    shutil.rmtree(folder, ignore_errors=True)
    said = pipeline.ended(running)
    return settle(pipeline, said, name, lambda: train(pipeline), made_by_training())


def no_temporary_folder(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The folder for temporary files is gone, or read-only."""
    pipeline.begin("trained")
    folder = pipeline.home / "tmp"
    arguments, made = ["exhibit", "first", "table_both", "--scale", "quick"], ["first/table_both.*"]
    again = lambda **more: pipeline.ended(pipeline.rnnrepro(*arguments, **more))  # noqa: E731
    if rng.random() < 0.5:
        return settle(pipeline, again(TMPDIR=str(folder)), "gone", again, made, lambda: None)
    folder.mkdir()
    with _mounts.read_only(folder):
        said = again(TMPDIR=str(folder))
    return settle(pipeline, said, "read-only", again, made, lambda: None)


for name, run in {
    "full disk": full_disk,
    "disk full for a while": full_for_a_while,
    "read-only folder": read_only,
    "file in a folder's place": a_file_in_its_place,
    "folder removed while training": vanished,
    "no temporary folder": no_temporary_folder,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
