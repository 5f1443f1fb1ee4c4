"""Cases of stacks: how many training steps a second are made of many small runs at once, against one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from rnnrepro.bench import floors
from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.steps import Gradients, Step, Work
from rnnrepro.bench.timing import Contender

RUNS = tuple(2**k for k in range(10))  # 1, 2, 4, … 512
HIDDEN = (32, 100)
ONE_AT_A_TIME = "one at a time"
_WORK = Work("rnn", 1)


def cases() -> list[Case]:
    """Stacks of small runs of two sizes."""
    made = [Sizes(1, 16, n, 100, inputs=2) for n in HIDDEN]
    return [Case(f"stack/{s.hidden}", f"stacks of N = {s.hidden}", s, stacked, weight=2.0) for s in made]


def stacked(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """Whole steps with Adam: one run by the loop of the authors' codes, and stacks by the plain loop and the engine."""
    alone = Step(_WORK, replace(sizes, runs=1), setting.device)
    floor, flops = alone.floor()
    first = trained(alone, alone.unhoisted())
    made = [Contender(ONE_AT_A_TIME, first, "plain", base=True, flops=flops)]
    fast = alone.engine()
    backends = [("plain", "plain"), *([(fast, "engine")] if fast else [])]
    for runs in RUNS[:3] if setting.quick else RUNS:
        for backend, role in backends:
            step = Step(_WORK, replace(sizes, runs=runs), setting.device)
            call = trained(step, step.by(backend))
            made.append(Contender(backend, call, role, runs=runs, flops=runs * flops))
    return [*made, Contender("products", floor, "floor", flops=flops)]


def trained(step: Step, gradients: Callable[[], Gradients]) -> Callable[[], Any]:
    """A whole optimiser step: the gradients, and Adam with them."""
    parameters = list(step.network.parameters())
    optimiser = torch.optim.Adam(parameters, lr=1e-4)

    def call() -> None:
        for parameter, gradient in zip(parameters, gradients(), strict=True):
            parameter.grad = gradient
        optimiser.step()

    return floors.waiting(call, step.device)
