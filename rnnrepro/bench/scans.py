"""Cases of the scan alone: forward and backward, by the plain loop, the engine and PyTorch's own layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rnnrepro.bench import floors, peers, timing
from rnnrepro.bench.case import Case, Setting, engine
from rnnrepro.bench.loops import Compiled
from rnnrepro.bench.sizes import Sizes
from rnnrepro.bench.timing import Contender
from rnnrepro.drives.projection import Factored
from rnnrepro.scan import scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ModReLU, Tanh

UPDATES: Mapping[str, tuple[str, type[Update]]] = {
    "modrelu": ("modReLU", ModReLU),
    "tanh": ("tanh", Tanh),
    "lstm": ("LSTM", LSTM),
}
# The shapes of the papers' experiments: ten one-hot symbols (copying), two features (adding), one pixel a step.
SHAPES = (
    Sizes(3, 20, 60, 120, inputs=10),
    Sizes(3, 50, 64, 100, inputs=2),
    Sizes(3, 20, 128, 220, inputs=10),
    Sizes(6, 16, 100, 500, inputs=10),
    Sizes(3, 128, 128, 784, inputs=1),
)
SWEPT = Sizes(1, 20, 64, 100, inputs=10)
HIDDEN, TIMES = (16, 32, 64, 128, 256, 512), (25, 50, 100, 200, 400, 800)
TWO = Sizes(6, 16, 100, 500, inputs=10)


def cases() -> list[Case]:
    """Every shape with every update; N and T swept with tanh; two threads."""
    shapes = [
        Case(f"scan/{update}/{sizes}", f"{title}, {sizes.spoken}", sizes, partial(alone, update))
        for update, (title, _) in UPDATES.items()
        for sizes in SHAPES
    ]
    sweeps = [("hidden", n, replace(SWEPT, hidden=n)) for n in HIDDEN]
    sweeps += [("time", t, replace(SWEPT, time=t)) for t in TIMES]
    swept = [
        Case(f"sweep/{axis}/{value}", f"tanh, {sizes.spoken}", sizes, partial(alone, "tanh"), weight=0.25)
        for axis, value, sizes in sweeps
    ]
    both = Case(
        f"threads/modrelu/{TWO}", f"modReLU, {TWO.spoken}", TWO, two_threads, device="cpu", threads=2
    )  # fmt: skip
    return [*shapes, *swept, both]


class Problem:
    """Random inputs, weights and gradient of the outputs of a scan; `by(backend)` is a forward and backward."""

    def __init__(self, update: Update, sizes: Sizes, device: str) -> None:
        s, n, width = sizes.runs, sizes.hidden, update.gates * sizes.hidden
        made = torch.Generator().manual_seed(0)
        draw = partial(torch.randn, generator=made)
        self.update, self.sizes, self.device = update, sizes, device
        values = update.parameters(n, generators=[made] * s)
        self.parameters = {name: self._learned(value) for name, value in values.items()}
        # Orthogonal for each gate, as the papers' are: a random matrix would let long gradients overflow.
        gates = [torch.linalg.qr(draw(s, n, n))[0] for _ in range(update.gates)]
        self.W = self._learned(torch.cat(gates, -1))
        self.U = self._learned(draw(s, sizes.inputs, width) / (sizes.inputs + 1) ** 0.5)
        self.bias = self._learned(draw(s, width) / n**0.5)
        self.x = draw(s, sizes.time, sizes.batch, sizes.inputs).to(device)
        self.gradient = draw(s, sizes.time, sizes.batch, n).to(device)
        self.state = tuple(
            torch.zeros(s, sizes.batch, len(parts) * n, device=device) for parts in update.state
        )

    def by(self, backend: str) -> Callable[[], Any]:
        """The scan in one of its forms, with the inputs in factors, and all its gradients."""

        def call() -> None:
            z = Factored(self.x, self.U, self.bias)
            h, _ = scan(self.update, self.parameters, self.W, z, self.state, backend=backend)
            self._pull_back(h)

        return call

    def compiled(self) -> Callable[[], Any]:
        """The plain loop in chunks of `torch.compile`."""
        loop = Compiled(self.update)

        def call() -> None:
            z = Factored(self.x, self.U, self.bias).dense()
            self._pull_back(loop(self.parameters, self.W, z, self.state))

        return call

    def floor(self) -> tuple[Callable[[], None], float]:
        """The recurrent products alone."""
        return floors.recurrent(self.sizes, self.update.gates, len(self.update.stages), self.device)

    def engine(self) -> str | None:
        """The fast backend here."""
        return engine(self.update, self.W)

    def _learned(self, value: Tensor) -> Tensor:
        return value.to(self.device).requires_grad_()

    def _pull_back(self, h: Tensor) -> None:
        learned = [self.W, self.U, self.bias, *self.parameters.values()]
        torch.autograd.grad(h, learned, self.gradient)


def alone(update: str, sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The plain loop, the engine, the peers and the floor, on one thread."""
    problem = Problem(UPDATES[update][1](), sizes, setting.device)
    cuda = setting.device == "cuda"
    found = [problem.by("plain")]
    floor, flops = problem.floor()
    common = {"runs": sizes.runs, "flops": flops}
    made = [Contender("plain", floors.waiting(found[0], setting.device), "plain", base=True, **common)]
    if fast := problem.engine():
        call = floors.waiting(problem.by(fast), setting.device)
        made.append(Contender(fast, call, "engine", lead=True, **common))
    if update in peers.LAYERS:
        name, call = peers.layers(update, sizes, setting.device)
        made.append(Contender(f"{name} (cuDNN)" if cuda else name, call, "peer", **common))
    if setting.compiled:
        call = floors.waiting(problem.compiled(), setting.device)
        made.append(Contender("torch.compile", call, "peer", **common))
    if cuda:
        made.append(Contender("CUDA graph", peers.graph(found[0]), "peer", **common))
    return [*made, Contender("products", floor, "floor", **common)]


def two_threads(sizes: Sizes, setting: Setting) -> Sequence[Contender]:
    """The plain loop and the engine on one thread and on two."""
    problem = Problem(ModReLU(), sizes, setting.device)
    made = []
    for count in (1, 2):
        with timing.threads(count):
            floor, flops = problem.floor()
        common = {"runs": sizes.runs, "threads": count, "flops": flops}
        made.append(Contender("plain", problem.by("plain"), "plain", base=count == 1, **common))
        if fast := problem.engine():
            made.append(Contender(fast, problem.by(fast), "engine", lead=count == 2, **common))
        made.append(Contender("products", floor, "floor", **common))
    return made
