"""Cases of whole training steps: the matrix is built, the network run, the loss taken and pulled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from rnnrepro import models, tables
from rnnrepro.bench import floors, timing
from rnnrepro.bench.case import Case, Setting, engine
from rnnrepro.bench.loops import unhoisted
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender
from rnnrepro.drives.affine import Affine
from rnnrepro.matrices.free import Free
from rnnrepro.models.network import Network
from rnnrepro.models.recurrence import Recurrence
from rnnrepro.updates.bilevel import BilevelSGD

Gradients = tuple[Tensor, ...]
NOT_HOISTED = "plain, not hoisted"


@dataclass(frozen=True)
class Work:
    """What is trained: a model of the tables or `bilevel`; K outputs at every step or after the last one.

    `symbols`: the inputs are indices. `arguments` are those of the model's parts.
    """

    model: str
    outputs: int
    every: bool = False
    symbols: bool = False
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


COPY, PIXELS = Sizes(1, 10, 128, 220, inputs=10), Sizes(1, 128, 128, 784)
ADDING = Sizes(1, 64, 128, 100, inputs=2)
# With PyTorch's own start the gradient of 784 steps falls below the smallest normal number of float32, and arithmetic
# with what is left takes a processor many times as long. So the gradient is kept alive, and the other is a case apart.
_LSTM = Work("lstm", 10, arguments={"update": {"forget_offset": 5.0}})
STEPS: dict[str, tuple[str, Sizes, Work]] = {
    "nnrnn-copy": ("nnRNN, copying, T = 200", COPY, Work("nnrnn", 9, every=True, symbols=True)),
    "exprnn-copy": ("expRNN, copying, T = 200", COPY, Work("exprnn", 9, every=True, symbols=True)),
    "lstm-pixels": ("LSTM, 784 pixels", PIXELS, _LSTM),
    "lstm-pixels-vanishing": (
        "LSTM, 784 pixels, batch 8, gradient vanishing",
        replace(PIXELS, batch=8),
        Work("lstm", 10),
    ),
    "bilevel-adding": ("bilevel descent, adding", ADDING, Work("bilevel", 1)),
}


def cases() -> list[Case]:
    """A training step of each kind on one thread, and the LSTM's on two."""
    made = [
        Case(f"step/{name}", title, sizes, partial(one_thread, work))
        for name, (title, sizes, work) in STEPS.items()
    ]
    title = STEPS["lstm-pixels"][0]
    two = Case("threads/lstm-pixels", title, PIXELS, two_threads, device="cpu", threads=2)
    return [*made, two]


class Step:
    """A network with a batch of random data; `by(backend)` is its forward and backward pass."""

    def __init__(self, work: Work, sizes: Sizes, device: str) -> None:
        made = [Generator().manual_seed(i) for i in range(sizes.runs)]
        self.work, self.sizes, self.device = work, sizes, device
        self.network = build(work, sizes, made).to(device)
        self.x, self.targets = data(work, sizes, made[0], device)

    def by(self, backend: str) -> Callable[[], Gradients]:
        """Forward, loss and backward with one form of the scan; returns the gradients of the parameters."""

        def call() -> Gradients:
            self.network.use(backend)
            outputs, _ = self.network(self.x, every=self.work.every)
            return self._pull_back(outputs)

        return call

    def unhoisted(self) -> Callable[[], Gradients]:
        """The same with the loop that multiplies its inputs step by step."""

        def call() -> Gradients:
            part = self.network.recurrence
            z, _ = part.drive(self.x)
            W = part.matrix.build()
            start = tuple(
                W.new_zeros(*self.x.shape[:1], self.x.shape[2], len(parts) * self.sizes.hidden)
                for parts in part.rule.state
            )
            h = unhoisted(part.rule, dict(part.update.items()), W, z, start, self.work.every)
            outputs = self.network.read(h)
            return self._pull_back(outputs if self.work.every else outputs.squeeze(1))

        return call

    def engine(self) -> str | None:
        """The fast backend here."""
        return engine(self.network.recurrence.rule, self.network.build()[-1])

    def floor(self) -> tuple[Callable[[], None], float]:
        """The products of recurrence, inputs and read-out alone; those that build the matrix are not counted."""
        rule = self.network.recurrence.rule
        return floors.network(
            self.sizes,
            rule.gates,
            len(rule.stages),
            inputs=0 if self.work.symbols else self.sizes.inputs,
            outputs=self.work.outputs,
            read=self.sizes.time if self.work.every else 1,
            device=self.device,
        )

    def loss(self, outputs: Tensor) -> Tensor:
        """Cross-entropy of classes, squared error of one number; summed over the runs, with the model's penalty."""
        if self.work.outputs == 1:
            found = (outputs - self.targets).square().mean() * self.sizes.runs
        else:
            flat = outputs.flatten(0, -2)
            found = functional.cross_entropy(flat, self.targets.flatten()) * self.sizes.runs
        penalty = self.network.penalty()
        return found if penalty is None else found + penalty.sum()

    def _pull_back(self, outputs: Tensor) -> Gradients:
        return torch.autograd.grad(self.loss(outputs), list(self.network.parameters()))


def build(work: Work, sizes: Sizes, generators: Sequence[Generator]) -> Network:
    """A network of `work` with a run a generator."""
    common = {"output_size": work.outputs, "readout_every": work.every, "generators": generators}
    if work.model != "bilevel":
        return models.build(
            work.model,
            input_size=sizes.inputs,
            hidden_size=sizes.hidden,
            index_inputs=work.symbols,
            arguments=work.arguments,
            **common,
        )
    n, made = sizes.hidden, {"generators": generators}
    matrix, drive = Free(n, input_size=sizes.inputs, width=n, **made), Affine(sizes.inputs, n, n, **made)
    recurrence = Recurrence(matrix, drive, BilevelSGD(), **made)
    return Network([recurrence], readout=tables.READOUT_ARGUMENTS, **common)


def data(work: Work, sizes: Sizes, made: Generator, device: str) -> tuple[Tensor, Tensor]:
    """Inputs (S, T, B, D) or symbols (S, T, B), and targets, all random."""
    places = (sizes.runs, sizes.time, sizes.batch)
    x = (
        torch.randint(sizes.inputs, places, generator=made)
        if work.symbols
        else torch.randn(*places, sizes.inputs, generator=made)
    )
    read = places if work.every else (sizes.runs, sizes.batch)
    targets = (
        torch.randn(*read, 1, generator=made)
        if work.outputs == 1
        else torch.randint(work.outputs, read, generator=made)
    )
    return x.to(device), targets.to(device)


def one_thread(work: Work, sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The plain loop with its inputs multiplied before and at each step, the engine and the floor."""
    return _contenders(Step(work, sizes, setting.device), lead=True)


def two_threads(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The same on one thread and on two."""
    step = Step(_LSTM, sizes, setting.device)
    alone = _contenders(step, lead=False)
    with timing.threads(2):
        return [*alone, *_contenders(step, lead=True, threads=2)]


def _contenders(step: Step, *, lead: bool, threads: int = 1) -> list[Contender]:
    floor, flops = step.floor()
    common = {"runs": step.sizes.runs, "threads": threads, "flops": flops}

    def waited(call: Callable[[], Any]) -> Callable[[], Any]:
        return floors.waiting(call, step.device)

    made = [Contender("plain", waited(step.by("plain")), "plain", base=threads == 1, **common)]
    made.append(Contender(NOT_HOISTED, waited(step.unhoisted()), "plain", **common))
    if fast := step.engine():
        made.append(Contender(fast, waited(step.by(fast)), "engine", lead=lead, **common))
    return [*made, Contender("products", floor, "floor", **common)]
