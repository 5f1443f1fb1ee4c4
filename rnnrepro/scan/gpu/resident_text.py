"""The text of the persistent kernels: one program a run and a tile of its batch, the loop over time inside."""

from __future__ import annotations

from rnnrepro.scan.gpu.template import Template, indented, kernel, total
from rnnrepro.scan.source import Signature

_WHERE = [
    "run = tl.program_id(0).to(tl.int64)",
    "rows = tl.program_id(1) * TILE + tl.arange(0, TILE)[:, None]",
    "units = tl.arange(0, U)[None, :]",
    "inside = (rows < B) & (units < N)",
    "nothing = tl.zeros([TILE, U], tl.float32)",
]
_SETTINGS = ("N", "TILE", "U", "PRECISION")


class ResidentTemplate(Template):
    """The kernels for matrices of `chunks` pieces of rows."""

    def __init__(self, signature: Signature, chunks: int) -> None:
        super().__init__(signature)
        self.chunks = chunks

    def text(self) -> str:
        """The whole module."""
        return self.module([self.forward_kernel(), self.backward_kernel()])

    def forward_kernel(self) -> str:
        """TRAIN: keep what the backward pass needs; EVERY: keep the outputs."""
        slots, gates = range(len(self.signature.state)), range(self.gates)
        arguments = [
            "W",
            "z",
            *self.arguments(),
            *(f"first_{k}" for k in slots),
            *(f"last_{k}" for k in slots),
        ]
        arguments += [
            *(f"kept_{k}" for k in self.kept),
            *(f"saved_{k}" for k in range(len(self.saved))),
            "T",
            "B",
        ]
        loop = [
            *(
                f"later_{g} = {_part(_at_time('z', self.gates, 'tl.minimum(t + 1, T - 1)'), self.gates, g)}"
                for g in gates
            ),
            *self._scalars(),
            *self._step_forward(),
            *(f"z_{g} = later_{g}" for g in gates),
        ]
        body = [
            *_WHERE,
            *self._matrix("w", transposed=False),
            *(self._matrix("v", transposed=True) if self.two else []),
            *self._parameters(),
            *(f"v_{x} = {_part(f'first_{k} + run * B * {n} * N', n, j)}" for k, n, j, x in self.slots()),
            *(f"z_{g} = {_part(_at_time('z', self.gates, '0'), self.gates, g)}" for g in gates),
            "for t in range(T):",
            *indented(loop),
            *(_store(f"last_{k} + run * B * {n} * N", n, j, f"v_{x}") for k, n, j, x in self.slots()),
        ]
        return kernel("forward", arguments, (*_SETTINGS, "TRAIN", "EVERY"), body)

    def backward_kernel(self) -> str:
        """DOUT: there are gradients of the outputs; FULL: the gradient flows through h W into h."""
        slots = range(len(self.signature.state))
        arguments = ["W", *self.arguments(), *(f"kept_{k}" for k in self.kept)]
        arguments += [f"saved_{k}" for k in range(len(self.saved))]
        arguments += ["dout", *(f"dlast_{k}" for k in slots), "dz", *(["dy"] if self.two else [])]
        arguments += [f"sum_{x}" for x in self.signature.parameters]
        arguments += [f"steps_{x}" for x in self.signature.scalars]
        arguments += [*(f"dfirst_{k}" for k in slots), "T", "B"]
        body = [
            *_WHERE,
            *(self._matrix("w", transposed=False) if self.two else []),
            "if FULL:",
            *indented(self._matrix("v", transposed=True)),
            *self._parameters(),
            *(f"d_{x} = {_part(f'dlast_{k} + run * B * {n} * N', n, j)}" for k, n, j, x in self.slots()),
            *(f"total_{x} = nothing" for x in self.signature.parameters),
            *self._arrivals("", "T - 1"),
            "for i in range(T):",
            *indented(self._step_back()),
            *(_store(f"dfirst_{k} + run * B * {n} * N", n, j, f"d_{x}") for k, n, j, x in self.slots()),
            "tile = run * tl.num_programs(1) + tl.program_id(1)",
            *(
                f"tl.store(sum_{x} + tile * N + tl.arange(0, U), "
                f"tl.sum(tl.where(inside, total_{x}, 0.0), axis=0), mask=tl.arange(0, U) < N)"
                for x in self.signature.parameters
            ),
        ]
        return kernel("backward", arguments, (*_SETTINGS, "DOUT", "FULL"), body)

    def _step_forward(self) -> list[str]:
        reads = self.signature.state[self.signature.reads]
        first = self.signature.stages[0]
        known = self.values() | {x: f"v_{x}" for x in self.signature.parts}
        lines = [
            f"u_{g} = "
            + " + ".join([*(self._product(f"v_{x}", "w", j, g) for j, x in enumerate(reads)), f"z_{g}"])
            for g in range(self.gates)
        ]
        lines += self.forward(0, known | {x: f"u_{g}" for g, x in enumerate(first.inputs)})
        if self.two:
            second = self.signature.stages[1]
            lines += ["y_0 = tl.where(inside, y_0, 0.0)", f"arrived = {self._product('y_0', 'v', 0, 0)}"]
            lines += self.forward(1, known | self.earlier(0) | {second.inputs[0]: "arrived"})
        lines += [f"v_{x} = tl.where(inside, y_{x}, 0.0)" for x in self.signature.parts]
        kept = {
            k: [
                _store(_at_time(f"kept_{k}", n, "t + 1", "(T + 1)"), n, j, f"v_{x}")
                for K, n, j, x in self.slots()
                if k == K
            ]
            for k in self.kept
        }
        saves = [
            _store(_at_time(f"saved_{k}", 1), 1, 0, "y_0" if owner < 0 else f"x_{k}")
            for k, (owner, _) in enumerate(self.saved)
        ]
        lines += ["if EVERY:", *indented(kept[0])]
        later = [line for k in self.kept if k != 0 for line in kept[k]] + saves
        return lines + (["if TRAIN:", *indented(later)] if later else [])

    def _step_back(self) -> list[str]:
        signature = self.signature
        lines = ["t = T - 1 - i", "if DOUT:"]
        lines += indented(f"d_{x} += o_{x}" for x in signature.state[0])
        # Now, so that they have arrived when the products are done.
        lines += self._arrivals("later_", "tl.maximum(t - 1, 0)")
        lines += self._scalars()
        if self.two:
            (arrived,) = signature.stages[1].inputs
            lines += [
                *self.backward(1),
                f"g_{arrived} = tl.where(inside, {total(self.gradients(arrived, [1]))}, 0.0)",
            ]
            lines += [
                _store(_at_time("dy", 1), 1, 0, f"g_{arrived}"),
                f"d_0 = {self._product(f'g_{arrived}', 'w', 0, 0)}",
            ]
        lines += self.backward(0)
        for g, x in enumerate(signature.stages[0].inputs):
            lines += [f"u_{g} = tl.where(inside, {total(self.gradients(x, [0]))}, 0.0)"]
            lines += [_store(_at_time("dz", self.gates), self.gates, g, f"u_{g}")]
        return [*lines, *self._before(), *self._arrivals("", None)]

    def _arrivals(self, prefix: str, t: str | None) -> list[str]:
        """Load what a step back reads at time t; without t, take what was loaded for it as `later_…`."""
        outputs, order = self.signature.state[0], range(len(self.signature.stages))
        count = len(outputs)

        def loads(names: dict[str, str]) -> list[str]:
            return [f"{prefix}{x} = {place if t else f'later_{x}'}" for x, place in names.items()]

        arriving = {f"o_{x}": _part(_at_time("dout", count, t), count, j) for j, x in enumerate(outputs)}
        new = {x: outputs.index(x) for i in order for x in self.reads_output(i)}
        known = {
            f"v_{x}": _part(_at_time("kept_0", count, f"{t} + 1", "(T + 1)"), count, j)
            for x, j in new.items()
        }
        known |= {
            f"x_{k}": _part(_at_time(f"saved_{k}", 1, t), 1, 0)
            for k in sorted({k for i in order for k in self.needed(i)})
        }
        return ["if DOUT:", *indented(loads(arriving)), *loads(known)]

    def _before(self) -> list[str]:
        """The gradients of what serves every step, and those of the state before."""
        signature, order = self.signature, range(len(self.signature.stages))
        lines = [
            f"total_{x} += {total(self.gradients(x, order))}"
            for x in signature.parameters
            if self.gradients(x, order)
        ]
        lines += [
            f"tl.store(steps_{x} + (run * tl.num_programs(1) + tl.program_id(1)) * T + t, "
            f"tl.sum(tl.where(inside, {total(self.gradients(x, order))}, 0.0)))"
            for x in signature.scalars
        ]
        lines += [
            f"d_{x} = tl.where(inside, {total(self.gradients(x, order))}, 0.0)" for x in signature.parts
        ]
        lines += ["if FULL:"]
        for j, x in enumerate(signature.state[signature.reads]):
            lines += indented(f"d_{x} += {self._product(f'u_{g}', 'v', g, j)}" for g in range(self.gates))
        return lines

    def _matrix(self, name: str, *, transposed: bool) -> list[str]:
        """W's blocks (part of h, gate), or those of Wᵀ (gate, part of h), each in pieces of rows."""
        row, column = f"{self.gates} * N", "1"
        lines = []
        for j in range(self.parts):
            for g in range(self.gates):
                block = f"W + (run * {self.parts} + {j}) * N * {self.gates} * N + {g} * N"
                own = f"{name}_{g}_{j}" if transposed else f"{name}_{j}_{g}"
                steps = f"{column}, {row}" if transposed else f"{row}, {column}"
                lines += [
                    f"{own}_{c} = rows_of({block}, {steps}, {c} * (U // {self.chunks}), N, U // {self.chunks}, U)"
                    for c in range(self.chunks)
                ]
        return lines

    def _product(self, x: str, matrix: str, i: int, j: int) -> str:
        pieces = ", ".join(f"{matrix}_{i}_{j}_{c}" for c in range(self.chunks))
        return f"product_{self.chunks}({x}, {pieces}, TILE, U, PRECISION)"

    def _parameters(self) -> list[str]:
        loads = [
            f"v_{x} = tl.load(p_{x} + run * N + units, mask=units < N, other=0.0)"
            for x in self.signature.parameters
        ]
        return loads + [f"v_{x} = c_{x}" for x in self.signature.constants]

    def _scalars(self) -> list[str]:
        return [f"v_{x} = tl.load(s_{x} + run * T + t)" for x in self.signature.scalars]


def _at_time(array: str, parts: int, t: str | None = "t", times: str = "T") -> str:
    return f"{array} + (run * {times} + {t}) * B * {parts} * N"


def _part(base: str, parts: int, part: int) -> str:
    return f"tl.load({base} + (rows * {parts} * N + {part} * N + units), mask=inside, other=0.0)"


def _store(base: str, parts: int, part: int, value: str) -> str:
    return f"tl.store({base} + (rows * {parts} * N + {part} * N + units), {value}, mask=inside)"
