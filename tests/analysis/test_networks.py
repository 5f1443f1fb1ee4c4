"""Analyses of trained networks against closed forms: linear networks, orthogonal and decaying."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro import tables, tasks
from rnnrepro.analysis import trajectories

MODELS = ("rnn", "lstm", "exprnn", "scornn", "nnrnn", "enrnn", "scurnn")
SHORT = {"enrnn": {"short": 4, "negative": 2}}


def adding(seeds: list[int], length: int = 30):
    return tasks.build("adding", {"length": length}, seeds=seeds, batch=5)


def copying(seeds: list[int]):
    settings = {"symbols": 3, "alphabet": 4, "blanks_before_cue": 12, "blanks_after_cue": 3}
    return tasks.build("copying", settings, seeds=seeds, batch=5)


@pytest.fixture
def network(make):
    """A network of ten units, those of split models six and four."""

    def build(name: str, task, seeds: list[int], hidden: int = 10, dtype=torch.float64, **arguments):
        return make.network(name, task, seeds, hidden, dtype, **{"matrix": SHORT.get(name, {})} | arguments)

    return build


@pytest.fixture
def linear(network):
    """A model whose modReLU has bias 0 and so is the identity."""

    def build(name: str, task, seeds: list[int], **matrix):
        matrix = {**SHORT.get(name, {}), **matrix}
        return network(name, task, seeds, update={"bias": "zeros"}, matrix=matrix)

    return build


def analyse(name: str, net, task) -> dict[str, np.ndarray]:
    return tables.load("analysis", name)(net, task)


@pytest.mark.parametrize("name", ["scornn", "exprnn", "nnrnn"])
def test_an_orthogonal_linear_network_carries_the_gradient_without_loss(linear, name):
    task = adding([0, 1])
    norms = analyse("gradient_flow", linear(name, task, [0, 1]), task)["gradient_norm"]
    assert norms.shape == (2, 31)
    assert (norms > 0).all()
    np.testing.assert_allclose(norms, np.repeat(norms[:, -1:], 31, 1), rtol=1e-9)


@pytest.mark.parametrize("name", ["scornn", "exprnn", "nnrnn"])
def test_an_orthogonal_linear_network_never_forgets(linear, name):
    task = adding([0, 1])
    curve = analyse("forgetting", linear(name, task, [0, 1]), task)["forgetting"]
    assert curve.shape == (2, 27)  # steps 3 … 29 of 30
    np.testing.assert_allclose(curve, 1.0, rtol=1e-9)


def test_the_short_term_state_forgets_and_loses_the_gradient_as_powers_of_its_matrix_do(linear):
    task = adding([3])
    net = linear("enrnn", task, [3], coupled=False)
    short = net.arrays()["short"][0].numpy()
    drive = net.recurrence.drive.weight[0, :, 6:].detach().numpy()
    change = trajectories.DELTA * drive.sum(0)
    decay = [np.linalg.norm(change @ np.linalg.matrix_power(short, k)) for k in range(27)]
    found = analyse("forgetting", net, task)
    np.testing.assert_allclose(found["short_forgetting"][0], np.array(decay) / decay[0], rtol=1e-8)
    np.testing.assert_allclose(found["long_forgetting"][0], 1.0, rtol=1e-9)

    flow = analyse("gradient_flow", net, task)
    read = net.readout[0, 6:, 0].detach().numpy()
    growth = np.array([np.linalg.norm(np.linalg.matrix_power(short, 30 - t) @ read) for t in range(31)])
    np.testing.assert_allclose(
        flow["short_gradient_norm"][0] / flow["short_gradient_norm"][0, -1], growth / growth[-1], rtol=1e-8
    )
    assert np.ptp(flow["long_gradient_norm"]) < 1e-9 * flow["long_gradient_norm"].max()
    whole = np.hypot(flow["long_gradient_norm"], flow["short_gradient_norm"])
    np.testing.assert_allclose(flow["gradient_norm"], whole, rtol=1e-9)


def test_the_gradient_is_that_of_a_sequences_own_loss_whatever_the_batch(linear):
    one, two = adding([0]), adding([0])
    net = linear("scornn", one, [0])
    batch = one.batch(0)
    repeated = type(batch)(batch.inputs.repeat(1, 1, 3, 1), batch.targets.repeat(1, 3, 1))
    two.batch = lambda step: repeated
    first, second = (analyse("gradient_flow", net, task)["gradient_norm"] for task in (one, two))
    np.testing.assert_allclose(first, second, rtol=1e-10)
    residual = (net(batch.inputs)[0] - batch.targets).detach().abs().mean()
    expected = 2 * residual * net.readout.detach().norm()
    assert first[0, -1] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("task_of", [adding, copying])
def test_the_gradient_at_each_state_is_that_of_the_rest_of_the_sequence_started_there(network, name, task_of):
    task = task_of([5])
    net = network(name, task, [5])
    batch, found = task.batch(0), analyse("gradient_flow", net, task)
    states, state = [], None
    for x in batch.inputs.split(1, 1):
        states.append(state)
        _, state = net(x, state, every=False)
    for t in (1, 4, len(states) - 1):
        start = tuple(slot.detach().requires_grad_() for slot in states[t])
        outputs, _ = net(batch.inputs[:, t:], start)
        if task.readout_every:
            earlier, _ = net(batch.inputs[:, : t - 1]) if t > 1 else (outputs[:, :0], None)
            outputs = torch.cat([earlier, net.read(start[0][:, None]), outputs], 1)
        loss = task.loss_of(outputs, batch).sum() * 5
        (gradient,) = torch.autograd.grad(loss, start[:1])
        assert found["gradient_norm"][0, t] == pytest.approx(float(gradient.norm(dim=-1).mean()), rel=1e-9)
    np.testing.assert_array_equal(found["gradient_h0"], found["gradient_norm"][:, :1])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("task_of", [adding, copying])
def test_the_gradient_at_the_start_alone_is_that_of_the_whole_flow(network, name, task_of):
    task = task_of([5, 6])
    net = network(name, task, [5, 6])
    alone, flow = (analyse(each, net, task)["gradient_h0"] for each in ("gradient_start", "gradient_flow"))
    assert alone.shape == (2, 1)
    np.testing.assert_allclose(alone, flow, rtol=1e-10)


def test_the_spectral_radius_is_that_of_the_matrix_before_it_is_normalised(network):
    task = adding([0, 1])
    net = network("enrnn", task, [0, 1])
    short = net.recurrence.matrix.short
    with torch.no_grad():
        short.weight[1] *= 3
    short.latch[1] = True
    found = analyse("spectral_radius", net, task)
    expected = [np.abs(np.linalg.eigvals(matrix)).max() for matrix in short.weight.detach().numpy()]
    np.testing.assert_allclose(found["spectral_radius"][:, 0], expected, rtol=1e-12)
    assert expected[1] != pytest.approx(1.0)
    assert found["latch"].tolist() == [[0.0], [1.0]]
    assert analyse("spectral_radius", network("scornn", task, [0, 1]), task) == {}


@pytest.mark.parametrize("analysis", tables.ANALYSES)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("task_of", [adding, copying])
def test_a_run_is_measured_alone_as_in_a_stack_by_metrics_of_the_closed_list(
    network, analysis, name, task_of
):
    seeds = [11, 12, 13]
    stacked = analyse(analysis, network(name, task_of(seeds), seeds, dtype=torch.float32), task_of(seeds))
    assert stacked.keys() <= tables.METRICS.keys()
    for run, seed in enumerate(seeds):
        alone = analyse(
            analysis, network(name, task_of([seed]), [seed], dtype=torch.float32), task_of([seed])
        )
        assert alone.keys() == stacked.keys()
        for metric, values in alone.items():
            assert values.dtype == np.float64
            assert values.ndim == 2
            np.testing.assert_array_equal(values[0], stacked[metric][run])


@pytest.mark.parametrize("name", ["nnrnn", "enrnn"])
def test_an_analysis_leaves_the_network_as_it_was(network, name):
    task = adding([0])
    net = network(name, task, [0])
    before = {key: value.clone() for key, value in net.state_dict().items()}
    for analysis in tables.ANALYSES:
        analyse(analysis, net, task)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_changed_symbol_is_felt_through_an_embedding_from_its_own_step_on(network):
    task = copying([0])
    net = network("lstm", task, [0], embedding={"size": 6})
    curve = analyse("forgetting", net, task)["forgetting"]
    assert curve.shape == (1, 19 - 1)  # 19 steps, changed at step 1
    assert curve[0, 0] == 1.0
    assert np.isfinite(curve).all()


def test_forgetting_is_not_a_number_where_the_input_does_not_reach_the_state(network, linear):
    task = adding([0])
    net = linear("scornn", task, [0])
    torch.nn.init.zeros_(net.recurrence.drive.weight)
    assert np.isnan(analyse("forgetting", net, task)["forgetting"]).all()


@pytest.fixture
def trained_nnrnn(network):
    """An nnRNN with a triangle, radii and angles of its own."""
    net = network("nnrnn", adding([0, 1]), [0, 1])
    matrix = net.recurrence.matrix
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        matrix.triangle.copy_(torch.randn(matrix.triangle.shape, generator=drawn) * 0.3)
        matrix.radius.copy_(1 + torch.rand(matrix.radius.shape, generator=drawn) * 0.1)
    return net


def test_the_schur_form_is_read_from_the_parameters_in_the_papers_orientation(trained_nnrnn):
    net = trained_nnrnn
    matrix, found = net.recurrence.matrix, analyse("schur_form", net, adding([0, 1]))
    theta = found["theta"].reshape(2, 10, 10)
    triangle = torch.linalg.norm(matrix.triangle, dim=1).detach().numpy()
    assert (np.triu(theta, 2) == 0).all()  # lower triangular but for the rotations
    np.testing.assert_allclose(found["theta_radius"], matrix.radius.detach().numpy())
    np.testing.assert_allclose(
        np.cos(found["theta_angle"]), torch.cos(matrix.angle).detach().numpy(), atol=1e-12
    )
    weight = triangle / np.sqrt(2 * (matrix.radius**2).sum(1).detach().numpy())
    np.testing.assert_allclose(found["theta_triangle_ratio"][:, 0], weight)
    expected = [np.diagonal(theta, -k, 1, 2).mean(1) for k in range(1, 10)]
    np.testing.assert_allclose(found["theta_profile"], np.stack(expected, 1))
    assert (found["theta_profile_absolute"] >= np.abs(found["theta_profile"])).all()


def test_a_large_schur_form_is_stored_by_its_leading_part(network):
    task = adding([0])
    net = network("nnrnn", task, [0], hidden=130)
    found = analyse("schur_form", net, task)
    leading = net.arrays()["theta"][0, :128, :128].numpy().ravel()
    np.testing.assert_array_equal(found["theta"][0], leading)
    assert found["theta_angle"].shape == (1, 65)
    assert found["theta_profile"].shape == (1, 129)


def test_the_spectrum_of_the_matrix_is_that_of_its_schur_form(trained_nnrnn):
    net = trained_nnrnn
    found = analyse("spectrum", net, adding([0, 1]))
    values = found["eigenvalue_real"] + 1j * found["eigenvalue_imaginary"]
    for run, theta in enumerate(net.arrays()["theta"].numpy()):
        np.testing.assert_allclose(
            np.sort_complex(values[run]), np.sort_complex(np.linalg.eigvals(theta)), atol=1e-9
        )


def test_the_spectrum_of_a_coupled_matrix_is_the_union_of_its_blocks_and_the_long_one_lies_on_the_circle(
    network,
):
    task = adding([0])
    found = analyse("spectrum", network("enrnn", task, [0]), task)
    values = {
        prefix: found[f"{prefix}eigenvalue_real"][0] + 1j * found[f"{prefix}eigenvalue_imaginary"][0]
        for prefix in ("", "long_", "short_")
    }
    assert {prefix: len(each) for prefix, each in values.items()} == {"": 10, "long_": 6, "short_": 4}
    union = np.concatenate([values["long_"], values["short_"]])
    np.testing.assert_allclose(
        np.sort_complex(values[""].round(9)), np.sort_complex(union.round(9)), atol=1e-8
    )
    np.testing.assert_allclose(np.abs(values["long_"]), 1.0, rtol=1e-12)
    assert (np.abs(values["short_"]) < 1).all()


@pytest.mark.parametrize("name", ["scurnn", "urnn_rc", "urnn_fc", "eurnn_complex"])
def test_the_spectrum_of_complex_units_is_that_of_the_complex_matrix(network, name):
    task = adding([0])
    net = network(name, task, [0])
    found = analyse("spectrum", net, task)
    w = net.recurrence.matrix.build()[0].detach().numpy()
    expected = np.linalg.eigvals(w[:10, :10] + 1j * w[:10, 10:])
    values = found["eigenvalue_real"][0] + 1j * found["eigenvalue_imaginary"][0]
    np.testing.assert_allclose(
        np.sort_complex(values.round(9)), np.sort_complex(expected.round(9)), atol=1e-8
    )
    np.testing.assert_allclose(np.abs(values), 1.0, rtol=1e-12)
    assert analyse("nonnormality", net, task)["henrici"][0, 0] < 1e-12


def test_orthogonal_blocks_are_normal_and_the_coupling_is_not(network, trained_nnrnn):
    task = adding([0])
    found = analyse("nonnormality", network("enrnn", task, [0]), task)
    assert found["long_henrici"][0, 0] < 1e-12
    assert found["long_commutator"][0, 0] < 1e-12
    assert found["henrici_relative"][0, 0] > 0.01
    triangular = analyse("nonnormality", trained_nnrnn, task)
    theta = trained_nnrnn.arrays()["theta"].numpy()
    expected = [np.linalg.norm(t) ** 2 - (np.abs(np.linalg.eigvals(t)) ** 2).sum() for t in theta]
    np.testing.assert_allclose(triangular["henrici"][:, 0] ** 2, expected, rtol=1e-9)


def test_what_a_network_does_not_have_is_not_reported(network):
    task = adding([0])
    assert analyse("schur_form", network("scornn", task, [0]), task) == {}
    assert analyse("spectrum", network("lstm", task, [0]), task) == {}  # N × 4N has no eigenvalues
    assert set(analyse("forgetting", network("scornn", task, [0]), task)) == {"forgetting"}
