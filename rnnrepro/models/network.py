"""A whole network of S runs: embedding, recurrence, read-out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import BoolTensor, Generator, Tensor, nn

from rnnrepro.drives.projection import Embedded, project
from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill
from rnnrepro.models.recurrence import Recurrence
from rnnrepro.updates.base import State

MAIN = "main"


class Network(nn.Module):
    """Embedding (optional), recurrence and linear read-out; every parameter and buffer leads with S.

    `embedding` is {size E, init} with `symbols` rows, or None; `readout` names the initialisers {init, bias}
    of V (S, N, K) and c (S, K). N is 2N throughout where units are complex. `readout_every` says what `forward`
    reads by default.
    """

    def __init__(
        self,
        recurrence: Recurrence,
        *,
        output_size: int,
        readout: Mapping[str, str],
        readout_every: bool,
        generators: Sequence[Generator],
        symbols: int = 0,
        embedding: Mapping[str, str | int] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        hidden = recurrence.features
        self.recurrence = recurrence
        self.readout_every = readout_every
        self.embedding = None
        if embedding is not None:
            shape = (symbols, embedding["size"])
            self.embedding = nn.Parameter(fill(embedding["init"], generators, shape, dtype=dtype))
        self.readout = nn.Parameter(fill(readout["init"], generators, (hidden, output_size), dtype=dtype))
        fans = (hidden, output_size)
        self.readout_bias = nn.Parameter(
            fill(readout["bias"], generators, (output_size,), *fans, dtype=dtype)
        )

    @property
    def runs(self) -> int:
        """S, the number of runs in the stack."""
        return len(self.readout)

    def forward(
        self, inputs: Tensor, state: State | None = None, every: bool | None = None, W: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs (S, T, B, K) if `every` (None: as the task reads), else (S, B, K) of the last time; the state.

        `inputs` (S, T, B, D), or int64 (S, T, B) for one-hot rows. `state` is a tuple of (S, B, ·) as returned
        before, or None for the first state; gradients reach it. W (S, N, M) may be given where it is needed more than
        once (`build`).
        """
        every = self.readout_every if every is None else every
        h, state = self.hidden(inputs, state, every, W)
        outputs = self.read(h)
        return (outputs if every else outputs.squeeze(1)), state

    def hidden(
        self, inputs: Tensor, state: State | None = None, every: bool = True, W: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """As `forward` without the read-out: h (S, T, B, N), or (S, 1, B, N) of the last time unless `every`.

        One step at a time gives the gradient at each h_t: `h, state = hidden(x[:, t:t + 1], state, W=W)`.
        """
        x = inputs if self.embedding is None else Embedded(inputs, self.embedding)
        return self.recurrence(x, state, every, W)

    def read(self, h: Tensor) -> Tensor:
        """h V + c (S, T, B, K) from h (S, T, B, N)."""
        return project(h, self.readout) + self.readout_bias[:, None, None]

    def build(self) -> Tensor:
        """The recurrent matrix W (S, N, M)."""
        return self.recurrence.matrix.build()

    @property
    def layers(self) -> Sequence[Recurrence]:
        """The recurrent layers in the order in which the inputs pass them."""
        return (self.recurrence,)

    def parameter_groups(self) -> dict[str, str]:
        """Full parameter name -> group of the optimiser; every parameter has one."""
        own = {f"recurrence.{name}": group for name, group in self.recurrence.parameter_groups().items()}
        return {name: own.get(name, MAIN) for name, _ in self.named_parameters()}

    def penalty(self) -> Tensor | None:
        """A term (S,) added to the loss for the gradient only, or None."""
        return self.recurrence.matrix.penalty()

    def after_step(self, active: BoolTensor) -> None:
        """To be called after an optimiser step of the runs where `active` (S,) is true."""
        self.recurrence.matrix.after_step(active)

    def residual(self) -> Tensor:
        """Distance (S,) of the recurrent matrix from its constraint."""
        return self.recurrence.matrix.residual()

    def arrays(self) -> dict[str, Tensor]:
        """What analyses read of the recurrent matrix, each (S, …)."""
        return self.recurrence.matrix.arrays()

    def parameter_count(self) -> int:
        """Number of free parameters of one run."""
        return sum(parameter[0].numel() for parameter in self.parameters())

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
