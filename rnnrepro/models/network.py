"""A whole network of S runs: embedding, recurrent layers, read-out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import BoolTensor, Generator, Tensor, nn

from rnnrepro import tables
from rnnrepro.drives.projection import Embedded
from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.models.dropout import Masks
from rnnrepro.models.recurrence import Recurrence
from rnnrepro.reduce import product
from rnnrepro.rules.feedback import answer
from rnnrepro.updates.base import State

MAIN = "main"


class Trace(NamedTuple):
    """A forward pass: outputs and state as `Network.forward` has them; the last layer's h as it is, and `read`."""

    outputs: Tensor
    state: State
    raw: Tensor
    read: Tensor


class Network(nn.Module):
    """Embedding (optional), recurrent layers one above the other, linear read-out; everything leads with S.

    `embedding` is {size E, init} with `symbols` rows, or None; `readout` names the initialisers {init, bias} of
    V (S, N, K) and c (S, K) (None: no bias), N the width of the last layer (2N throughout where units are complex).
    `tied`: V is the embedding, transposed. `readout_every` says what `forward` reads by default. `dropout` holds the
    probabilities at which `masks` are drawn. `rule` is {kind, feedback, trains, fed_back}: through what errors reach
    the units, which parameters learn, and whether outputs go back into the units (`rnnrepro.tables.rules`); its credit
    is that of the layers.

    The state is a flat tuple, layer after layer, each with as many tensors; analyses that read one layer alone find
    it among `layers`.
    """

    def __init__(
        self,
        layers: Sequence[Recurrence],
        *,
        output_size: int,
        readout: Mapping[str, str],
        readout_every: bool,
        generators: Sequence[Generator],
        symbols: int = 0,
        embedding: Mapping[str, str | int] | None = None,
        tied: bool = False,
        dropout: Mapping[str, float] | None = None,
        rule: Mapping[str, Any] = tables.RULE_ARGUMENTS,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.readout_every = readout_every
        self.dropout = dict(dropout or {})
        self.embedding = None
        if embedding is not None:
            shape = (symbols, embedding["size"])
            self.embedding = nn.Parameter(fill(embedding["init"], generators, shape, dtype=dtype))
        shape = (self.recurrence.features, output_size)
        self.readout_weight = None
        if not tied:
            self.readout_weight = nn.Parameter(fill(readout["init"], generators, shape, dtype=dtype))
        self.readout_bias = None
        if readout["bias"] is not None:
            drawn = fill(readout["bias"], generators, (output_size,), *shape, dtype=dtype)
            self.readout_bias = nn.Parameter(drawn)
        self._learn_by(rule, generators, shape, dtype)
        self.loop: Tensor | None = None

    def _learn_by(
        self,
        rule: Mapping[str, Any],
        generators: Sequence[Generator],
        shape: tuple[int, int],
        dtype: torch.dtype,
    ) -> None:
        """Draw B (S, N, K), last of all so that networks differ in it alone, and keep what is not trained."""
        row = tables.row("rule", rule["kind"])
        self.errors_by_feedback, self.fed_back = row.feedback == "fixed", rule["fed_back"]
        if self.fed_back and self.recurrence.matrix.width != shape[0]:
            raise Fault(
                "outputs can be fed back to units of one gate and one plane alone; leave out rule.fed_back"
            )
        needs = self.errors_by_feedback or self.fed_back
        spec = rule["feedback"] or (tables.FIXED_FEEDBACK if needs else None)
        self.feedback: Tensor | None = None
        if spec is not None:
            del self.feedback
            self.register_buffer("feedback", fill(spec, generators, shape, dtype=dtype))
        for name, parameter in self.named_parameters():
            if rule["trains"] not in ("all", "readout" if name.startswith("readout") else "recurrent"):
                parameter.requires_grad_(False)

    def give_loop(self, weights: Tensor) -> None:
        """Keep the weights (S, A, N) by which h picks the next of A inputs, in interactive tasks: a buffer, `loop`."""
        del self.loop
        self.register_buffer("loop", weights)

    @property
    def runs(self) -> int:
        """S, the number of runs in the stack."""
        return len(self.readout)

    @property
    def recurrence(self) -> Recurrence:
        """The last or only recurrent layer."""
        return self.layers[-1]

    @property
    def readout(self) -> Tensor:
        """V (S, N, K): a parameter of its own, or the embedding's transpose."""
        return self.embedding.mT if self.readout_weight is None else self.readout_weight

    def use(self, backend: str) -> None:
        """Run every layer with this form of the scan (`rnnrepro.scan.BACKENDS`)."""
        for layer in self.layers:
            layer.backend = backend

    def masks(self, seeds: Sequence[int], step: int) -> Masks | None:
        """What a forward pass of training leaves out at `step`, or None where nothing is: `seeds`, one a run."""
        return Masks(self.dropout, seeds, step) if any(self.dropout.values()) else None

    def forward(
        self,
        inputs: Tensor,
        state: State | None = None,
        every: bool | None = None,
        W: Sequence[Tensor] | None = None,
        masks: Masks | None = None,
    ) -> tuple[Tensor, State]:
        """Outputs (S, T, B, K) if `every` (None: as the task reads), else (S, B, K) of the last time; the state.

        `inputs` (S, T, B, D), or int64 (S, T, B) for one-hot rows. `state` is a tuple of (S, B, ·) as returned
        before, or None for the first state; gradients reach it. W, one (S, N, M) a layer, may be given where it is
        needed more than once (`build`). Without `masks` nothing is left out.
        """
        trace = self.trace(inputs, state, every, W, masks)
        return trace.outputs, trace.state

    def trace(
        self,
        inputs: Tensor,
        state: State | None = None,
        every: bool | None = None,
        W: Sequence[Tensor] | None = None,
        masks: Masks | None = None,
    ) -> Trace:
        """As `forward`, with the h (S, T, B, N) that the outputs were read from, before dropout and after it."""
        every = self.readout_every if every is None else every
        h, state = self.hidden(inputs, state, every, W, masks)
        read = h if masks is None else masks.drop("output", h, (1, *h.shape[2:]))
        outputs = self.read(read)
        return Trace(outputs if every else outputs.squeeze(1), state, h, read)

    def hidden(
        self,
        inputs: Tensor,
        state: State | None = None,
        every: bool = True,
        W: Sequence[Tensor] | None = None,
        masks: Masks | None = None,
    ) -> tuple[Tensor, State]:
        """As `forward` without the read-out: h (S, T, B, N), or (S, 1, B, N) of the last time unless `every`.

        One step at a time gives the gradient at each h_t: `h, state = hidden(x[:, t:t + 1], state, W=W)`.
        """
        x, last = self._entering(inputs, masks), len(self.layers) - 1
        states = [None] * (last + 1) if state is None else self.by_layer(state)
        matrices = self.build() if W is None else W
        after: list[Tensor] = []
        for i, (layer, matrix, before) in enumerate(zip(self.layers, matrices, states, strict=True)):
            if masks is not None:
                matrix = masks.drop("recurrent", matrix, matrix.shape[1:], layer=i)
                x = masks.drop("hidden", x, (1, *x.shape[2:]), layer=i) if i else x
            x, ends = layer(x, before, every or i < last, matrix)
            after += ends
        return x, tuple(after)

    def _entering(self, inputs: Tensor, masks: Masks | None) -> Tensor | Embedded:
        """What the first layer reads, with what dropout leaves of it."""
        if self.embedding is None:
            if masks is None or not self.dropout["input"]:
                return inputs
            return masks.drop("input", inputs, (1, *inputs.shape[2:]))
        if masks is None:
            return Embedded(inputs, self.embedding)
        table = masks.drop("embedding", self.embedding, (self.embedding.shape[1], 1))
        x = Embedded(inputs, table)
        return masks.drop("input", x.dense(), (1, *x.shape[2:])) if self.dropout["input"] else x

    def read(self, h: Tensor) -> Tensor:
        """h V + c (S, T, B, K) from h (S, T, B, N)."""
        y = answer(h, self.readout, self.feedback if self.errors_by_feedback else None)
        return y if self.readout_bias is None else y + self.readout_bias[:, None, None]

    def build(self) -> tuple[Tensor, ...]:
        """The recurrent matrix W (S, N, M) of each layer; with outputs fed back, the last one's is W + V Bᵀ.

        So u = h W + y Bᵀ with y = h V: an output enters at the step after it. V learns as a read-out alone.
        """
        built = [layer.matrix.build() for layer in self.layers]
        if self.fed_back:
            built[-1] = built[-1] + product(self.readout.detach(), self.feedback.mT)
        return tuple(built)

    def by_layer(self, state: State) -> list[State]:
        """The state's tensors of each layer; the first of them is its h."""
        size = len(state) // len(self.layers)
        return [state[i : i + size] for i in range(0, len(state), size)]

    def first(self, like: State) -> State:
        """The state before the first input, in the sizes of `like`, any state of this network."""
        found: list[Tensor] = []
        for layer, parts in zip(self.layers, self.by_layer(like), strict=True):
            own = layer.first(*parts[0].shape[:2])
            found += (*own, *(torch.zeros_like(part) for part in parts[len(own) :]))
        return tuple(found)

    def parameter_groups(self) -> dict[str, str]:
        """Full parameter name -> group of the optimiser; every parameter that learns has one."""
        own = {
            f"layers.{i}.{name}": group
            for i, layer in enumerate(self.layers)
            for name, group in layer.parameter_groups().items()
        }
        return {name: own.get(name, MAIN) for name in self.trained()}

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that learn, by full name."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        """Full parameter name -> what moves it by an optimiser's step, where that is not to be subtracted."""
        return {
            f"layers.{i}.{name}": move
            for i, layer in enumerate(self.layers)
            for name, move in layer.retractions().items()
            if layer.get_parameter(name).requires_grad
        }

    def penalty(self) -> Tensor | None:
        """A term (S,) added to the loss for the gradient only, or None."""
        terms = [term for layer in self.layers if (term := layer.matrix.penalty()) is not None]
        return sum(terms[1:], terms[0]) if terms else None

    def after_step(self, active: BoolTensor) -> None:
        """To be called after an optimiser step of the runs where `active` (S,) is true."""
        for layer in self.layers:
            layer.matrix.after_step(active)

    def residual(self) -> Tensor:
        """Distance (S,) of the recurrent matrix from its constraint, the largest of the layers'."""
        return torch.stack([layer.matrix.residual() for layer in self.layers]).amax(0)

    def arrays(self, layer: int = -1) -> dict[str, Tensor]:
        """What analyses read of the recurrent matrix of a layer, the last one unless told, each (S, …)."""
        return self.layers[layer].matrix.arrays()

    def parameter_count(self) -> int:
        """Number of free parameters of one run, those that learn."""
        stored = sum(parameter[0].numel() for parameter in self.trained().values())
        return stored - sum(layer.matrix.fixed for layer in self.layers)

    def state_of_run(self, i: int) -> dict[str, Tensor]:
        """A copy of all parameters and buffers of run `i`, each with a run axis of one."""
        return {name: value[i : i + 1].clone() for name, value in self.state_dict().items()}

    def load_runs(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        """Fill the stack with `state_of_run`s, run i from `states[i]`. Raises Fault unless there is one a run."""
        if len(states) != self.runs:
            raise Fault(f"a stack of {self.runs} runs cannot be filled from the states of {len(states)}")
        self.load_state_dict({name: torch.cat([state[name] for state in states]) for name in states[0]})

    def take(self, keep: Sequence[int]) -> Network:
        """A new network with the runs at the positions `keep` alone, in that order."""
        rows = list(keep)
        taken = copy.deepcopy(self)
        for module in taken.modules():
            for name, parameter in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(parameter.detach()[rows], parameter.requires_grad))
            for name, buffer in module.named_buffers(recurse=False):
                setattr(module, name, buffer[rows])
        return taken
