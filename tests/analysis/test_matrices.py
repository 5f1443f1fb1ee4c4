"""Non-normality, spectra and the learned Schur form, on matrices with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from rnnrepro.analysis import nonnormality, schur, spectrum


def rotation(size: int, seed: int = 0) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    return q


def schur_form(gammas: np.ndarray, angles: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    cos, sin = gammas * np.cos(angles), gammas * np.sin(angles)
    blocks = [np.array([[c, -s], [s, c]]) for c, s in zip(cos, sin, strict=True)]
    return scipy.linalg.block_diag(*blocks) + np.tril(triangle, -1)


def test_henrici_is_zero_for_normal_matrices_without_loss_of_digits():
    drawn = np.random.default_rng(1).normal(size=(20, 20))
    for normal in (rotation(20), drawn + drawn.T, drawn - drawn.T, np.diag(np.arange(20.0))):
        assert nonnormality.henrici(normal, relative=True) < 1e-13
        assert nonnormality.commutator_norm(normal) < 1e-12 * np.linalg.norm(normal) ** 2


def test_henrici_is_the_whole_norm_for_nilpotent_matrices():
    nilpotent = np.tril(np.random.default_rng(2).normal(size=(10, 10)), -1)
    basis = rotation(10)
    for matrix, tolerance in ((nilpotent, 1e-12), (basis @ nilpotent @ basis.T, 1e-4)):
        # A defective zero eigenvalue moves by the tenth root of a rounding error, hence the second tolerance.
        assert nonnormality.henrici(matrix) == pytest.approx(np.linalg.norm(nilpotent), rel=tolerance)
        assert nonnormality.henrici(matrix, relative=True) == pytest.approx(1.0, rel=tolerance)


def test_henrici_is_the_difference_of_squares_of_its_definition():
    matrix = np.random.default_rng(3).normal(size=(15, 15))
    expected = np.sqrt(np.linalg.norm(matrix) ** 2 - np.sum(np.abs(np.linalg.eigvals(matrix)) ** 2))
    assert nonnormality.henrici(matrix) == pytest.approx(expected, rel=1e-10)
    assert nonnormality.henrici(matrix, relative=True) == pytest.approx(expected / np.linalg.norm(matrix))


def test_the_commutator_of_a_two_by_two_shear_is_the_hand_worked_one():
    shear = np.array([[1.0, 3.0], [0.0, 1.0]])  # VᵀV − VVᵀ = [[−9, 0], [0, 9]]
    assert nonnormality.commutator_norm(shear) == pytest.approx(9 * np.sqrt(2))
    assert nonnormality.henrici(shear) == pytest.approx(3.0)
    assert nonnormality.henrici(np.zeros((3, 3)), relative=True) == 0.0


def test_eigenvalues_of_a_known_block_matrix_come_from_the_largest_modulus_down():
    theta = schur_form(np.array([0.5, 1.0]), np.array([2.0, 0.3]), np.zeros((4, 4)))
    values = spectrum.eigenvalues(theta)
    np.testing.assert_allclose(values, [np.exp(0.3j), np.exp(-0.3j), 0.5 * np.exp(2j), 0.5 * np.exp(-2j)])
    np.testing.assert_allclose(spectrum.moduli(values), [1, 1, 0.5, 0.5])
    np.testing.assert_allclose(spectrum.angles(values), [0.3, 0.3, 2.0, 2.0])
    assert spectrum.radius(values) == pytest.approx(1.0)
    assert spectrum.spread(values) == pytest.approx(0.5 / np.sqrt(2))


def test_eigenvalues_agree_with_scipy_on_a_random_matrix_and_lie_on_the_circle_for_a_rotation():
    matrix = np.random.default_rng(4).normal(size=(30, 30))
    expected = np.sort_complex(scipy.linalg.eigvals(matrix))
    np.testing.assert_allclose(np.sort_complex(spectrum.eigenvalues(matrix)), expected, atol=1e-10)
    assert spectrum.spread(spectrum.eigenvalues(rotation(30))) < 1e-13


def test_the_schur_form_is_split_into_the_rotations_and_the_triangle_that_made_it():
    drawn = np.random.default_rng(5)
    gammas, angles = drawn.uniform(0.8, 1.2, 4), drawn.uniform(0, 2 * np.pi, 4)
    triangle = np.tril(drawn.normal(size=(8, 8)), -1)  # with the entries (2i+1, 2i) inside the blocks
    theta = schur_form(gammas, angles, triangle)
    rotations, found = schur.split(theta)
    np.testing.assert_allclose(found, triangle, atol=1e-14)
    np.testing.assert_allclose(rotations + found, theta, atol=1e-14)
    np.testing.assert_allclose(np.abs(schur.blocks(theta)), gammas)
    np.testing.assert_allclose(np.angle(schur.blocks(theta) * np.exp(-1j * angles)), 0, atol=1e-14)
    expected = np.linalg.norm(triangle) / np.sqrt(2 * np.sum(gammas**2))
    assert schur.triangle_ratio(theta) == pytest.approx(expected)


def test_angles_are_wrapped_by_their_sine_and_cosine():
    angle = np.array([0.1, -0.1, np.pi + 0.2, 2 * np.pi - 0.3, 7.0])
    np.testing.assert_allclose(schur.wrapped_angles(angle), [0.1, 0.1, np.pi - 0.2, 0.3, 7.0 - 2 * np.pi])
    counts, edges = schur.angle_histogram(angle, bins=4)
    assert counts.tolist() == [4, 0, 0, 1]
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(np.pi)


def test_the_profile_of_a_delay_line_shows_each_sub_diagonal():
    theta = np.diag(np.full(4, 0.7), -1) + np.diag([1.0, -1.0, 0.5], -2) + np.eye(5)
    mean, absolute = schur.delay_profile(theta)
    np.testing.assert_allclose(mean, [0.7, 1 / 6, 0, 0])
    np.testing.assert_allclose(absolute, [0.7, 2.5 / 3, 0, 0])
