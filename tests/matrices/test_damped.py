"""The matrices of AntisymmetricRNN and Lipschitz RNN, entry by entry and by their eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from rnnrepro.errors import Fault
from rnnrepro.matrices.damped import Antisymmetric, Lipschitz


def make(cls: type, size: int = 7, **arguments):
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    return cls(size, input_size=2, generators=generators, dtype=torch.float64, **arguments)


def test_an_antisymmetric_matrix_has_eigenvalues_of_real_part_minus_gamma() -> None:
    matrix = make(Antisymmetric, gamma=0.3)
    for w in matrix.build().detach().numpy():
        np.testing.assert_allclose(np.linalg.eigvals(w).real, -0.3, rtol=0, atol=1e-12)
        assert np.abs(np.linalg.eigvals(w).imag).max() > 0.5


def test_its_coordinates_are_the_entries_above_the_diagonal_row_by_row() -> None:
    matrix = make(Antisymmetric, 3, gamma=0.5)
    with torch.no_grad():
        matrix.skew[1] = torch.tensor([1.0, 2.0, 3.0])
    expected = [[-0.5, 1.0, 2.0], [-1.0, -0.5, 3.0], [-2.0, -3.0, -0.5]]
    assert matrix.build()[1].tolist() == expected
    drawn = make(Antisymmetric, 100).skew.detach().flatten().numpy()
    assert scipy.stats.kstest(drawn, "norm", (0, 0.1)).pvalue > 0.01


def test_its_residual_is_what_is_not_antisymmetric(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = make(Antisymmetric, gamma=0.3)
    assert float(matrix.residual().max()) < 1e-15
    bent = matrix.build().detach() + 0.01 * torch.eye(7, dtype=torch.float64)
    monkeypatch.setattr(matrix, "build", lambda: bent)
    np.testing.assert_allclose(matrix.residual().numpy(), 0.02 * 7**0.5, rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.65, 1.0])
def test_lipschitz_is_two_matrices_each_of_the_papers_form(beta: float) -> None:
    matrix = make(Lipschitz, beta=beta, gamma=0.2, std=3.0)
    w = matrix.build().detach().numpy()
    assert w.shape == (2, 7, 14)
    arrays = matrix.arrays()
    for k, name in enumerate(("linear", "inner")):
        M, found = getattr(matrix, name).detach().numpy(), w[:, :, 7 * k : 7 * (k + 1)]
        np.testing.assert_array_equal(arrays[name].numpy(), found)
        for run in range(2):
            expected = (1 - beta) * (M[run] + M[run].T) + beta * (M[run] - M[run].T) - 0.2 * np.eye(7)
            np.testing.assert_allclose(found[run], expected, rtol=0, atol=1e-15)
        if beta == 1:
            np.testing.assert_allclose(np.linalg.eigvals(found).real, -0.2, rtol=0, atol=1e-12)
    assert not np.allclose(w[:, :, :7], w[:, :, 7:])


def test_the_entries_of_lipschitz_start_normal_with_a_deviation_of_one_over_n() -> None:
    matrix = make(Lipschitz, 100, std=2.0)
    for name in ("linear", "inner"):
        drawn = getattr(matrix, name).detach().flatten().numpy()
        assert scipy.stats.kstest(drawn, "norm", (0, 0.02)).pvalue > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 7}, r"\[A \| W\] has 14 columns, .* not 7"),
        ({"width": 28}, "not 28"),
        ({"beta": 1.2}, "from 0 to 1; not 1.2"),
        ({"beta": -0.1}, "not -0.1"),
    ],
)
def test_what_does_not_fit_is_a_fault(arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        make(Lipschitz, **arguments)
