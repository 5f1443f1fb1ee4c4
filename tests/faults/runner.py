"""Seeded trials over all kinds of faults, several at once, a line each."""

from __future__ import annotations

import importlib
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from . import harness
from .harness import KINDS, Ending, Kind, Missed, Outcome
from .session import Session

NO_KINDS = {"__main__", "harness", "started", "session", "compare", "losses", "runner", "table", "parts"}
DRAWS = 12  # so often a trial is drawn again whose fault found nothing to disturb


@dataclass(frozen=True)
class Trial:
    """The trial of a kind that a seed names."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Done:
    """A trial, how it ended, and the seconds that it took."""

    trial: Trial
    outcome: Outcome
    seconds: float


def load_kinds() -> dict[str, Kind]:
    """All kinds, from every module of this folder that registers some."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in NO_KINDS and not path.stem.startswith(("_", "test_", "conftest")):
            importlib.import_module(f"{__package__}.{path.stem}")
    return KINDS


def drawn(names: Sequence[str], trials: int, seed: int) -> list[Trial]:
    """So many trials: every kind as often as every other, give or take one, in a random order."""
    rng, chosen = random.Random(f"order {seed}"), []
    while len(chosen) < trials:
        names = sorted(names)
        rng.shuffle(names)
        chosen += names[: trials - len(chosen)]
    return [Trial(name, seed + number) for number, name in enumerate(chosen)]


def run(trials: Sequence[Trial], session: Session, jobs: int) -> Iterator[Done]:
    """The trials as they end, so many at once."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, trial, session) for trial in trials]
        for future in as_completed(waiting):
            yield future.result()


def one(trial: Trial, session: Session) -> Done:
    """Make one trial. A fault of the suite itself counts as wrong: it has shown nothing."""
    home = session.root / "trials" / f"{trial.kind}-{trial.seed}".replace(" ", "_").replace("/", "_")
    began = time.monotonic()
    outcome = Outcome(Ending.WRONG, "", f"missed {DRAWS} times: the fault found nothing to disturb")
    for draw in range(DRAWS):
        try:
            rng = random.Random(f"{trial.kind} {trial.seed} {draw}")
            outcome = harness.trial(KINDS[trial.kind], session, home, rng)
            break
        except Missed:
            continue
        except Exception:
            outcome = Outcome(Ending.WRONG, "", f"the suite itself failed: {traceback.format_exc()}")
            break
    if not outcome.bad:
        shutil.rmtree(home, ignore_errors=True)
    return Done(trial, outcome, time.monotonic() - began)


def new_session(root: str | None = None) -> Session:
    """A session in a new folder, prepared."""
    session = Session(Path(root or tempfile.mkdtemp(prefix="faults-")).resolve())
    session.root.mkdir(parents=True, exist_ok=True)
    session.prepare()
    return session
