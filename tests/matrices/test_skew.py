from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.initialisers import rotation
from rnnrepro.matrices.skew import coordinates_of, initial, skew, upper_triangle
from rnnrepro.matrices.skew_expm import skew_expm


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def random_skew(size: int, scale: float = 1.0, seed: int = 0) -> torch.Tensor:
    x = torch.randn(1, size, size, generator=generators(seed)[0], dtype=torch.float64) * scale / size**0.5
    return x - x.mT


def test_coordinates_are_the_strict_upper_triangle_row_by_row() -> None:
    upper = upper_triangle(torch.tensor([[1.0, 2, 3, 4, 5, 6]]), 4)[0]
    assert upper.tolist() == [[0, 1, 2, 3], [0, 0, 4, 5], [0, 0, 0, 6], [0, 0, 0, 0]]
    a = random_skew(7)
    assert torch.equal(skew(coordinates_of(a), 7), a)


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("henaff", scipy.stats.uniform(-math.pi, math.pi)),
        ("henaff_symmetric", scipy.stats.uniform(-math.pi, 2 * math.pi)),
        ("cayley", "negative"),
        ("cayley_positive", "positive"),
    ],
)
def test_block_initialisers_have_the_entries_of_the_reproduction_cards(name: str, entries: object) -> None:
    a = skew(initial(name, generators(0), 2001, torch.float64), 2001)[0]
    s = a.diagonal(1)[::2].numpy()
    rest = a.clone()
    rest[torch.arange(0, 2000, 2), torch.arange(1, 2000, 2)] = 0
    assert (rest.triu() == 0).all(), "entries outside the 2×2 blocks"
    if isinstance(entries, str):
        sign = 1 if entries == "positive" else -1
        angle = 2 * np.arctan(sign * s)
        assert np.allclose(sign * s, np.sqrt((1 - np.cos(angle)) / (1 + np.cos(angle))))
        s, entries = angle, scipy.stats.uniform(0, math.pi / 2)
    assert scipy.stats.kstest(s, entries.cdf).pvalue > 0.01


def test_the_haar_initialiser_is_the_logarithm_of_a_haar_rotation() -> None:
    for size in (2, 5, 20):
        a = skew(initial("haar", generators(4), size, torch.float64), size)[0]
        assert np.allclose(scipy.linalg.expm(a.numpy()), rotation(*generators(4), size).numpy(), atol=1e-10)


def test_every_row_of_the_table_draws_skew_coordinates_and_others_are_faults() -> None:
    for name in tables.SKEW_INITIALISERS:
        assert initial(name, generators(0, 1), 5).shape == (2, 10)
    with pytest.raises(Fault, match="did you mean 'henaff'"):
        initial("henaf", generators(0), 4)


@pytest.mark.parametrize("size", [1, 2, 5, 20, 64])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 40.0])
def test_the_exponential_is_scipys(size: int, scale: float) -> None:
    a = random_skew(size, scale)
    assert np.allclose(skew_expm(a)[0].numpy(), scipy.linalg.expm(a[0].numpy()), atol=1e-11)


@pytest.mark.parametrize("size", [2, 5, 16])
@pytest.mark.parametrize("scale", [0.0, 1.0, 10.0])
def test_the_gradient_is_the_skew_part_of_scipys_frechet_derivative(size: int, scale: float) -> None:
    # The adjoint of the derivative at A, applied to G, is the derivative at Aᵀ applied to G.
    a = random_skew(size, scale).requires_grad_()
    g = torch.randn(1, size, size, generator=generators(9)[0], dtype=torch.float64)
    skew_expm(a).backward(g)
    expected = scipy.linalg.expm_frechet(a[0].detach().numpy().T, g[0].numpy(), compute_expm=False)
    assert np.allclose(a.grad[0].numpy(), (expected - expected.T) / 2, atol=1e-10)


def test_the_gradient_is_exact_where_eigenvalues_coincide() -> None:
    # Equal 2×2 blocks: where divided differences of eigenvalues would meet 0/0 for each pair.
    block = torch.tensor([[0.0, 0.7], [-0.7, 0.0]], dtype=torch.float64)
    a = torch.block_diag(block, block, block).unsqueeze(0).requires_grad_()
    g = torch.randn(1, 6, 6, generator=generators(2)[0], dtype=torch.float64)
    skew_expm(a).backward(g)
    expected = scipy.linalg.expm_frechet(a[0].detach().numpy().T, g[0].numpy(), compute_expm=False)
    assert np.allclose(a.grad[0].numpy(), (expected - expected.T) / 2, atol=1e-12)


def test_the_formula_of_the_reproduction_card_gives_the_same_gradient_of_the_coordinates() -> None:
    # S = ½(PᵀG − GᵀP), F = P·Lexp(−A, S), gradient of X = strict upper triangle of F − Fᵀ.
    a = random_skew(6)
    x = coordinates_of(a).requires_grad_()
    p = skew_expm(skew(x, 6))
    g = torch.randn(1, 6, 6, generator=generators(3)[0], dtype=torch.float64)
    p.backward(g)
    p0, g0 = p[0].detach().numpy(), g[0].numpy()
    s = (p0.T @ g0 - g0.T @ p0) / 2
    f = p0 @ scipy.linalg.expm_frechet(-a[0].numpy(), s, compute_expm=False)
    assert np.allclose(x.grad[0].numpy(), (f - f.T)[np.triu_indices(6, 1)], atol=1e-12)


def test_single_precision_stays_orthogonal_however_large_the_matrix() -> None:
    a = random_skew(64, 200.0).float()
    w = skew_expm(a)[0].double()
    assert float((w.mT @ w - torch.eye(64)).abs().max()) < 5e-6
