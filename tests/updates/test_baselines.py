"""FastRNN, FastGRNN, and Euler steps: the scans against the equations, unit by unit, and against autograd of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from rnnrepro.reduce import product
from rnnrepro.scan import scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.euler import EulerTanh, Lipschitz
from rnnrepro.updates.fast import FastGRNN, FastRNN

RUNS, TIME, BATCH, UNITS = 2, 8, 3, 7
UPDATES: dict[str, Update] = {
    "fastrnn": FastRNN(-0.5, 0.7),
    "fastgrnn": FastGRNN(0.6, -1.0, "normal(0.3)", "normal(0.3)"),
    "euler_tanh": EulerTanh(0.3),
    "lipschitz": Lipschitz(0.2),
}

Values = dict[str, torch.Tensor]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def fastrnn(h: float, u: list[float], p: dict[str, float]) -> float:
    return sigmoid(p["write"]) * math.tanh(u[0]) + sigmoid(p["keep"]) * h


def fastgrnn(h: float, u: list[float], p: dict[str, float]) -> float:
    z, c = sigmoid(u[0] + p["gate_bias"]), math.tanh(u[0] + p["update_bias"])
    return (sigmoid(p["zeta"]) * (1 - z) + sigmoid(p["nu"])) * c + z * h


def euler_tanh(h: float, u: list[float], p: dict[str, float]) -> float:
    return h + 0.3 * math.tanh(u[0])


def lipschitz(h: float, u: list[float], p: dict[str, float]) -> float:
    return h + 0.2 * (u[0] + math.tanh(u[1]))


def problem(name: str, dtype: torch.dtype = torch.float64) -> Values:
    """W, z, the first state and the parameters, of which those of one number a run differ from run to run."""
    update, draws = UPDATES[name], torch.Generator().manual_seed(4)
    width = update.gates * UNITS

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(RUNS, *shape, generator=draws, dtype=torch.float64)

    seeds = [torch.Generator().manual_seed(seed) for seed in range(RUNS)]
    own = update.parameters(UNITS, generators=seeds, dtype=torch.float64)
    spread = {n: v + torch.arange(RUNS) * 0.4 if v.dim() == 1 else v for n, v in own.items()}
    values = {
        "W": normal(UNITS, width) / UNITS**0.5,
        "z": normal(TIME, BATCH, width),
        "h": normal(BATCH, UNITS),
    }
    return {name: value.to(dtype) for name, value in (values | spread).items()}


def run(name: str, values: Values, backend: str) -> torch.Tensor:
    parameters = {n: v for n, v in values.items() if n not in ("W", "z", "h")}
    return scan(UPDATES[name], parameters, values["W"], values["z"], (values["h"],), backend=backend)[0]


def by_hand(name: str, values: Values, step: Callable[..., float]) -> np.ndarray:
    """The outputs (S, T, B, N), number after number."""
    arrays = {n: v.numpy() for n, v in values.items()}
    out = np.zeros((RUNS, TIME, BATCH, UNITS))
    for s, b in np.ndindex(RUNS, BATCH):
        h = arrays["h"][s, b]
        for t in range(TIME):
            u = h @ arrays["W"][s] + arrays["z"][s, t, b]
            h = np.array([
                step(h[j], list(u[j::UNITS]), {n: float(np.broadcast_to(v[s], (UNITS,))[j])
                     for n, v in arrays.items() if n not in ("W", "z", "h")})
                for j in range(UNITS)
            ])  # fmt: skip
            out[s, t, b] = h
    return out


STEPS = {"fastrnn": fastrnn, "fastgrnn": fastgrnn, "euler_tanh": euler_tanh, "lipschitz": lipschitz}


@pytest.mark.parametrize("name", UPDATES)
def test_the_plain_scan_is_the_equations_unit_by_unit(name: str) -> None:
    values = problem(name)
    expected = by_hand(name, values, STEPS[name])
    np.testing.assert_allclose(run(name, values, "plain").numpy(), expected, rtol=0, atol=1e-13)


def in_tensors(name: str, values: Values) -> torch.Tensor:
    """The same in tensors, for autograd."""
    p = {n: v.reshape(RUNS, 1, -1) for n, v in values.items()} | {"h": values["h"]}
    h, outputs = values["h"], []
    for z in values["z"].unbind(1):
        u = product(h, values["W"]) + z
        if name == "fastrnn":
            h = torch.sigmoid(p["write"]) * torch.tanh(u) + torch.sigmoid(p["keep"]) * h
        elif name == "fastgrnn":
            gate = torch.sigmoid(u + p["gate_bias"])
            share = torch.sigmoid(p["zeta"]) * (1 - gate) + torch.sigmoid(p["nu"])
            h = share * torch.tanh(u + p["update_bias"]) + gate * h
        elif name == "euler_tanh":
            h = h + 0.3 * torch.tanh(u)
        else:
            h = h + 0.2 * (u[..., :UNITS] + torch.tanh(u[..., UNITS:]))
        outputs.append(h)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("name", UPDATES)
def test_the_gradients_of_the_compiled_scan_are_autograds_of_the_equations(name: str) -> None:
    draws = torch.Generator().manual_seed(9)
    direction = torch.randn(RUNS, TIME, BATCH, UNITS, generator=draws, dtype=torch.float64)
    found = []
    for dtype, make in ((torch.float64, in_tensors), (torch.float32, lambda n, v: run(n, v, "cpu"))):
        values = {n: v.requires_grad_() for n, v in problem(name, dtype).items()}
        outputs = make(name, values)
        gradients = torch.autograd.grad((outputs * direction.to(dtype)).sum(), list(values.values()))
        found.append({"outputs": outputs.detach()} | dict(zip(values, gradients, strict=True)))
    exact, compiled = found
    for key, value in exact.items():
        scale = float(value.abs().max())
        torch.testing.assert_close(compiled[key].double(), value, rtol=0, atol=3e-6 * max(scale, 1), msg=key)


def test_the_numbers_start_as_they_do_in_the_authors_library() -> None:
    generators = [torch.Generator().manual_seed(1)] * 2
    fast = FastRNN().parameters(4, generators=generators)
    assert {n: v.tolist() for n, v in fast.items()} == {"write": [-3.0, -3.0], "keep": [3.0, 3.0]}
    gated = FastGRNN().parameters(4, generators=generators)
    assert gated["zeta"].tolist() == [1.0, 1.0] and gated["nu"].tolist() == [-4.0, -4.0]
    assert torch.equal(gated["gate_bias"], torch.ones(2, 4)) and torch.equal(
        gated["update_bias"], torch.ones(2, 4)
    )
