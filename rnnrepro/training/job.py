"""One training job: a cell's runs, gathered into stacks, each run kept safe, and the cell's file put together."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from rnnrepro import heartbeat, records
from rnnrepro.errors import Fault
from rnnrepro.plan import Cell, Run
from rnnrepro.training import apart, memory, provenance, stacks
from rnnrepro.training.loop import fit
from rnnrepro.training.progress import Progress, Pulse
from rnnrepro.training.saying import say
from rnnrepro.training.state import TrainState, begin
from rnnrepro.training.store import RunStore

CHECKPOINT_SECONDS = 60.0


@dataclass
class Job:
    """How a cell is trained: where its state is kept, on which device, within which limits.

    `corpora`: {data set: folder} of licensed data. `stack`: most runs trained together, or `auto` for all that fit
    into memory. `backend`: see `rnnrepro.scan`.
    """

    root: Path
    device: torch.device
    data: Path | None = None
    corpora: Mapping[str, str] = field(default_factory=dict)
    minutes: float | None = None
    stack: int | str = stacks.AUTO
    backend: str = "auto"
    any_code: bool = False
    say: Callable[[str], None] = say
    stopping: str | None = field(default=None, init=False)
    started: float = field(default_factory=time.monotonic, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def warn(self, text: str) -> None:
        """Say what a reader should know after the end too: it stands in the job's file of progress."""
        self.notes.append(text)
        self.say(text)

    def stop_asked(self) -> bool:
        """Whether a signal or the time budget asks the job to save and stop."""
        if self.minutes is not None and time.monotonic() - self.started > 60 * self.minutes:
            self.stopping = self.stopping or f"time budget of {self.minutes:g} minutes used"
        return self.stopping is not None


def train(cell: Cell, job: Job, runs: Sequence[Run] | None = None) -> list[records.CellRecords] | None:
    """Train what is not trained yet of the cell's runs (or of `runs`); their records, or None if stopped before."""
    chosen = list(cell.runs if runs is None else runs)
    code = cell.fingerprint
    stores = {run.digest: RunStore.found(job.root, run.digest, code, any_code=job.any_code) for run in chosen}
    _say_stale(stores.values(), code, job)
    with ExitStack() as locks, _signals(job):
        for digest in sorted(stores):  # in one order, so that two jobs never wait for each other
            locks.enter_context(stores[digest].locked(job.say))
        done = {digest: record for digest, store in stores.items() if (record := store.finished(job.warn))}
        left = list({run.digest: run for run in chosen if run.digest not in done}.values())
        if not left:
            job.say(f"{cell.key}: nothing left to train, every run of it is finished")
        pulse = _pulse(cell, job, len(chosen) < len(cell.runs) and f"seed{chosen[0].seed}", left, done)
        with pulse.until_the_end(lambda: job.stopping), _on_device(cell):
            trained = not left or _train_all(cell, left, stores, job, pulse)
        if not trained:
            job.say(f"{cell.key}: not done ({job.stopping}); state saved, run again to go on")
            return None
        return [records.read(stores[run.digest].record) for run in chosen]


def _pulse(
    cell: Cell, job: Job, part: str | bool, left: Sequence[Run], done: Mapping[str, records.CellRecords]
) -> Pulse:
    """The job's file of progress; `part` names the runs where they are not all of the cell's."""
    beat = heartbeat.mine(cell.key, cell.scale)
    beat.runs, beat.done, beat.minutes = len(left) + len(done), len(done), job.minutes
    beat.diverged = sum(record.provenance["status"] == "diverged" for record in done.values())
    beat.device = str(job.device)
    if left:
        beat.steps, beat.running = provenance.steps_of(left[0].settings), len(left)
    return Pulse(heartbeat.Writer(heartbeat.place(job.root, cell.key, part or ""), beat, job.say), job.notes)


def write_cell(cell: Cell, found: Sequence[records.CellRecords], output: Path, costs: Path | None) -> None:
    """Put the runs' records together as the cell's file and its cost table."""
    identity = {"paper": cell.paper, "experiment": cell.experiment, "model": cell.model, "slice": cell.slice}
    parts = [
        ({**identity, "point": run.point, "seed": run.seed}, record.table)
        for run, record in zip(cell.runs, found, strict=True)
    ]
    records.write(output, records.assembled(parts), provenance.of_cell(cell, found))
    if costs is not None:
        rows = [
            {**who, "steps": record.provenance["steps"], **record.provenance["cost"]}
            for (who, _), record in zip(parts, found, strict=True)
        ]
        records.write_costs(costs, rows, scale=cell.scale, key=cell.key)


def _say_stale(stores: Any, code: str, job: Job) -> None:
    stale = sorted({store.fingerprint for store in stores if store.fingerprint != code})
    if stale:
        job.warn(
            f"stale: going on with state of earlier training code ({', '.join(stale)}; now {code}); "
            "retrain=stale starts afresh"
        )


def _train_all(cell: Cell, runs: list[Run], stores: dict[str, RunStore], job: Job, pulse: Pulse) -> bool:
    """Train the runs, one stack after the other; a stack that memory does not hold is split, and goes on."""
    settings = runs[0].settings
    backend = stacks.backend_of(settings, job.backend, job.device)
    size = stacks.most(settings, cell.shape, backend, job.device) if job.stack == stacks.AUTO else job.stack
    job.say(
        f"{cell.key}: {len(runs)} runs in stacks of {min(size, len(runs))}, about "
        f"{stacks.bytes_of_run(settings, cell.shape, backend) / 1e6:.0f} MB each; "
        f"backend {backend} on {job.device}, threads: {torch.get_num_threads()}"
    )
    pulse.beat.backend = backend
    if backend == "cpu":
        apart.check_lock()
    waiting = _stacks(runs, stores, job, size)
    compiled: set[apart.Wanted] = set()
    while waiting:
        group, reason = waiting.pop(0), ""
        try:
            with apart.only_loaded(compiled):
                if not _train_stack(cell, group, stores, job, pulse):
                    return False
        except _OtherSteps:
            pass  # what is left is gathered into stacks again, below
        except apart.NotCompiled as missing:
            apart.compile_apart(missing.wanted, job.say)
            compiled.add(missing.wanted)
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            # a MemoryError has no words of its own; the error itself would keep the stack's tensors alive
            reason = str(error).partition("\n")[0] or type(error).__name__
        else:
            continue
        left = [run for run in group if stores[run.digest].finished(job.warn) is None]
        if reason:
            _say_split(cell, group, left, reason, job)
            size = max(1, len(group) // 2)
        waiting = _stacks([*left, *(run for later in waiting for run in later)], stores, job, size)
    return True


@contextmanager
def _on_device(cell: Cell) -> Iterator[None]:
    """Within it, an error that says that the card failed is a Fault."""
    try:
        yield
    except RuntimeError as error:
        if not memory.device_failed(error):
            raise
        reason = str(error).partition("\n")[0]
        raise Fault(
            f"{cell.key}: the GPU failed ({reason}); the saved state is kept: run again to go on, on another one "
            "if it fails again"
        ) from None


def _say_split(cell: Cell, group: list[Run], left: list[Run], reason: str, job: Job) -> None:
    """Say that a stack is split. Raises Fault for one run alone, of which there is nothing to split."""
    memory.tidy()
    if len(group) == 1:
        raise Fault(
            f"{cell.key}: memory ran out for one run alone (seed {group[0].seed}; {reason}): run fewer jobs at "
            "once, give this one more memory, or train it on another machine; it goes on from its saved state"
        )
    job.warn(
        f"{cell.key}: memory ran out for {len(group)} runs together ({reason}); the {len(left)} not finished go "
        f"on from their saved state, at most {len(group) // 2} at a time"
    )


def _stacks(runs: Sequence[Run], stores: dict[str, RunStore], job: Job, size: int) -> list[list[Run]]:
    """Runs that can be trained together, equal but for seed and rates and at the same step, at most `size` each."""
    groups: dict[tuple[str, int | None], list[Run]] = {}
    for run in runs:
        checkpoint = stores[run.digest].load(job.warn)
        step = checkpoint["step"] if checkpoint else None
        groups.setdefault((run.stack_digest, step), []).append(run)
    return [part for members in groups.values() for part in stacks.even(members, size)]


class _OtherSteps(Exception):
    """The runs of a stack are not at one step any more."""


def _checkpoints(names: Sequence[str], stores: Mapping[str, RunStore], job: Job) -> list[dict[str, Any]]:
    """The checkpoints of a stack's runs, none where it begins. Raises _OtherSteps where one has gone meanwhile."""
    found = [stores[name].load(job.warn) for name in names]
    if len({checkpoint and checkpoint["step"] for checkpoint in found}) > 1:
        raise _OtherSteps
    return [checkpoint for checkpoint in found if checkpoint]


def _train_stack(cell: Cell, group: list[Run], stores: dict[str, RunStore], job: Job, pulse: Pulse) -> bool:
    names = [run.digest for run in group]
    checkpoints = _checkpoints(names, stores, job)
    state = begin(
        [run.settings for run in group],
        names,
        data=job.data,
        device=job.device,
        backend=job.backend,
        corpora=job.corpora,
    )
    if checkpoints:
        state.restore(checkpoints)
        job.say(f"{cell.key}: going on from step {state.step}")
    clock = _Clock(dict(zip(names, (c["seconds"] for c in checkpoints), strict=False)), len(group))
    progress = Progress(cell.key, [run.seed for run in group], state.steps, state.step, job.say, pulse)

    def on_step(now: TrainState) -> bool:
        progress.show(now)
        stop = job.stop_asked()
        if stop or clock.due():
            _save_if_possible(now, stores, clock, job, must=stop)
        return stop

    def on_end(now: TrainState, i: int, status: str) -> None:
        store, run = stores[now.names[i]], group[names.index(now.names[i])]
        meta = provenance.of_run(cell, run, now, i, status, store.fingerprint)
        store.finish(
            records.rows(now.histories[i].rows()), {**meta, "cost": clock.cost(run.digest, job.device)}
        )
        progress.ended(run.seed, run.point, status, now.step)

    return fit(state, on_step=on_step, on_end=on_end)


def save(state: TrainState, stores: dict[str, RunStore], clock: _Clock) -> None:
    """Write the checkpoint of every run of the stack."""
    for i, digest in enumerate(state.names):
        stores[digest].save({**state.of_run(i), "seconds": clock.seconds(digest)})
    clock.saved()


def _save_if_possible(
    state: TrainState, stores: dict[str, RunStore], clock: _Clock, job: Job, *, must: bool
) -> None:
    """Save; where that fails, go on with the older checkpoints and try again when the next are due, unless `must`."""
    try:
        save(state, stores, clock)
    except Fault as fault:
        if must:
            raise
        clock.saved()
        text = f"{fault}; until then training goes on without new checkpoints"
        if text not in job.notes:
            job.warn(text)


class _Clock:
    """The time spent on each run of a stack (an equal share of the stack's), earlier sittings included."""

    def __init__(self, spent: dict[str, float], size: int) -> None:
        self.spent, self.size = spent, size
        self.began = self.last = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self.last > CHECKPOINT_SECONDS

    def saved(self) -> None:
        self.last = time.monotonic()

    def seconds(self, name: str) -> float:
        return self.spent.get(name, 0.0) + (time.monotonic() - self.began) / self.size

    def cost(self, name: str, device: torch.device) -> dict[str, Any]:
        return {
            "seconds": self.seconds(name),
            "peak_memory_mb": memory.peak_mb(),
            "stack": self.size,
            "device": str(device),
            "host": provenance.host(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }


@contextmanager
def _signals(job: Job) -> Any:
    """SIGTERM, SIGINT and a cluster's warning before its time limit save the state and stop cleanly."""

    def ask(number: int, _frame: Any) -> None:
        job.stopping = signal.Signals(number).name

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not the main thread: the caller handles signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
