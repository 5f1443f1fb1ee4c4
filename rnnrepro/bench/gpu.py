"""Cases that only a GPU can hold: psMNIST's shapes, the grid of copying runs, and cuDNN's LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnrepro.bench import floors, peers
from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.scans import Problem
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.stacks import trained
from rnnrepro.bench.steps import Step, Work
from rnnrepro.bench.timing import Contender
from rnnrepro.updates.base import Update
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ModReLU

PSMNIST, GRID = Sizes(10, 100, 512, 784), Sizes(462, 16, 100, 500, inputs=10)
LSTM_PIXELS = Sizes(10, 128, 128, 784)
_COPY = Work("rnn", 9, every=True, symbols=True)


def cases() -> list[Case]:
    """What the targets for a GPU ask of."""
    return [
        Case("gpu/psmnist", "ten runs of psMNIST", PSMNIST, psmnist, device="cuda"),
        Case("gpu/copy-grid", "462 runs of copying", GRID, copy_grid, device="cuda"),
        Case("gpu/lstm", "LSTM, 784 pixels", LSTM_PIXELS, lstm, device="cuda"),
    ]


def psmnist(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The stack by the engine; one run by the plain loop and by its captured graph."""
    return _stack_and_one(ModReLU(), sizes, setting)


def lstm(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The stack and one run by the engine; one run by the plain loop, its captured graph and cuDNN."""
    name, call = peers.layers("lstm", replace(sizes, runs=1), setting.device)
    return [*_stack_and_one(LSTM(), sizes, setting), Contender(f"{name} (cuDNN)", call, "peer")]


def copy_grid(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """A whole optimiser step of all runs together by the engine; of one run by the plain loop."""
    alone, all_runs = (Step(_COPY, replace(sizes, runs=n), setting.device) for n in (1, sizes.runs))
    floor, flops = all_runs.floor()
    made = [Contender("plain", trained(alone, alone.by("plain")), "plain", base=True)]
    common = {"runs": sizes.runs, "flops": flops}
    if fast := all_runs.engine():
        made.append(Contender(fast, trained(all_runs, all_runs.by(fast)), "engine", lead=True, **common))
    return [*made, Contender("products", floor, "floor", **common)]


def _stack_and_one(update: Update, sizes: Sizes, setting: Setting) -> list[Contender]:
    alone, stack = (Problem(update, replace(sizes, runs=n), setting.device) for n in (1, sizes.runs))
    floor, flops = stack.floor()

    def made(problem: Problem, backend: str, role: str, **marks: bool) -> Contender:
        call = floors.waiting(problem.by(backend), setting.device)
        count = problem.sizes.runs
        return Contender(backend, call, role, runs=count, flops=flops * count / sizes.runs, **marks)

    found = [made(alone, "plain", "plain", base=True)]
    if fast := stack.engine():
        found += [made(alone, fast, "engine"), made(stack, fast, "engine", lead=True)]
    if setting.device == "cuda":
        found.append(Contender("CUDA graph", peers.graph(alone.by("plain")), "peer"))
    return [*found, Contender("products", floor, "floor", runs=sizes.runs, flops=flops)]
