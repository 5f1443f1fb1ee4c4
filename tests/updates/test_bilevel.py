"""SBO-RNN (Zhang et al., NeurIPS 2021): the updates against the paper's equations with their gradient built densely."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.scan import scan
from rnnrepro.updates.bilevel import BilevelHeavyBall, BilevelNesterov, BilevelSGD

RUNS, TIME, BATCH, HIDDEN = 2, 9, 3, 7
ETA, ALPHA = 0.2, 0.9
UPDATES = {
    "sgd": BilevelSGD(ETA, ALPHA),
    "shb": BilevelHeavyBall(ETA, ALPHA),
    "snag": BilevelNesterov(ETA, ALPHA),
}


def problem(
    name: str,
) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
    """The parameters, W, z and the initial state, in float64; μ differs from run to run."""
    generator = torch.Generator().manual_seed(4)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(RUNS, *shape, generator=generator, dtype=torch.float64)

    parameters = {} if name == "sgd" else {"mu": torch.tensor([0.5, 0.8], dtype=torch.float64)}
    state = tuple(normal(BATCH, HIDDEN) for _ in range(UPDATES[name].slots))
    return parameters, normal(HIDDEN, HIDDEN) / HIDDEN**0.5, normal(TIME, BATCH, HIDDEN), state


def densely(name: str, mu: float, W: np.ndarray, z: np.ndarray, state: list[np.ndarray]) -> np.ndarray:
    """The outputs (T, N) of one sequence, with ∇F = (α I − W diag(s)) r as the authors' code forms it."""
    h, m = state[0], state[-1]
    outputs = []
    for z_t in z:
        phi = np.maximum(W.T @ h + z_t, 0)
        gradient = (ALPHA * np.eye(HIDDEN) - W @ np.diag(phi > 0)) @ (ALPHA * h - phi)
        if name == "sgd":
            h = h - ETA * gradient
        elif name == "shb":
            m = mu * m - ETA * gradient
            h = h + m
        else:
            m, before = h - ETA * gradient, m
            h = m + mu * (m - before)
        outputs.append(h)
    return np.stack(outputs)


@pytest.mark.parametrize("name", UPDATES)
def test_the_updates_are_the_papers_with_the_gradient_built_densely(name: str) -> None:
    parameters, W, z, state = problem(name)
    outputs, _ = scan(UPDATES[name], parameters, W, z, state)
    for run in range(RUNS):
        mu = float(parameters["mu"][run]) if parameters else 0.0
        for b in range(BATCH):
            start = [part[run, b].numpy() for part in state]
            expected = densely(name, mu, W[run].numpy(), z[run, :, b].numpy(), start)
            np.testing.assert_allclose(outputs[run, :, b].numpy(), expected, rtol=0, atol=1e-13)


def test_one_step_descends_the_objective_with_s_held() -> None:
    _, W, z, (h,) = problem("sgd")
    u = torch.bmm(h, W) + z[:, 0]
    s, leaf = (u > 0).double(), h.clone().requires_grad_()
    objective = 0.5 * ((ALPHA * leaf - s * (torch.bmm(leaf, W) + z[:, 0])) ** 2).sum()
    (gradient,) = torch.autograd.grad(objective, leaf)
    outputs, _ = scan(UPDATES["sgd"], {}, W, z[:, :1], (h,))
    torch.testing.assert_close(outputs[:, 0], h - ETA * gradient, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", UPDATES)
def test_every_gradient_is_that_of_the_dense_form_with_s_held(name: str) -> None:
    parameters, W, z, state = problem(name)
    direction = torch.randn(RUNS, TIME, BATCH, HIDDEN, dtype=torch.float64)
    gradients = []
    for dense in (False, True):
        p, W_, z_, start = _leaves(parameters, W, z, state)
        if dense:
            outputs = _dense_tensors(name, p.get("mu"), W_, z_, start)
        else:
            outputs, _ = scan(UPDATES[name], p, W_, z_, start)
        gradients.append(torch.autograd.grad((outputs * direction).sum(), [*p.values(), W_, z_, *start]))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def _leaves(parameters: dict, W: torch.Tensor, z: torch.Tensor, state: tuple) -> tuple:
    def leaf(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone().requires_grad_()

    return {name: leaf(p) for name, p in parameters.items()}, leaf(W), leaf(z), tuple(map(leaf, state))


def _dense_tensors(
    name: str, mu: torch.Tensor | None, W: torch.Tensor, z: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> torch.Tensor:
    h, m, outputs = state[0], state[-1], []
    mu = 0.0 if mu is None else mu[:, None, None]
    for z_t in z.unbind(1):
        phi = torch.relu(h @ W + z_t)
        s = (phi > 0).double().detach()
        matrix = ALPHA * torch.eye(HIDDEN, dtype=torch.float64) - W[:, None] * s[:, :, None]
        gradient = (matrix @ (ALPHA * h - phi)[..., None])[..., 0]
        if name == "sgd":
            h = h - ETA * gradient
        elif name == "shb":
            m = mu * m - ETA * gradient
            h = h + m
        else:
            m, before = h - ETA * gradient, m
            h = m + mu * (m - before)
        outputs.append(h)
    return torch.stack(outputs, 1)


def test_momentum_starts_where_it_is_told_for_every_run() -> None:
    generators = [torch.Generator(), torch.Generator()]
    for cls in (BilevelHeavyBall, BilevelNesterov):
        assert cls().parameters(5, generators=generators)["mu"].tolist() == [0.5, 0.5]
        assert cls(momentum=0.25).parameters(5, generators=generators)["mu"].tolist() == [0.25, 0.25]
