"""The derivative of modReLU: finite differences, limits, and along sequences against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro import tables
from rnnrepro.analysis import gains
from rnnrepro.analysis.modrelu import derivatives


def modrelu(z, bias, epsilon):
    r = np.sqrt(abs(z) ** 2 + epsilon)
    return z * (r + bias) / r if r + bias > 0 else 0.0 * z


@pytest.mark.parametrize("bias", [-0.1, -0.01, 0.0, 0.01, 0.1])
@pytest.mark.parametrize("epsilon", [0.0, 1e-5])
def test_both_derivatives_agree_with_finite_differences(bias, epsilon):
    for z in (0.003 + 0.001j, -0.05 + 0.2j, 0.4j, 0.02 - 0.09j):
        if abs(np.sqrt(abs(z) ** 2 + epsilon) + bias) < 1e-5:
            continue
        step = 1e-7
        by_x, by_y = (
            (modrelu(z + d, bias, epsilon) - modrelu(z - d, bias, epsilon)) / (2 * step)
            for d in (step, step * 1j)
        )
        along, across = derivatives(abs(z), bias, epsilon)
        assert along == pytest.approx(abs(by_x - 1j * by_y) / 2, rel=1e-6, abs=1e-7)
        assert across == pytest.approx(abs(by_x + 1j * by_y) / 2, rel=1e-6, abs=1e-7)


def test_smoothing_caps_the_derivative_at_the_cards_values_and_the_exact_one_has_no_bound():
    along, across = derivatives(np.zeros(2), 0.1, 1e-5)
    assert along[0] == pytest.approx(32.6, abs=0.05) and across[0] == 0
    assert derivatives(np.zeros(1), 0.01, 1e-5)[0][0] == pytest.approx(4.2, abs=0.05)
    z = np.array([1e-3, 1e-6])
    np.testing.assert_allclose(derivatives(z, 0.1)[0], 1 + 0.1 / (2 * z))
    assert derivatives(np.zeros(1), 0.1)[0][0] == np.inf
    inside = derivatives(np.linspace(0.1, 2, 50) + 1e-9, -0.1)
    assert (inside[1] < 0.5 + 1e-9).all() and (inside[0] >= 0.5 - 1e-9).all() and (inside[0] <= 1).all()
    assert derivatives(np.array([0.05]), -0.1)[0][0] == 0


def test_the_stretch_of_a_complex_unit_is_the_larger_singular_value_of_its_real_derivative():
    draw = np.random.default_rng(0).normal(size=(7, 2, 2))
    entries = [[torch.from_numpy(draw[:, i, j]) for j in range(2)] for i in range(2)]
    np.testing.assert_allclose(gains.stretch(entries), np.linalg.svd(draw)[1][:, 0])


def test_the_gain_along_a_sequence_is_that_of_autograd_through_the_scan(make):
    task = make.adding([0, 1])
    net = make.network("rnn", task, [0, 1], hidden=5, update={"kind": "tanh"})
    found = gains.modrelu_gain(net, task)["modrelu_gain"]
    assert found.shape == (2, 12)
    h = net.hidden(task.batch(0).inputs.double())[0].detach().numpy()
    np.testing.assert_allclose(found, (1 - h**2).max(-1).mean(-1), rtol=1e-12)


def test_real_modrelu_stretches_by_one_where_it_is_active(make):
    task = make.copying([0])
    net = make.network("scornn", task, [0], update={"bias": "ones"})
    assert (gains.modrelu_gain(net, task)["modrelu_gain"] == 1.0).all()


def test_units_with_gates_have_no_gain_of_this_kind(make):
    task = make.adding([0])
    assert gains.modrelu_gain(make.network("lstm", task, [0]), task) == {}
    assert tables.METRICS["modrelu_gain"].better is None


@pytest.mark.parametrize("kind", ["adding", "copying"])
def test_the_gain_of_complex_units_is_that_of_the_formulas(make, kind):
    task = getattr(make, kind)([0, 1])
    net = make.network("scurnn", task, [0, 1], hidden=6, update={"bias": "constant(0.1)"})
    W, x = net.layers[0].matrix.build().detach(), task.batch(0).inputs
    z, _ = net.layers[0].drive(x)
    h = torch.cat([net.layers[0].first(2, x.shape[2])[0][:, None], net.hidden(x)[0]], 1).detach()
    u = (torch.einsum("stbn,snm->stbm", h[:, :-1], W) + z.dense()).detach().numpy()
    root = 1e-5
    along, across = derivatives(np.hypot(u[..., :6], u[..., 6:]), 0.1, root)
    found = gains.modrelu_gain(net, task)["modrelu_gain"]
    # the update divides by r + 1e-5 where the formulas have r
    np.testing.assert_allclose(found, (along + across).max(-1).mean(-1), rtol=1e-2)
    assert found.max() > 1.5


def test_all_that_is_measured_of_real_units_is_measured_of_complex_ones(make):
    task = make.adding([0, 1])
    net = make.network("scurnn", task, [0, 1])
    flow = tables.load("analysis", "gradient_flow")(net, task)
    assert flow["gradient_norm"].shape == (2, 13) and (flow["gradient_norm"] > 0).all()
    eigenvalues = tables.load("analysis", "spectrum")(net, task)
    moduli = np.hypot(eigenvalues["eigenvalue_real"], eigenvalues["eigenvalue_imaginary"])
    np.testing.assert_allclose(moduli, 1, rtol=1e-10)
