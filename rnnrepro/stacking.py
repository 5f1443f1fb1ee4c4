"""Several models of one form trained at once: `rnnrepro.stack(models)`.

`torch.func.stack_module_state` with `torch.vmap` does this for feed-forward networks alone: vmap has no rule for
`nn.RNN`, `nn.LSTM` and `nn.GRU` (pytorch issues 105982 and 134606), and of a loop written by hand it keeps the cost
of every step. Here the runs of a stack go through one scan over time, compiled for the device.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from rnnrepro.alike import check_alike
from rnnrepro.drives.projection import Factored
from rnnrepro.errors import Fault
from rnnrepro.models import Layer, Network
from rnnrepro.models.network import MAIN
from rnnrepro.optim import Optimiser
from rnnrepro.scan import scan
from rnnrepro.updates.base import State, Update
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ReLU, Tanh


def stack(models: Sequence[nn.Module]) -> Stack:
    """S models of one form as one module whose parameters and buffers lead with the run axis S.

    `models` are layers of `rnnrepro.models.make`, `Network`s, `torch.nn.RNN`s or `torch.nn.LSTM`s, alike but for
    their values; or other modules, which go through `torch.vmap`. They are copied. Each run has the gradients that
    it would have alone if the losses of the runs are added: `stacked.optimiser` gives every run a rate of its own,
    and any optimiser of `torch.optim` serves runs with equal rates. `stacked.unstack()` gives the models back.

    Raises Fault for models that differ in form, and for what can be stacked in no way, with what to do instead.

    >>> import torch, rnnrepro
    >>> both = rnnrepro.stack([torch.nn.LSTM(3, 8), torch.nn.LSTM(3, 8)])
    >>> optimiser = both.optimiser("adam_torch", [1e-3, 1e-2])
    >>> output, (h_n, c_n) = both(torch.randn(20, 5, 3))  # the same (T, B, D) for both, or (S, T, B, D)
    >>> output.shape, h_n.shape
    (torch.Size([2, 20, 5, 8]), torch.Size([2, 1, 5, 8]))
    >>> output.square().mean((1, 2, 3)).sum().backward()
    >>> optimiser.step()
    >>> [type(model).__name__ for model in both.unstack()]
    ['LSTM', 'LSTM']
    """
    models = list(models)
    check_alike(models)
    first = models[0]
    if isinstance(first, Layer):
        return StackedLayers(models)
    if isinstance(first, Network):
        return StackedNetworks(models)
    if type(first) in (nn.RNN, nn.LSTM):
        return StackedTorch(models)
    return StackedByVmap(models)


class Stack(nn.Module):
    """S models as one. `runs` is S; every parameter and buffer leads with the run axis."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self.runs = self._models = len(models)
        self._like = [copy.deepcopy(models[0])]  # inside a list, its parameters are not the stack's

    def unstack(self) -> list[nn.Module]:
        """The S models with their present values, in order, of the form in which they were given."""
        values = {name: value.detach() for name, value in self._values().items()}
        found = []
        for i in range(self._models):
            model = copy.deepcopy(self._like[0])
            for name, own in (*model.named_parameters(), *model.named_buffers()):
                own.data = values[name].chunk(self._models)[i].reshape(own.shape).clone()
                own.grad = None
            if isinstance(model, nn.RNNBase):
                model.flatten_parameters()
            found.append(model)
        return found

    def optimiser(self, kind: str, rates: Sequence[float], **arguments: Any) -> Optimiser:
        """The optimiser `kind` of `rnnrepro.tables.OPTIMISERS` with a learning rate for each run.

        Groups of parameters with rates of their own: `rnnrepro.optim.Optimiser` with `parameter_groups()`. Raises
        Fault for another number of rates and for what the optimiser does not know.
        """
        if len(rates) != self.runs:
            raise Fault(f"one rate a run: {self.runs} runs, {len(rates)} rates")
        parameters = {name: own for name, own in self.named_parameters() if own.requires_grad}
        like = next(iter(parameters.values()))
        return Optimiser(
            parameters,
            dict.fromkeys(parameters, MAIN),
            {MAIN: SimpleNamespace(kind=kind, arguments=arguments)},
            {MAIN: torch.tensor(list(rates), dtype=like.dtype, device=like.device)},
            self.retractions(),
        )

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        """Parameter name -> what moves it by an optimiser's step, where that is not to be subtracted."""
        return {}

    def parameter_groups(self) -> dict[str, str]:
        """Parameter name -> group: some papers give the group `orthogonal` a learning rate of its own."""
        return dict.fromkeys(dict(self.named_parameters()), MAIN)

    def _values(self) -> Mapping[str, Tensor]:
        """The stacked values by the names that they have in a model."""
        return dict((*self.named_parameters(), *self.named_buffers()))


class StackedLayers(Stack):
    """Layers of `rnnrepro.models.make`. After each optimiser step call `after_step()`; add `penalty()` to the loss."""

    def __init__(self, models: Sequence[Layer]) -> None:
        super().__init__(models)
        self.recurrence = _joined([model.recurrence for model in models])

    def forward(self, x: Tensor, h_0: Tensor | State | None = None) -> tuple[Tensor, Tensor | State]:
        """`output` (S, T, B, N) and `h_n` (S, 1, B, N), or a tuple of such, from `x` (S, T, B, D) or (T, B, D).

        `h_n` is what goes in as the next `h_0`; None is zeros. Raises Fault for an input of another shape.
        """
        x = _of_each_run(x, self.runs, self.recurrence.drive.input_size)
        parts = () if h_0 is None else (h_0,) if isinstance(h_0, Tensor) else tuple(h_0)
        if any(part.dim() != 4 or part.shape[:3] != (self.runs, 1, x.shape[2]) for part in parts):
            raise Fault(
                f"h_0 is of the shape ({self.runs}, 1, B, ·) with B = {x.shape[2]}, or a tuple of such"
            )
        output, last = self.recurrence(x, tuple(part.squeeze(1) for part in parts) or None)
        ends = tuple(part.unsqueeze(1) for part in last)
        return output, (ends[0] if len(ends) == 1 else ends)

    def penalty(self) -> Tensor | None:
        """What the models add to their losses, (S,), or None."""
        return self.recurrence.matrix.penalty()

    def after_step(self) -> None:
        """To be called after each optimiser step."""
        device = next(self.parameters()).device
        self.recurrence.matrix.after_step(torch.ones(self.runs, dtype=torch.bool, device=device))

    def parameter_groups(self) -> dict[str, str]:
        return {f"recurrence.{name}": group for name, group in self.recurrence.parameter_groups().items()}

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        return {f"recurrence.{name}": move for name, move in self.recurrence.retractions().items()}


class StackedNetworks(Stack):
    """`Network`s, as one `Network` of all their runs: `network`, whose call and methods are the stack's."""

    def __init__(self, models: Sequence[Network]) -> None:
        super().__init__(models)
        self.network = _joined(models)
        self.runs = self.network.runs

    def forward(
        self, inputs: Tensor, state: State | None = None, every: bool | None = None
    ) -> tuple[Tensor, State]:
        """As `Network.forward`; inputs without the run axis are shared by all runs."""
        least = 2 if inputs.dtype == torch.int64 else 3
        shared = inputs.expand(self.runs, *inputs.shape) if inputs.dim() == least else inputs
        return self.network(shared, state, every)

    def penalty(self) -> Tensor | None:
        """As `Network.penalty`."""
        return self.network.penalty()

    def after_step(self) -> None:
        """To be called after each optimiser step."""
        ones = torch.ones(self.runs, dtype=torch.bool, device=self.network.readout.device)
        self.network.after_step(ones)

    def parameter_groups(self) -> dict[str, str]:
        return {f"network.{name}": group for name, group in self.network.parameter_groups().items()}

    def retractions(self) -> dict[str, Callable[[Tensor], None]]:
        return {f"network.{name}": move for name, move in self.network.retractions().items()}

    def _values(self) -> Mapping[str, Tensor]:
        return self.network.state_dict()


class StackedTorch(Stack):
    """`torch.nn.RNN`s or `torch.nn.LSTM`s: their own weights, two biases included, in our scan."""

    def __init__(self, models: Sequence[nn.RNN | nn.LSTM]) -> None:
        super().__init__(models)
        form = models[0]
        if form.bidirectional or form.dropout or form.proj_size:
            raise Fault("stack takes nn.RNN and nn.LSTM of one direction, without dropout and projections")
        self._update = _update_of(form)
        for name, parameter in form.named_parameters():
            values = torch.stack([model.get_parameter(name).detach() for model in models])
            self.register_parameter(name, nn.Parameter(values, parameter.requires_grad))

    def forward(self, x: Tensor, h_0: Tensor | State | None = None) -> tuple[Tensor, Tensor | State]:
        """As each model, for all runs: `output` (S, T, B, N), `h_n` (S, layers, B, N), for an LSTM (h_n, c_n).

        `x` is (S, T, B, D), or (T, B, D) for all runs alike; T and B change places if the models say
        `batch_first`. Raises Fault for an input of another shape.
        """
        form = self._like[0]
        x = _of_each_run(x, self.runs, form.input_size)
        x = x.transpose(1, 2) if form.batch_first else x
        given = None if h_0 is None else (h_0,) if isinstance(h_0, Tensor) else tuple(h_0)
        ends = []
        for layer in range(form.num_layers):
            slots = len(self._update.state)
            zeros = x.new_zeros(self.runs, x.shape[2], form.hidden_size)
            start = (zeros,) * slots if given is None else tuple(part[:, layer] for part in given)
            x, last = self._layer(layer, x, start)
            ends.append(last)
        h_n = tuple(torch.stack(parts, 1) for parts in zip(*ends, strict=True))
        return (x.transpose(1, 2) if form.batch_first else x), (h_n if len(h_n) > 1 else h_n[0])

    def _layer(self, layer: int, x: Tensor, start: State) -> tuple[Tensor, State]:
        into, again = (getattr(self, f"weight_{name}_l{layer}").mT for name in ("ih", "hh"))
        bias = None
        if self._like[0].bias:
            bias = getattr(self, f"bias_ih_l{layer}") + getattr(self, f"bias_hh_l{layer}")
        return scan(self._update, {}, again, Factored(x, into, bias), start)


class StackedByVmap(Stack):
    """Other modules, through `torch.vmap`."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__(models)
        parts = {type(part).__name__ for part in models[0].modules() if isinstance(part, nn.RNNBase)}
        if parts:
            raise Fault(
                f"torch.vmap cannot run {', '.join(sorted(parts))} (pytorch issues 105982 and 134606): stack nn.RNN "
                "and nn.LSTM layers by themselves, stack([m.rnn for m in models]), and the other parts likewise; "
                "a GRU cannot be stacked yet"
            )
        self.model = _joined(models, torch.stack)

    def forward(self, *inputs: Tensor, shared: bool = False) -> Any:
        """The models' outputs with a leading S, from inputs that lead with S, or with `shared` the same for all."""
        values = dict(self.model.named_parameters()), dict(self.model.named_buffers())

        def one(values: Any, *inputs: Tensor) -> Any:
            return torch.func.functional_call(self._like[0], values, inputs)

        along = (0, *(None if shared else 0 for _ in inputs))
        return torch.vmap(one, in_dims=along, randomness="different")(values, *inputs)

    def _values(self) -> Mapping[str, Tensor]:
        return dict((*self.model.named_parameters(), *self.model.named_buffers()))


def _update_of(form: nn.RNN | nn.LSTM) -> Update:
    return LSTM() if isinstance(form, nn.LSTM) else {"tanh": Tanh, "relu": ReLU}[form.nonlinearity]()


def _of_each_run(x: Tensor, runs: int, size: int) -> Tensor:
    """(S, T, B, D) from that or (T, B, D), without a copy. Raises Fault."""
    if x.dim() not in (3, 4) or x.shape[-1] != size or (x.dim() == 4 and len(x) != runs) or 0 in x.shape:
        raise Fault(
            f"the input is (T, B, {size}), or ({runs}, T, B, {size}) for each run, not {tuple(x.shape)}"
        )
    return x if x.dim() == 4 else x.expand(runs, *x.shape)


def _joined(models: Sequence[Any], join: Any = torch.cat) -> Any:
    """A copy of the first module that holds the values of all of them, joined along the run axis."""
    whole = copy.deepcopy(models[0])
    for path, module in whole.named_modules():
        parts = [model.get_submodule(path) for model in models]
        for name, own in module.named_parameters(recurse=False):
            values = join([part.get_parameter(name).detach() for part in parts])
            setattr(module, name, nn.Parameter(values, own.requires_grad))
        for name, _ in module.named_buffers(recurse=False):
            setattr(module, name, join([part.get_buffer(name) for part in parts]))
    return whole
