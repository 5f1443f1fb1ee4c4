"""Calls of the scan with everything that they are differentiated in, drawn at random and solved by any of its forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from rnnrepro.drives.projection import Factored, Stepped, Z
from rnnrepro.scan import scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import names

FORMS = ("dense", "number", "numbers", "index", "index_bias")
"""z as it is; x of one number; x of three, with a bias; one of five symbols, without and with a bias."""

_SIZES = {"number": 1, "numbers": 3, "index": 5, "index_bias": 5}


@dataclass(frozen=True)
class Problem:
    """A call of the scan. `values` are its tensors by name, all of which lead with the run axis:

    "W"; "z" or "x", "U" and "bias of z"; "parameter …", "scalar …" and "slot …"; and `directions`, by the name of a
    result, the gradients that arrive at it.
    """

    update: Update
    values: Mapping[str, Tensor]
    directions: Mapping[str, Tensor]

    def runs(self, rows: Iterable[int]) -> Problem:
        """The problem of these runs alone."""
        rows = list(rows)
        return self._each(lambda tensor: tensor[rows])

    def to(self, device: str, dtype: torch.dtype) -> Problem:
        """The same numbers on another device, of another type."""
        return self._each(lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype))

    def spread(self) -> Problem:
        """The same with parameters of one number a run given for each unit, (S, units)."""
        units = self.values["W"].shape[1] // len(self.update.state[self.update.reads])
        values = {
            name: value[:, None].repeat(1, units) if value.dim() == 1 else value
            for name, value in self.values.items()
        }
        return replace(self, values=values)

    def _each(self, function: Callable[[Tensor], Tensor]) -> Problem:
        values, directions = (
            {name: function(tensor) for name, tensor in group.items()}
            for group in (self.values, self.directions)
        )
        return replace(self, values=values, directions=directions)

    def z(self, values: Mapping[str, Tensor]) -> Z:
        """What enters the recurrence, of these values."""
        z = values["z"] if "z" in values else Factored(values["x"], values["U"], values.get("bias of z"))
        scalars = _named("scalar", values)
        return Stepped(z, scalars) if scalars else z

    def results(
        self,
        backend: str,
        *,
        values: Mapping[str, Tensor] | None = None,
        credit: str = "full",
        every: bool = True,
    ) -> dict[str, Tensor]:
        """ "outputs" and "last slot …" by name, of `values` in place of the problem's own."""
        values = self.values if values is None else values
        state = tuple(_named("slot", values).values())
        outputs, last = scan(
            self.update,
            _named("parameter", values),
            values["W"],
            self.z(values),
            state,
            credit=credit,
            backend=backend,
            every=every,
        )
        return {"outputs": outputs} | {f"last slot {k}": slot for k, slot in enumerate(last)}

    def solve(
        self, backend: str, *, credit: str = "full", every: bool = True, wanted: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """The results, and as "gradient of …" the gradients of what is `wanted` (None: all that has one)."""
        wanted = (
            [n for n, v in self.values.items() if v.is_floating_point()] if wanted is None else list(wanted)
        )
        leaves = {n: v.detach().requires_grad_() if n in wanted else v for n, v in self.values.items()}
        results = self.results(backend, values=leaves, credit=credit, every=every)
        pairs = [
            (found, self._direction(name, every)) for name, found in results.items() if found.requires_grad
        ]
        gradients = torch.autograd.grad(
            [found for found, _ in pairs],
            [leaves[name] for name in wanted],
            [direction for _, direction in pairs],
            allow_unused=True,
            materialize_grads=True,
        )
        found = dict(zip((f"gradient of {name}" for name in wanted), gradients, strict=True))
        return {name: value.detach() for name, value in (results | found).items()}

    def _direction(self, result: str, every: bool) -> Tensor:
        direction = self.directions[result]
        return direction if every or result != "outputs" else direction[:, -1:]


def draw(
    update: Update, form: str, runs: int, time: int, batch: int, units: int, *, seed: int = 0
) -> Problem:
    """A problem in float32. W is 0.95 times an orthogonal matrix for each gate, so that long sequences stay tame.

    Per-step scalars are those names that the stages read and nothing else has; they lie in (0.1, 0.6).
    """
    generator = Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(runs, *shape, generator=generator, dtype=torch.float64).float()

    width = update.gates * units
    hidden = len(update.state[update.reads]) * units
    own = update.parameters(units, generators=[generator] * runs)
    parameters = {name: _beside(value, normal(*value.shape[1:])) for name, value in own.items()}
    scalars = {
        name: 0.1 + 0.5 * torch.rand(runs, time, generator=generator)
        for name in scalar_names(update, parameters)
    }
    state = [normal(batch, len(parts) * units) for parts in update.state]
    values = {
        "W": _recurrent(normal(width, hidden)),
        **_entering(form, normal, generator, (runs, time, batch), width),
    }
    values |= {f"parameter {name}": value for name, value in parameters.items()}
    values |= {f"scalar {name}": value for name, value in scalars.items()}
    values |= {f"slot {k}": slot for k, slot in enumerate(state)}
    directions = {"outputs": normal(time, *state[0].shape[1:])}
    directions |= {f"last slot {k}": normal(*slot.shape[1:]) for k, slot in enumerate(state)}
    return Problem(update, values, directions)


def _beside(value: Tensor, normal: Tensor) -> Tensor:
    """A random value of the same sign where there is one: a parameter may have to keep it."""
    return torch.where(value == 0, 0.1 * normal, value * (1 + 0.2 * normal).abs())


def scalar_names(update: Update, parameters: Iterable[str]) -> tuple[str, ...]:
    """What the stages of an update read of a drive's numbers a step: the names that nothing else has."""
    known = {*parameters, *update.constants, *(part for slot in update.state for part in slot)}
    known |= {name for stage in update.stages for name in (*stage.inputs, *stage.saves)}
    read = [name for stage in update.stages for name in names(stage.forward)]
    return tuple(dict.fromkeys(name for name in read if name not in known))


def _recurrent(normal: Tensor) -> Tensor:
    """0.95 · orthogonal blocks, (S, N, M) of random numbers (S, M, N)."""
    runs, width, hidden = normal.shape
    square = normal.double().new_zeros(runs, hidden, 0)
    for first in range(0, width, hidden):
        block = torch.linalg.qr(normal[:, first : first + hidden].mT.double())[0]
        square = torch.cat((square, 0.95 * block), 2)
    return square.float().contiguous()


def _entering(
    form: str, normal: Callable[..., Tensor], generator: Generator, lead: tuple[int, int, int], width: int
) -> dict[str, Tensor]:
    runs, time, batch = lead
    if form == "dense":
        return {"z": normal(time, batch, width)}
    size = _SIZES[form]
    if form.startswith("index"):
        x = torch.randint(size, (runs, time, batch), generator=generator)
    else:
        x = normal(time, batch, size)
    bias = {"bias of z": 0.3 * normal(width)} if form in ("numbers", "index_bias") else {}
    return {"x": x, "U": normal(size, width) * 0.7, **bias}


def _named(kind: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values of a kind, by their own names."""
    return {n.removeprefix(f"{kind} "): v for n, v in values.items() if n.startswith(f"{kind} ")}
