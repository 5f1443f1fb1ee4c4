"""File systems that keep no locks, as some network's do: nothing that needs one goes on without it in silence."""

from __future__ import annotations

import errno
import os
import random
import time
from pathlib import Path

from ._direct import made_by_training, settle, train
from .harness import Ending, Kind, Outcome, Pipeline, _Bad, _check_error, _check_text, register
from .parts import PARTS, TRAINING
from .session import LEFT

SITE = Path(__file__).parent / "site" / "locks.py"
ERRORS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def _without(folder: Path, rng: random.Random) -> dict[str, str]:
    """The environment in which no file below the folder can be locked."""
    return {
        "FAULTS_SITE": str(SITE),
        "FAULTS_UNLOCKED": str(folder),
        "FAULTS_ERRNO": str(rng.choice(ERRORS)),
    }


def training(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """No locks where state, data or compiled scans are, for one training or for one fetch."""
    where = rng.choice(["state", "resources", "compiled scans"])
    pipeline.begin("empty" if where == "resources" else rng.choice(["fetched", "half"]))
    more = _without(pipeline.place / where, rng)
    options = []
    if where == "compiled scans":
        cache = pipeline.home / "cache"
        cache.mkdir()
        more = _without(cache, rng) | {"XDG_CACHE_HOME": str(cache)}
        options = ["--backend", "cpu"]
    if where == "resources" and rng.random() < 0.5:
        said = pipeline.ended(pipeline.rnnrepro("data", "fetch", "mnist", **more))
    else:
        said = train(pipeline, LEFT, *options, **more)
    if said.status == 0:
        raise _Bad(Ending.WRONG, f"nothing was said of the locks: {said.text[-2000:]}")
    if "keeps no locks" not in said.first_error:
        raise _Bad(Ending.WRONG, f"the error does not say what is missing: {said.text[-2000:]}")
    return settle(pipeline, said, where, lambda: train(pipeline), made_by_training(), lambda: None)


def pipelines(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """No locks in all of a pipeline's folder; what needs none goes on."""
    part = rng.choice(PARTS)
    part.begin(pipeline, rng)
    said = pipeline.launch("--", *part.targets, **_without(pipeline.place, rng))
    if part is TRAINING and "keeps no locks" not in said.first_error:
        raise _Bad(Ending.WRONG, f"nothing was said of the locks: {said.text[-2000:]}")
    return pipeline.settle(said, part.name, mend=lambda: None)


def cleaning(pipeline: Pipeline, rng: random.Random) -> Outcome:
    """No locks under `rnnrepro clean --yes`: state that a trainer may hold stays, and is said to."""
    pipeline.begin("done")
    state = pipeline.place / "state/quick"
    old = state / f"{rng.randbytes(8).hex()}-{rng.randbytes(6).hex()}"
    old.mkdir()
    for name in ("lock", "checkpoint"):
        (old / name).write_bytes(b"")
        date = time.time() - 30 * 86_400
        os.utime(old / name, (date, date))
    os.utime(old, (date, date))
    clean = lambda **more: pipeline.ended(pipeline.rnnrepro("clean", "--yes", **more))  # noqa: E731
    said = clean(**_without(state, rng))
    _check_text(said)
    if not (old / "checkpoint").exists():
        raise _Bad(Ending.WRONG, "state was removed without its lock")
    if "keeps no locks" not in said.text:
        raise _Bad(Ending.WRONG, f"nothing was said of the locks: {said.text[-2000:]}")
    if said.status != 0:
        _check_error(said)
    again = clean()
    if again.status != 0 or old.exists():
        raise _Bad(Ending.WRONG, f"what nothing needs stays: {again.text[-2000:]}")
    return settle(pipeline, again, "clean", clean, made_by_training())


for name, run in {
    "no locks": training,
    "no locks under a pipeline": pipelines,
    "no locks for clean": cleaning,
}.items():
    register(Kind(name, (run.__doc__ or "").rstrip("."), run))
