from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from rnnrepro.errors import Fault
from rnnrepro.matrices.schur import Schur
from rnnrepro.matrices.skew import skew


def schur(size: int = 8, seed: int = 0, **arguments) -> Schur:
    return Schur(
        size, input_size=2, generators=[torch.Generator().manual_seed(seed)], dtype=torch.float64, **arguments
    )


def trained(size: int = 8, **arguments) -> Schur:
    matrix = schur(size, **arguments)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in matrix.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return matrix


def test_w_is_the_transpose_of_the_papers_form_entry_by_entry() -> None:
    matrix = trained(init="haar")
    gamma, theta = matrix.radius[0].tolist(), matrix.angle[0].tolist()
    big = np.zeros((8, 8))
    big.T[np.triu_indices(8, 1)] = matrix.triangle[0].detach().numpy()
    for i in range(4):
        c, s = gamma[i] * math.cos(theta[i]), gamma[i] * math.sin(theta[i])
        big[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] += [[c, -s], [s, c]]
    p = scipy.linalg.expm(skew(matrix.skew.detach(), 8)[0].numpy())
    assert np.allclose(matrix.arrays()["theta"][0].numpy(), big, atol=1e-14)
    assert np.allclose(matrix.build()[0].detach().numpy(), (p @ big @ p.T).T, atol=1e-12)


@pytest.mark.parametrize("init", ["henaff", "henaff_symmetric", "cayley"])
def test_with_block_starts_v_is_the_block_rotations_themselves(init: str) -> None:
    matrix = schur(12, init=init)
    assert torch.allclose(matrix.build().mT, matrix.theta(), atol=1e-14)


@pytest.mark.parametrize("init", ["henaff", "cayley", "haar"])
def test_v_starts_orthogonal_with_the_drawn_angles_as_eigenvalues(init: str) -> None:
    matrix = schur(12, init=init)
    v = matrix.build()[0].detach()
    assert torch.allclose(v.mT @ v, torch.eye(12, dtype=torch.float64), atol=1e-13)
    expected = torch.cat([matrix.angle[0], -matrix.angle[0]]).detach()
    found = torch.linalg.eigvals(v).angle()
    assert torch.allclose(torch.cos(found).sort().values, torch.cos(expected).sort().values, atol=1e-12)


def test_the_haar_start_is_not_block_diagonal() -> None:
    assert schur(12, init="haar").build()[0, :2, 2:].abs().max().item() > 0.01


def test_the_angles_start_uniform_on_the_circle_and_the_rest_at_one_and_zero() -> None:
    matrix = schur(2000)
    angles = matrix.angle[0].detach().numpy()
    assert scipy.stats.kstest(angles, "uniform", (0, 2 * math.pi)).pvalue > 0.01
    assert (matrix.radius == 1).all() and not matrix.triangle.any()


def test_parameters_are_the_square_of_the_hidden_size() -> None:
    for size in (64, 128, 512):
        assert sum(p.numel() for p in schur(size).parameters()) == size**2


def test_the_eigenvalues_are_those_of_the_blocks_with_their_inner_entry() -> None:
    matrix = trained(10)
    theta = matrix.theta()[0].detach()
    blocks = torch.cat([torch.linalg.eigvals(theta[i : i + 2, i : i + 2]) for i in range(0, 10, 2)])
    found = torch.linalg.eigvals(matrix.build()[0].detach())
    assert np.allclose(np.sort_complex(found.numpy()), np.sort_complex(blocks.numpy()), atol=1e-9)
    gamma, angle = matrix.radius[0, 0].item(), matrix.angle[0, 0].item()
    inner = matrix.triangle[0, 0].item()
    determinant = float(torch.linalg.det(theta[:2, :2]))
    assert math.isclose(determinant, gamma**2 + gamma * math.sin(angle) * inner, rel_tol=1e-12)


def test_the_moduli_are_the_radii_where_the_inner_entries_are_zero() -> None:
    matrix = trained(10)
    places = [sum(9 - k for k in range(row)) for row in range(0, 10, 2)]
    with torch.no_grad():
        matrix.triangle[:, places] = 0
        assert not matrix.theta()[0].diagonal(1)[1::2].any()
    moduli = torch.linalg.eigvals(matrix.build()[0].detach()).abs().sort().values
    expected = matrix.radius[0].detach().abs().repeat(2).sort().values
    assert torch.allclose(moduli, expected, atol=1e-9)


def test_the_penalty_is_the_sum_of_squared_distances_from_one() -> None:
    matrix = trained(radius_penalty=0.15)
    assert math.isclose(matrix.penalty().item(), 0.15 * sum((g - 1) ** 2 for g in matrix.radius[0].tolist()))
    matrix.penalty().sum().backward()
    assert torch.allclose(matrix.radius.grad, 0.3 * (matrix.radius - 1)) and matrix.angle.grad is None


def test_the_residual_is_that_of_p_and_the_triangle_does_not_enter() -> None:
    matrix = trained(20)
    assert float(matrix.residual()) < 1e-12
    w = matrix.build()[0].detach()
    assert float((w.mT @ w - torch.eye(20)).abs().max()) > 0.1


def test_odd_sizes_and_gates_are_faults() -> None:
    with pytest.raises(Fault, match="even"):
        schur(7)
    with pytest.raises(Fault, match="cannot have"):
        schur(8, width=32)
