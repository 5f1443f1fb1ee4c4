"""Files that do not hold what was written into them: of results, of state, of data, of the configuration."""

from __future__ import annotations

import lzma
import os
import random
import shutil
from pathlib import Path

from . import _damage as damages
from ._direct import CELLS, judge, made_by_training, names, results_of, settle, states_of, train
from .harness import Ending, Kind, Missed, Outcome, Pipeline, _Bad, register
from .session import DONE, LEFT
from .started import Said

READERS = {
    "exhibit": (["exhibit", "first", "table_both", "--scale", "quick"], ["first/table_both.*"]),
    "claims": (["claims", "--scale", "quick", "--output", "results/quick/claims.csv"], ["claims.csv"]),
    "metrics": (["metrics", "--scale", "quick"], ["metrics.parquet"]),
}


def _harmed(path: Path, rng: random.Random, *more: damages.Damage) -> str:
    date = path.stat().st_mtime_ns
    what = rng.choice([*damages.BYTES, *more])(path, rng)
    os.utime(path, ns=(date, date))  # so that nothing but a look into the file tells
    return f"{path.name}: {what}"


def results(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A results file is damaged, and read."""
    pipeline.begin("trained")
    cell, other = rng.sample(CELLS, 2)
    path = results_of(pipeline, cell)
    more = (
        damages.swapped(results_of(pipeline, other)),
        damages.swapped(results_of(pipeline, cell, "costs")),
    )
    moment = _harmed(path, rng, damages.a_folder, damages.foreign, *more)
    arguments, made = READERS[reader := rng.choice(sorted(READERS))]

    def read() -> Said:
        return pipeline.ended(pipeline.rnnrepro(*arguments))

    def mend() -> None:
        damages.remove(path)
        train(pipeline, cell)

    said = read()
    names(said, path)
    return settle(pipeline, said, f"{reader} of {moment}", read, [*made, *made_by_training(cell)], mend)


def whole_pipeline(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A results file or a cost table is damaged under a pipeline that takes it for up to date."""
    pipeline.begin("trained")
    path = results_of(pipeline, rng.choice(CELLS), rng.choice(["runs", "runs", "costs"]))
    moment = _harmed(path, rng)
    return pipeline.settle(pipeline.launch(), moment, mend=lambda: damages.remove(path))


def looked_through(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A file of a finished pipeline is damaged; `rnnrepro verify` finds it, and removes it when asked."""
    pipeline.begin("done")
    cell, other = rng.sample(CELLS, 2)
    path = rng.choice([pipeline.place / "results/quick/metrics.parquet", *(results_of(pipeline, cell),) * 2])
    swap = [damages.swapped(results_of(pipeline, other))] if path.stem != "metrics" else []
    moment = _harmed(path, rng, *swap)

    def mend() -> None:
        pipeline.ended(pipeline.rnnrepro("verify", "--remove"))

    said = pipeline.ended(pipeline.rnnrepro("verify"))
    names(said, path)
    made = ["runs/*", "metrics.parquet", "claims.csv"]
    return settle(pipeline, said, moment, pipeline.launch, made, mend)


def record(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The record of a finished run is damaged, or another's."""
    pipeline.begin("trained")
    cell, other = rng.sample(CELLS, 2)
    mine, neighbour = rng.sample(states_of(pipeline, cell), 2)
    path = mine / "record.parquet"
    swaps = [damages.swapped(f / "record.parquet") for f in (neighbour, states_of(pipeline, other)[0])]
    moment = _harmed(path, rng, damages.a_folder, damages.foreign, *swaps)
    for part in ("runs", "costs"):
        results_of(pipeline, cell, part).unlink()
    pipeline.again.add(mine.name)
    again = lambda: train(pipeline, cell)  # noqa: E731
    said = again()
    names(said, path)
    return settle(pipeline, said, moment, again, made_by_training(cell), lambda: damages.remove(path))


def checkpoint(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A checkpoint is damaged, or another's."""
    pipeline.begin("half")
    kept = [folder for folder in states_of(pipeline, LEFT) if (folder / "checkpoint").exists()]
    if not kept:
        raise Missed
    mine = rng.choice(kept)
    path, swaps = mine / "checkpoint", [f / "checkpoint" for f in kept if f != mine]
    swaps.append(states_of(pipeline, DONE)[0] / "record.parquet")
    moment = _harmed(path, rng, damages.a_folder, *map(damages.swapped, swaps))
    pipeline.restarted.add(mine.name)
    again = lambda: train(pipeline)  # noqa: E731
    said = again()
    return settle(pipeline, said, moment, again, made_by_training())


def data(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A data file is damaged between fetching and training; the mirror may be there or not."""
    pipeline.begin(rng.choice(["fetched", "half"]))
    path = rng.choice(sorted((pipeline.place / "resources/mnist").glob("*.gz")))
    moment = _harmed(path, rng)
    if rng.random() < 0.5:
        return settle(pipeline, train(pipeline), moment, lambda: train(pipeline), made_by_training())
    (pipeline.home / "none").mkdir()
    said = train(pipeline, RNNREPRO_MIRROR=str(pipeline.home / "none"))
    names(said, path)
    moment += ", and no mirror has it"
    return settle(pipeline, said, moment, lambda: train(pipeline), made_by_training(), lambda: None)


def mirror(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A file of the mirror folder is damaged, as it is or compressed."""
    pipeline.begin("empty")
    own = pipeline.home / "mirror"
    shutil.copytree(pipeline.session.mirror, own)
    whole = rng.choice(sorted((own / "mnist").glob("*.gz")))
    path, good = whole, whole.read_bytes()
    if rng.random() < 0.5:
        path = whole.with_name(f"{whole.name}.xz")
        path.write_bytes(lzma.compress(good))
        whole.unlink()
    moment = _harmed(path, rng)

    def mend() -> None:
        path.unlink()
        whole.write_bytes(good)

    again = lambda: train(pipeline, RNNREPRO_MIRROR=str(own))  # noqa: E731
    said = pipeline.ended(pipeline.rnnrepro("data", "fetch", "mnist", RNNREPRO_MIRROR=str(own)))
    names(said, whole)
    if said.status == 0:
        said = again()
    return settle(pipeline, said, moment, again, made_by_training(), mend)


def verdicts(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The table of claims is damaged: the report does not believe it, and `rnnrepro verify` finds it."""
    pipeline.begin("done")
    path = pipeline.place / "results/quick/claims.csv"
    moment = _harmed(path, rng)
    arguments = rng.choice([["report", "--scale", "quick"], ["verify"]])
    said = pipeline.ended(pipeline.rnnrepro(*arguments))
    names(said, path)
    if said.status == 0:
        raise _Bad(Ending.WRONG, f"the damage was not seen: {said.text[-2000:]}")
    made = ["claims.csv", "report.html"]
    return settle(
        pipeline, said, f"{arguments[0]} of {moment}", pipeline.launch, made, lambda: damages.remove(path)
    )


def stamp(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """The stamp of a data set is damaged or gone: results do not hang on it."""
    pipeline.begin(rng.choice(["trained", "done"]))
    path = pipeline.place / "resources/mnist.sha256"
    if rng.random() < 0.7:
        moment = _harmed(path, rng)
    else:
        path.unlink()
        moment = f"{path.name}: gone"
    return settle(pipeline, pipeline.launch(), moment, pipeline.launch, ["results/*"])


def configuration(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """A configuration file is cut short, as by an editor that was killed while it saved."""
    pipeline.begin("trained")
    path = rng.choice([pipeline.place / "config/config.yaml", pipeline.place / "config/papers/first.yaml"])
    whole = path.read_bytes()
    cut = rng.choice([damages.truncated, damages.empty, damages.zeroed])(path, rng)
    arguments, made = READERS["metrics"]
    said = pipeline.ended(pipeline.rnnrepro(*arguments))
    path.write_bytes(whole)
    ending = Ending.AT_ONCE if said.status == 0 else Ending.MENDED
    again = pipeline.ended(pipeline.rnnrepro(*arguments))
    outcome = settle(pipeline, said, f"{path.name}: {cut}", lambda: again, [*made, *made_by_training(*CELLS)])
    judge(pipeline, ["metrics.parquet"])
    return Outcome(ending, outcome.moment, said.first_error)


for name, run in {
    "damaged results file": results,
    "damaged file under a pipeline": whole_pipeline,
    "damaged file looked for": looked_through,
    "damaged run record": record,
    "damaged checkpoint": checkpoint,
    "damaged data file": data,
    "damaged mirror file": mirror,
    "damaged claims": verdicts,
    "damaged stamp": stamp,
    "half-written configuration": configuration,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
