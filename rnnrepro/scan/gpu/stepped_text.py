"""The text of the pointwise kernels: one step of a stage for all runs, sequences and units at once."""

from __future__ import annotations

from rnnrepro.scan.gpu.template import Template, indented, kernel, total

_WHERE = [
    "run = tl.program_id(1).to(tl.int64)",
    "number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)",
    "inside = number < B * N",
    "row = number // N",
    "unit = number % N",
    "nothing = tl.zeros([BLOCK], tl.float32)",
]


class SteppedTemplate(Template):
    """Kernels `forward_step_i` and `backward_step_i` of stage i.

    Slot k is there at `times_k` times, (S, times_k, B, ·), T + 1 if KEPT_k and else two in turn; what is saved at all T
    if SAVED and else one.
    """

    def text(self) -> str:
        """The whole module."""
        stages = range(len(self.signature.stages))
        return self.module([text(i) for text in (self.forward_kernel, self.backward_kernel) for i in stages])

    def forward_kernel(self, i: int) -> str:
        """From `arrived` (S, B, M), what the product gave, to a (S, B, N) or to the new state; and what is saved."""
        last = i == len(self.signature.stages) - 1
        inputs = self.signature.stages[i].inputs
        known = self.values() | {x: f"v_{x}" for x in self.signature.parts}
        known |= self.earlier(0) if i == 1 else {}
        known |= {x: f"u_{g}" for g, x in enumerate(inputs)}
        body = [
            *_WHERE,
            *self._times(),
            *(f"u_{g} = {_load('arrived + run * B', len(inputs), g)}" for g in range(len(inputs))),
            *(f"v_{x} = {_load(_kept(k, 't'), n, j)}" for k, n, j, x in self.slots()),
            *self._values(),
            *(f"{x} = {_load(_saved(x), 1, 0)}" for x in (self.saves(0) if i == 1 else ())),
            *self.forward(i, known),
            *(_store(_saved(x), 1, 0, x) for x in self.saves(i)),
        ]
        if last:
            body += [_store(_kept(k, "t + 1"), n, j, f"y_{x}") for k, n, j, x in self.slots()]
        else:
            body += [_store(_saved(f"x_{len(self.saved) - 1}"), 1, 0, "y_0")]
        arguments = ["arrived", *self.arguments(), *self._arrays(), "t", "T", "B"]
        return kernel(f"forward_step_{i}", arguments, self._settings(), body)

    def backward_kernel(self, i: int) -> str:
        """From the gradient of what stage i gives to that of what arrived (`given`), of the state before and all else.

        `dstate_k` (S, B, ·) holds the gradient of slot k after the step and then, as far as it does not go through
        the product, before it. Stage 1 leaves in `between_x` the gradient of what stage 0 saved.
        """
        first_of_two = self.two and i == 0
        inputs = self.signature.stages[i].inputs
        body = [*_WHERE, *self._times(), *self._values()]
        body += [f"x_{k} = {_load(_saved(f'x_{k}'), 1, 0)}" for k in sorted(set(self.needed(i)))]
        body += self._arriving_between() if first_of_two else self._arriving()
        outputs = self.signature.state[0]
        body += [
            f"v_{x} = {_load(_kept(0, 't + 1'), len(outputs), outputs.index(x))}"
            for x in self.reads_output(i)
        ]
        body += self.backward(i)
        body += [
            _store("given + (run * T + t) * B", len(inputs), g, total(self.gradients(x, [i])))
            for g, x in enumerate(inputs)
        ]
        body += [_store(f"between_{x} + run * B", 1, 0, f"g_{x}") for x in self.between()] if i == 1 else []
        body += self._before(i) + self._sums(i)
        slots = range(len(self.signature.state))
        arguments = [
            "d_arrived",
            "given",
            *self.arguments(),
            *self._arrays(),
            *(f"dstate_{k}" for k in slots),
        ]
        arguments += [
            *(f"between_{x}" for x in self.between()),
            *(f"sum_{x}" for x in self.signature.parameters),
        ]
        arguments += [*(f"steps_{x}" for x in self.signature.scalars), "t", "T", "B"]
        return kernel(f"backward_step_{i}", arguments, (*self._settings(), "DOUT"), body)

    def between(self) -> list[str]:
        """What the first stage saves and the second has a gradient for."""
        return [
            x for x in self.signature.stages[0].saves if self.two and x in self.signature.stages[1].gradients
        ]

    def _arriving(self) -> list[str]:
        parts = len(self.signature.state[0])
        lines = [f"d_{x} = {_load(f'dstate_{k} + run * B', n, j)}" for k, n, j, x in self.slots()]
        outputs = [
            f"d_{x} += {_load('d_arrived + (run * T + t) * B', parts, j)}"
            for j, x in enumerate(self.signature.state[0])
        ]
        return [*lines, "if DOUT:", *indented(outputs)]

    def _arriving_between(self) -> list[str]:
        loads = [f"g_{x} = {_load(f'between_{x} + run * B', 1, 0)}" for x in self.between()]
        return [f"d_0 = {_load('d_arrived + run * B', 1, 0)}", *loads]

    def _before(self, i: int) -> list[str]:
        """Of two stages the first adds to what the second found."""
        lines = []
        for k, n, j, x in self.slots():
            found = self.gradients(x, [i])
            if self.two and i == 0:
                found = [_load(f"dstate_{k} + run * B", n, j), *found] if found else []
            if found or not (self.two and i == 0):
                lines.append(_store(f"dstate_{k} + run * B", n, j, total(found)))
        return lines

    def _sums(self, i: int) -> list[str]:
        given = self.signature.stages[i].gradients
        lines = [
            _store(f"sum_{x} + run * B", 1, 0, f"{_load(f'sum_{x} + run * B', 1, 0)} + {self.prefix(i)}_{x}")
            for x in self.signature.parameters
            if x in given
        ]
        for x in self.signature.scalars:
            if x in given:
                place = (
                    f"steps_{x} + ((run * T + t) * {len(self.signature.stages)} + {i}) * tl.num_programs(0)"
                )
                value = f"tl.sum(tl.where(inside, {self.prefix(i)}_{x}, 0.0))"
                lines.append(f"tl.store({place} + tl.program_id(0), {value})")
        return lines

    def _values(self) -> list[str]:
        signature = self.signature
        loads = [
            f"v_{x} = tl.load(p_{x} + run * N + unit, mask=inside, other=0.0)" for x in signature.parameters
        ]
        loads += [f"v_{x} = tl.load(s_{x} + run * T + t)" for x in signature.scalars]
        return loads + [f"v_{x} = c_{x}" for x in signature.constants]

    def _arrays(self) -> list[str]:
        slots = range(len(self.signature.state))
        return [*(f"kept_{k}" for k in slots), *(f"saved_{k}" for k in range(len(self.saved)))]

    def _times(self) -> list[str]:
        lines = ["if SAVED:", "    steps = T", "else:", "    steps = 1"]
        for k in range(len(self.signature.state)):
            lines += [f"if KEPT_{k}:", f"    times_{k} = T + 1", "else:", f"    times_{k} = 2"]
        return lines

    def _settings(self) -> list[str]:
        return ["N", "BLOCK", *(f"KEPT_{k}" for k in range(len(self.signature.state))), "SAVED"]


def _kept(slot: int, t: str) -> str:
    return f"kept_{slot} + (run * times_{slot} + ({t}) % times_{slot}) * B"


def _saved(variable: str) -> str:
    return f"saved_{variable[2:]} + (run * steps + t % steps) * B"


def _load(base: str, parts: int, part: int) -> str:
    """`base` counts rows of the batch."""
    return f"tl.load({_address(base, parts, part)}, mask=inside, other=0.0)"


def _store(base: str, parts: int, part: int, value: str) -> str:
    return f"tl.store({_address(base, parts, part)}, {value}, mask=inside)"


def _address(base: str, parts: int, part: int) -> str:
    array, _, rows = base.partition(" + ")
    return f"{array} + ({rows}) * {parts} * N + row * {parts} * N + {part} * N + unit"
