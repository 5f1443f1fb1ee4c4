"""Fisher memory against closed forms, SciPy, 600-bit arithmetic and the paper's table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnrepro.analysis.delay_lines import delay_line
from rnnrepro.analysis.fisher import (
    METHODS,
    chain_memory_curve,
    covariance_by_iteration,
    covariance_root,
    memory_curve,
    total_memory_table,
)
from rnnrepro.errors import Fault

# J_tot in fixed-point arithmetic with 600 fractional bits, as `exact_total` below.
EXACT = {
    (0.95, 0.0, 0.0): 3.0327020748310476,
    (1.0, 0.0, 0.0): 5.187377517639621,
    (1.05, 0.0, 0.0): 12.087272121224803,
    (0.95, 0.005, 0.0): 3.1757675946040202,
    (1.0, 0.005, 0.0): 5.301425802978973,
    (1.05, 0.005, 0.0): 12.086536304234851,
    (0.95, 0.0, 0.2): 11.939275537102564,
    (1.0, 0.0, 0.2): 16.297535515993207,
    (1.05, 0.0, 0.2): 20.834701070078694,
    (0.95, 0.005, 0.2): 12.089419892384042,
    (1.0, 0.005, 0.2): 16.39029879140536,
    (1.05, 0.005, 0.2): 20.882376850976108,
}
# The authors' notebook prints these, in the order α = 0.95, 1, 1.05.
NOTEBOOK = {
    (0.0, 0.0): (3.0327, 5.1874, 12.0873),
    (0.005, 0.0): (3.1758, 5.3014, 12.0865),
    (0.0, 0.2): (11.94, 17.13, 20.33),
    (0.005, 0.2): (12.09, 16.16, 20.32),
}
SUPPLEMENT = {
    (0.0, 0.0): (3.03, 5.19, 12.1),
    (0.005, 0.0): (3.18, 5.30, 12.1),
    (0.0, 0.2): (12.0, 16.2, 20.5),
    (0.005, 0.2): (12.1, 16.3, 20.4),
}
ONE = 1 << 600


def exact_total(theta: np.ndarray, steps: int = 150) -> float:
    """J_tot in 600-bit fixed point, from the definition."""
    size = len(theta)
    power = np.array([[int(entry * 2**60) << 540 for entry in row] for row in theta], dtype=object)
    covariance = np.array([[ONE * (i == j) for j in range(size)] for i in range(size)], dtype=object)
    first, vector = power.copy(), covariance[0].copy()
    while power.any():
        covariance = covariance + ((((power @ covariance) >> 600) @ power.T) >> 600)
        power = (power @ power) >> 600
    lower = np.zeros((size, size), dtype=object)
    for j in range(size):
        lower[j, j] = math.isqrt((covariance[j, j] - (_dot(lower[j, :j], lower[j, :j]))) << 600)
        for i in range(j + 1, size):
            lower[i, j] = ((covariance[i, j] - _dot(lower[i, :j], lower[j, :j])) << 600) // lower[j, j]
    total = 0
    for _ in range(steps):
        solved = np.zeros(size, dtype=object)
        for i in range(size):
            solved[i] = ((vector[i] - _dot(lower[i, :i], solved[:i])) << 600) // lower[i, i]
        total += _dot(solved, solved)
        vector = (first @ vector) >> 600
    return total / ONE


def _dot(left: np.ndarray, right: np.ndarray) -> int:
    return (left @ right) >> 600 if len(left) else 0


@pytest.fixture(scope="module")
def table() -> dict[tuple[float, float, float], float]:
    return {(row["alpha"], row["beta"], row["d"]): row["j_total"] for row in total_memory_table()}


def test_the_whole_table_agrees_with_600_bit_arithmetic_to_seven_digits(table):
    assert table.keys() == EXACT.keys()
    for key, value in EXACT.items():
        assert table[key] == pytest.approx(value, rel=1e-7), key


def test_the_600_bit_arithmetic_agrees_with_the_closed_form_and_on_a_small_ill_conditioned_chain():
    harmonic = sum(1 / t for t in range(1, 21))
    assert exact_total(delay_line(20, chain=1.0)) == pytest.approx(harmonic, rel=1e-14)
    theta = delay_line(30, diagonal=0.2, chain=1.05, below=0.005)
    assert memory_curve(theta).sum() == pytest.approx(exact_total(theta), rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("key", [(1.0, 0.0, 0.2), (1.05, 0.005, 0.2)])
def test_the_stored_600_bit_values_can_be_computed_again(key):
    alpha, beta, d = key
    theta = delay_line(100, diagonal=d, chain=alpha, below=beta)
    assert exact_total(theta) == pytest.approx(EXACT[key], rel=1e-14)


@pytest.mark.parametrize("printed", [NOTEBOOK, SUPPLEMENT])
def test_rows_without_diagonal_agree_with_what_is_printed_to_its_digits(table, printed):
    tolerance = 1e-3 if printed is NOTEBOOK else 0.02
    for beta in (0.0, 0.005):
        ours = [table[alpha, beta, 0.0] for alpha in (0.95, 1.0, 1.05)]
        assert ours == pytest.approx(printed[beta, 0.0], abs=tolerance)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("printed", [NOTEBOOK, SUPPLEMENT])
def test_rows_with_diagonal_agree_with_what_is_printed_within_15_percent(method, printed):
    rows = total_memory_table(diagonals=[0.2], belows=[0.0], method=method)
    assert [row["j_total"] for row in rows] == pytest.approx(printed[0.0, 0.2], rel=0.15)


@pytest.mark.parametrize("printed", [NOTEBOOK, SUPPLEMENT])
def test_without_rounding_noise_all_rows_with_diagonal_are_within_5_percent_of_the_printed(table, printed):
    for beta in (0.0, 0.005):
        ours = [table[alpha, beta, 0.2] for alpha in (0.95, 1.0, 1.05)]
        assert ours == pytest.approx(printed[beta, 0.2], rel=0.05)


def test_forming_the_covariance_loses_digits_that_the_square_root_keeps():
    theta, exact = delay_line(100, diagonal=0.2, chain=1.05), EXACT[1.05, 0.0, 0.2]
    assert abs(memory_curve(theta).sum() / exact - 1) < 1e-7
    assert abs(memory_curve(theta, method="lyapunov").sum() / exact - 1) > 1e-4


@pytest.mark.parametrize("chain", [0.95, 1.0, 1.05])
def test_the_pure_chain_has_its_closed_form(chain):
    expected = chain_memory_curve(chain)
    np.testing.assert_allclose(memory_curve(delay_line(chain=chain)), expected, rtol=1e-10, atol=1e-12)
    assert expected[0] == pytest.approx(1.0)
    assert (expected[100:] == 0).all()
    np.testing.assert_allclose(chain_memory_curve(1.0)[:100], 1 / np.arange(1, 101))


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_agree_on_a_well_conditioned_network(method):
    theta = np.random.default_rng(0).normal(size=(12, 12)) / 6
    source = np.random.default_rng(1).normal(size=12)
    curve = memory_curve(theta, source=source, steps=20, method=method)
    np.testing.assert_allclose(curve, memory_curve(theta, source=source, steps=20), rtol=1e-9)


def test_the_root_squared_solves_the_lyapunov_equation():
    theta = np.random.default_rng(2).normal(size=(9, 9)) / 4
    root = covariance_root(theta)
    covariance = root.T @ root
    np.testing.assert_allclose(covariance, theta @ covariance @ theta.T + np.eye(9), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(covariance, covariance_by_iteration(theta), rtol=1e-12, atol=1e-12)
    assert np.array_equal(root, np.triu(root))


def test_a_normal_network_has_total_memory_one():
    """Ganguli et al. 2008: J_tot = 1/ε for every normal Θ and unit source."""
    drawn = np.random.default_rng(3).normal(size=(6, 6))
    rotation, _ = np.linalg.qr(drawn)
    assert memory_curve(0.8 * rotation, steps=200, noise=0.5).sum() == pytest.approx(2.0)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_a_network_that_is_not_stable_is_refused(scale):
    with pytest.raises(Fault, match="modulus 1 or more"):
        memory_curve(scale * np.eye(4))


def test_an_unknown_method_is_refused():
    with pytest.raises(Fault, match="did you mean 'lyapunov'"):
        memory_curve(np.zeros((2, 2)), method="lyapunow")
