"""SBO-RNN's six networks against the paper's equations with the numbers of a network that the table composes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from rnnrepro import models
from rnnrepro.models.network import Network

TIME, BATCH, INPUTS, HIDDEN, OUTPUTS = 7, 3, 2, 9, 4
ETA, ALPHA = 0.1, 0.8
NAMES = [f"sbo_{step}{form}" for step in ("sgd", "shb", "snag") for form in ("", "_sparse")]


def network(name: str, hidden: int = HIDDEN, **update: float) -> Network:
    return models.build(
        name,
        input_size=INPUTS,
        hidden_size=hidden,
        output_size=OUTPUTS,
        arguments={"update": update},
        generators=[torch.Generator().manual_seed(seed) for seed in (3, 4)],
        dtype=torch.float64,
    )


def in_training(name: str) -> Network:
    """Away from the start, where w of the sparse form is 0 and μ the same in both runs."""
    found = network(name, eta=ETA, alpha=ALPHA)
    draws = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in found.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=draws, dtype=torch.float64)
    return found


def gradient(h: np.ndarray, x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    """∇F(h; x) of the card: of the dense form with (α I − W diag(s)) written out, of the sparse one with w."""
    if "scale" in p:
        phi = np.maximum(p["scale"] * h + x @ p["weight"] + p["bias"], 0)
        r = ALPHA * h - phi
        return ALPHA * r - p["scale"] * (phi > 0) * r
    W = np.eye(HIDDEN) + p["left"] @ p["right"]
    phi = np.maximum(h @ W + x @ p["weight"] + p["bias"], 0)
    return (ALPHA * np.eye(HIDDEN) - W @ np.diag(phi > 0)) @ (ALPHA * h - phi)


def outputs(name: str, p: dict[str, np.ndarray], xs: np.ndarray) -> np.ndarray:
    """The logits after each of the inputs (T, D) of one sequence."""
    h, m, mu, found = np.zeros(HIDDEN), np.zeros(HIDDEN), p.get("mu"), []
    for x in xs:
        step = ETA * gradient(h, x, p)
        if "shb" in name:
            m = mu * m - step
            h = h + m
        elif "snag" in name:
            m, before = h - step, m
            h = m + mu * (m - before)
        else:
            h = h - step
        found.append(h @ p["readout_weight"] + p["readout_bias"])
    return np.stack(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_the_papers_from_input_to_logits(name: str) -> None:
    net = in_training(name)
    xs = torch.randn(2, TIME, BATCH, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = net(xs)[0].detach().numpy()
    for run in range(2):
        p = {key.split(".")[-1]: value[run].detach().numpy() for key, value in net.named_parameters()}
        assert ("mu" in p) == ("sgd" not in name)
        for b in range(BATCH):
            expected = outputs(name, p, xs[run, :, b].numpy())
            np.testing.assert_allclose(found[run, :, b], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_all_but_w_and_mu_start_uniform_within_one_over_the_root_of_the_units(name: str) -> None:
    net = network(name, hidden=400)
    rule = net.recurrence.rule
    assert (rule.eta, rule.alpha) == (1e-3, 1.0)
    for key, value in net.named_parameters():
        drawn = value[0].detach().flatten().numpy()
        if key.endswith("mu"):
            assert drawn == 0.5
        elif key.endswith("scale"):
            assert drawn == 0.0
        else:
            assert scipy.stats.kstest(drawn, "uniform", (-0.05, 0.1)).pvalue > 0.005, key
