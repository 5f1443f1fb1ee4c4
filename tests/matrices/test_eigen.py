from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from rnnrepro.matrices.eigen import Dominant, dominant, eigen_normalise, spectral_radius
from rnnrepro.matrices.start import matrix_start

BOTH = torch.tensor([True, True])


def random(size: int, seed: int = 0, runs: int = 2) -> torch.Tensor:
    return torch.randn(runs, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rho(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def with_spectrum(values: list[complex], seed: int = 0) -> np.ndarray:
    """A real matrix with these eigenvalues: reals as they stand, complex ones with their conjugates."""
    blocks = [
        [[v.real]] if v.imag == 0 else [[v.real, -v.imag], [v.imag, v.real]] for v in map(complex, values)
    ]
    d = scipy.linalg.block_diag(*blocks)
    q = np.random.default_rng(seed).normal(size=d.shape) + 2 * np.eye(len(d))
    return q @ d @ np.linalg.inv(q)


@pytest.mark.parametrize("size", [2, 5, 20, 64])
def test_w_has_spectral_radius_one(size: int) -> None:
    w, defective = eigen_normalise(random(size), BOTH)
    assert np.allclose([rho(m) for m in w.numpy()], 1.0, atol=1e-12) and not defective.any()


@pytest.mark.parametrize("values", [[-3, 1, 0.5], [2 + 1j, 1, 0.3j], [3, -1, 1j], [-2 + 2j, 1 + 1j]])
def test_the_gradient_of_the_radius_is_that_of_central_differences(values: list) -> None:
    t = with_spectrum(values)
    found = Dominant(*(x[0].numpy() for x in dominant(torch.from_numpy(t)[None])))
    assert np.isclose(found.radius, max(abs(complex(v)) for v in values))
    for i, j in np.ndindex(t.shape):
        step = np.zeros_like(t)
        step[i, j] = 1e-6
        assert np.isclose(found.gradient[i, j], (rho(t + step) - rho(t - step)) / 2e-6, atol=3e-8, rtol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "rotations", "triangular", "symmetric"])
@pytest.mark.parametrize("size", [2, 8, 20, 64])
def test_the_gradient_of_the_radius_is_that_of_lapacks_eigenvectors(size: int, kind: str) -> None:
    t = random(size, runs=3)
    if kind == "rotations":
        generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
        t = matrix_start("scaled_rotations", generators, (size, size), dtype=torch.float64)
    elif kind != "dense":
        t = t.triu() / size if kind == "triangular" else t + t.mT
    for scale in (1.0, 1e-30, 1e30):
        for matrix, radius, gradient, defective in zip(t, *dominant(scale * t), strict=True):
            values, left, right = scipy.linalg.eig(scale * matrix.numpy(), left=True, right=True)
            k = int(np.argmax(np.abs(values)))
            slope = np.outer(left[:, k].conj(), right[:, k]) / np.vdot(left[:, k], right[:, k])
            expected = (values[k].conj() * slope).real / abs(values[k])
            assert np.isclose(float(radius), abs(values[k]), rtol=1e-13, atol=0) and not defective
            assert np.allclose(gradient.numpy(), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("size", [5, 6, 20])
def test_the_gradient_of_w_is_that_of_central_differences(size: int) -> None:
    t, g = random(size).requires_grad_(), random(size, seed=1)
    eigen_normalise(t, BOTH)[0].backward(g)
    base = t[0].detach().numpy()
    for k in range(size):
        step = np.zeros_like(base)
        step[k, (3 * k + 1) % size] = 1e-6
        ends = [((base + s * step) / rho(base + s * step) * g[0].numpy()).sum() for s in (1, -1)]
        assert np.isclose(float(t.grad[0, k, (3 * k + 1) % size]), (ends[0] - ends[1]) / 2e-6, atol=1e-7)


def test_the_gradient_is_orthogonal_to_the_matrix_because_its_scale_does_not_matter() -> None:
    for size in (2, 6, 20, 64):
        t, g = random(size).requires_grad_(), random(size, seed=1)
        eigen_normalise(t, BOTH)[0].backward(g)
        product = (t * t.grad).sum((1, 2))
        assert (product.abs() < 1e-11 * t.norm() * t.grad.norm()).all()


def test_the_gradient_agrees_with_autograd_through_the_eigenvalues() -> None:
    t, g = random(8).requires_grad_(), random(8, seed=1)
    eigen_normalise(t, BOTH)[0].backward(g)
    other = t.detach().clone().requires_grad_()
    (other / torch.linalg.eigvals(other).abs().amax(1).view(-1, 1, 1)).backward(g)
    assert torch.allclose(t.grad, other.grad, atol=1e-10)


def test_runs_that_are_not_normalised_pass_through_with_their_gradient() -> None:
    t, g = random(6).requires_grad_(), random(6, seed=1)
    w, _ = eigen_normalise(t, torch.tensor([False, True]))
    w.backward(g)
    assert torch.equal(w[0], t[0]) and torch.equal(t.grad[0], g[0])
    assert not torch.equal(w[1], t[1]) and not torch.equal(t.grad[1], g[1])


def test_a_defective_dominant_eigenvalue_drops_the_gradient_of_the_radius_and_says_so() -> None:
    jordan = torch.tensor([[[2.0, 1, 0], [0, 2, 0], [0, 0, 0.5]]], dtype=torch.float64).requires_grad_()
    g = random(3, runs=1)
    w, defective = eigen_normalise(jordan, torch.tensor([True]))
    w.backward(g)
    assert defective.tolist() == [True] and torch.equal(jordan.grad, g / 2)


def test_single_precision_is_decomposed_in_double() -> None:
    t = random(20).float()
    w, _ = eigen_normalise(t, BOTH)
    exact = t[0].double().numpy() / rho(t[0].double().numpy())
    assert np.abs(w[0].double().numpy() - exact).max() < 2e-7 * np.abs(exact).max()


def test_the_spectral_radius_is_numpys_and_not_a_number_where_entries_are_not_finite() -> None:
    t = random(7)
    t[1, 0, 0] = torch.inf
    found = spectral_radius(t)
    assert np.isclose(float(found[0]), rho(t[0].numpy())) and found[1].isnan()
