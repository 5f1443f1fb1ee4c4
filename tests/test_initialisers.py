from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.initialisers import fill, orthogonal, parse, resolve_fan, rotation

SHAPE = (120, 80)
FANS = {"fan_in": 7, "fan_out": 11}


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def drawn(spec: str, shape: tuple[int, ...] = SHAPE, **fans: int) -> np.ndarray:
    return fill(spec, generators(0), shape, dtype=torch.float64, **fans)[0].numpy().ravel()


@pytest.mark.parametrize(
    ("spec", "fans", "bound"),
    [
        ("uniform(0.01)", {}, 0.01),
        ("glorot_uniform", FANS, math.sqrt(6 / 18)),
        ("glorot_uniform", {}, math.sqrt(6 / 200)),
        ("fan_in_uniform", FANS, 1 / math.sqrt(7)),
        ("fan_in_uniform", {}, 1 / math.sqrt(120)),
        ("glorot_vector", FANS, math.sqrt(3 / 80)),
    ],
)
def test_a_uniform_initialiser_fills_its_interval_evenly(spec: str, fans: dict, bound: float) -> None:
    assert scipy.stats.kstest(drawn(spec, **fans), "uniform", (-bound, 2 * bound)).pvalue > 0.01


@pytest.mark.parametrize(
    ("spec", "fans", "deviation"),
    [
        ("normal(0.3)", {}, 0.3),
        ("glorot_normal", FANS, math.sqrt(2 / 18)),
        ("glorot_normal", {}, math.sqrt(2 / 200)),
        ("kaiming_normal", FANS, math.sqrt(2 / 7)),
        ("kaiming_normal", {}, math.sqrt(2 / 120)),
        ("fan_in_normal(0.9)", {"fan_in": 100}, 0.09),
        ("fan_in_normal(0.9)", {}, 0.9 / math.sqrt(120)),
    ],
)
def test_a_normal_initialiser_has_its_deviation(spec: str, fans: dict, deviation: float) -> None:
    assert scipy.stats.kstest(drawn(spec, **fans), "norm", (0, deviation)).pvalue > 0.01


def test_fan_in_uniform_twice_is_the_sum_of_two_uniform_biases() -> None:
    biases = drawn("fan_in_uniform_twice", fan_in=4)
    assert scipy.stats.kstest(biases, scipy.stats.triang(0.5, -1, 2).cdf).pvalue > 0.01


def test_a_bias_of_nine_classes_starts_within_the_bound_of_the_reproduction_card() -> None:
    biases = fill("glorot_vector", generators(*range(300)), (9,))
    assert 0.57 < float(biases.abs().max()) <= 0.57736


@pytest.mark.parametrize(("spec", "value"), [("zeros", 0.0), ("ones", 1.0), ("constant(-2.5)", -2.5)])
def test_constants_are_constant(spec: str, value: float) -> None:
    assert (drawn(spec) == value).all()


def test_initialisers_have_the_distribution_of_pytorchs_own_layers() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer, lstm = torch.nn.Linear(50, 400), torch.nn.LSTM(1, 500)
    bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().numpy()
    assert (
        scipy.stats.ks_2samp(layer.weight.detach().numpy().ravel(), drawn("fan_in_uniform", (50, 400))).pvalue
        > 0.01
    )
    assert scipy.stats.ks_2samp(bias, drawn("fan_in_uniform_twice", (2000,), fan_in=500)).pvalue > 0.01


def _parses(spec: str) -> bool:
    try:
        return bool(parse(spec))
    except Fault:
        return False


def test_every_row_of_the_table_can_be_drawn() -> None:
    bare = [name for name in tables.INITIALISERS if _parses(name)]
    assert "constant" not in bare and "zeros" in bare
    for name in tables.INITIALISERS:
        spec = name if name in bare else f"{name}(0.5)"
        x = fill(spec, generators(0, 1), (6, 6))
        assert x.shape == (2, 6, 6) and x.dtype == torch.float32 and x.isfinite().all(), name


def test_a_run_draws_the_same_alone_and_in_a_stack_and_otherwise_than_its_neighbours() -> None:
    stack = fill("normal(1.0)", generators(5, 6, 7), (4, 3))
    assert torch.equal(stack[1:2], fill("normal(1.0)", generators(6), (4, 3)))
    assert not torch.equal(stack[0], stack[1])


def test_single_precision_is_the_double_draw_rounded() -> None:
    double = fill("glorot_normal", generators(1), (4, 3), dtype=torch.float64)
    assert torch.equal(fill("glorot_normal", generators(1), (4, 3)), double.float())


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_haar_gives_rotations(size: int) -> None:
    q = rotation(*generators(size), size)
    assert torch.allclose(q.mT @ q, torch.eye(size, dtype=torch.float64), atol=1e-13)
    assert math.isclose(float(torch.linalg.det(q)), 1.0, abs_tol=1e-12)


def test_haar_rotations_of_the_plane_have_uniform_angles() -> None:
    generator = torch.Generator().manual_seed(0)
    angles = [math.atan2(*rotation(generator, 2)[[1, 0], [0, 0]].tolist()) for _ in range(2000)]
    assert scipy.stats.kstest(angles, "uniform", (-math.pi, 2 * math.pi)).pvalue > 0.01


def test_haar_rotations_have_the_trace_moments_of_the_group() -> None:
    # On SO(n), n > 2, the trace has mean 0 and variance 1 (Diaconis and Evans, 2001).
    generator = torch.Generator().manual_seed(1)
    traces = np.array([float(rotation(generator, 5).trace()) for _ in range(4000)])
    assert abs(traces.mean()) < 4 / math.sqrt(4000) and abs(traces.var() - 1) < 0.12


@pytest.mark.parametrize(
    ("spec", "parsed"),
    [
        ("zeros", ("zeros", None)),
        ("uniform(0.01)", ("uniform", 0.01)),
        ("constant(-1e-3)", ("constant", -0.001)),
    ],
)
def test_parse_reads_a_name_and_its_number(spec: str, parsed: tuple) -> None:
    assert parse(spec) == parsed


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("glorot_norml", "did you mean 'glorot_normal'"),
        ("uniform", "needs a number"),
        ("zeros(1)", "takes no number"),
        ("uniform(1e)", "not a number"),
        ("uniform(a)", "unknown initialiser"),
        ("", "unknown initialiser"),
        (None, "unknown initialiser"),
    ],
)
def test_parse_names_the_fault(spec: object, message: str) -> None:
    with pytest.raises(Fault, match=message):
        parse(spec)


@pytest.mark.parametrize(("inputs", "units", "gates"), [(2, 5, 1), (5, 2, 1), (3, 4, 4), (1, 3, 4)])
def test_the_identity_stands_in_every_gate_and_need_not_be_square(
    inputs: int, units: int, gates: int
) -> None:
    filled = fill("identity(0.9)", generators(0, 1), (inputs, units * gates), gates=gates)
    assert filled.is_contiguous() and torch.equal(filled[0], filled[1])
    for block in filled[0].split(units, dim=1):
        assert np.array_equal(block.numpy(), np.float32(0.9) * np.eye(inputs, units, dtype=np.float32))


def test_the_identity_fills_no_vector() -> None:
    with pytest.raises(Fault, match="'identity' fills matrices"):
        fill("identity(1.0)", generators(0), (4,))


def test_orthogonal_matrices_are_haar_distributed_on_both_halves_of_the_group() -> None:
    generator = torch.Generator().manual_seed(2)
    drawn = torch.stack([orthogonal(generator, 4) for _ in range(1000)])
    assert torch.allclose(drawn.mT @ drawn, torch.eye(4, dtype=torch.float64), atol=1e-13)
    assert scipy.stats.binomtest(int((torch.linalg.det(drawn) > 0).sum()), 1000).pvalue > 0.01


def test_haar_fills_square_matrices_only() -> None:
    with pytest.raises(Fault, match="square"):
        fill("haar", generators(0), (3, 4))


def test_fans_are_numbers_or_words() -> None:
    sizes = {"input_size": 3, "hidden_size": 5, "width": 20}
    found = {fan: resolve_fan(fan, **sizes) for fan in (None, 7, *tables.FANS)}
    assert found == {None: None, 7: 7, "input": 3, "hidden": 5, "joint": 8, "gates": 20}


@pytest.mark.parametrize("fan", [0, -1, True, "inputs", 2.5])
def test_other_fans_are_faults(fan: object) -> None:
    with pytest.raises(Fault, match="a fan is"):
        resolve_fan(fan, input_size=3, hidden_size=5, width=20)


@pytest.mark.parametrize("shape", [(1, 40), (7, 40), (40, 7), (6, 6)])
def test_orthonormal_has_orthonormal_rows_or_columns_as_pytorchs_own(shape: tuple[int, int]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.nn.init.orthogonal_(torch.empty(shape[1], shape[0], dtype=torch.float64)).mT
    ours = fill("orthonormal", generators(0, 1), shape, dtype=torch.float64)
    for matrix in (theirs, *ours):
        inner = matrix @ matrix.mT if shape[0] <= shape[1] else matrix.mT @ matrix
        assert torch.allclose(inner, torch.eye(min(shape), dtype=torch.float64), atol=1e-12)
    assert not torch.equal(ours[0], ours[1])


def test_one_orthonormal_row_points_anywhere() -> None:
    entries = fill("orthonormal", generators(*range(400)), (1, 3), dtype=torch.float64)[:, 0, 0]
    assert scipy.stats.kstest(entries.numpy(), "uniform", (-1, 2)).pvalue > 0.01  # Archimedes


def test_orthonormal_fills_matrices_only() -> None:
    with pytest.raises(Fault, match="matrices only"):
        fill("orthonormal", generators(0), (4,))
