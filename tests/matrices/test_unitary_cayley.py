"""scuRNN's matrix against its formula, the closed forms of its gradients, and autograd of a complex solve."""

from __future__ import annotations

import math

import numpy as np
import torch

from rnnrepro.matrices.complex_block import block, parts
from rnnrepro.matrices.skew import skew
from rnnrepro.matrices.unitary_cayley import UnitaryCayley, symmetric

SIZE = 7


def cayley(size: int = SIZE, runs: int = 1, dtype: torch.dtype = torch.float64, **arguments) -> UnitaryCayley:
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return UnitaryCayley(size, input_size=2, generators=generators, dtype=dtype, **arguments)


def moved(runs: int = 1) -> UnitaryCayley:
    """A matrix at random parameters."""
    matrix = cayley(runs=runs)
    drawn = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in matrix.parameters():
            parameter += torch.randn(parameter.shape, generator=drawn, dtype=torch.float64)
    return matrix


def numbers(matrix: UnitaryCayley) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A and e^{iθ} of the first run, and W as the formula of the paper gives it."""
    with torch.no_grad():
        a = skew(matrix.skew, matrix.hidden_size)[0] + 1j * symmetric(matrix.symmetric, matrix.hidden_size)[0]
    a, d = a.numpy(), np.exp(1j * matrix.phase[0].detach().numpy())
    identity = np.eye(len(a))
    return a, d, np.linalg.solve(identity + a, identity - a) * d


def test_a_is_skew_hermitian_and_w_is_the_formula_of_the_paper() -> None:
    matrix = moved()
    a, _, w = numbers(matrix)
    np.testing.assert_allclose(a.conj().T, -a, atol=0)
    re, im = (part[0].detach().numpy() for part in parts(matrix.build()))
    np.testing.assert_allclose(re + 1j * im, w, atol=1e-13)
    np.testing.assert_allclose(w.conj().T @ w, np.eye(SIZE), atol=1e-13)


def test_rows_of_real_and_imaginary_parts_are_multiplied_as_complex_rows_are() -> None:
    matrix = moved()
    _, _, w = numbers(matrix)
    h = np.random.default_rng(0).normal(size=(3, SIZE)) + 1j * np.random.default_rng(1).normal(size=(3, SIZE))
    product = np.concatenate((h.real, h.imag), 1) @ matrix.build()[0].detach().numpy()
    np.testing.assert_allclose(product, np.concatenate(((h @ w).real, (h @ w).imag), 1), atol=1e-13)


def test_the_gradients_are_the_closed_forms_of_the_paper() -> None:
    # G_ij = ∂L/∂W_ij = ½ (∂L/∂Re W_ij − i ∂L/∂Im W_ij) and C = (I + A)^{−T} G (D + Wᵀ): ∇_A = Cᵀ − C̄ is half of the
    # derivative in each number off the diagonal, and all of it on the imaginary diagonal; ∇_θ is all of it.
    matrix = moved()
    a, d, w = numbers(matrix)
    drawn = np.random.default_rng(3)
    g_re, g_im = drawn.normal(size=(2, SIZE, SIZE))
    for part, g in zip(parts(matrix.build()), (g_re, g_im), strict=True):
        part.backward(torch.tensor(g)[None], retain_graph=True)
    g = (g_re - 1j * g_im) / 2
    z = np.linalg.solve(np.eye(SIZE) + a, np.eye(SIZE) - a)
    c = np.linalg.solve((np.eye(SIZE) + a).T, g @ (np.diag(d) + w.T))
    of_a = c.T - c.conj()
    above = np.triu_indices(SIZE, 1)
    np.testing.assert_allclose(matrix.skew.grad[0].numpy(), 2 * of_a.real[above], atol=1e-12)
    expected = 2 * of_a.imag - np.diag(np.diag(of_a.imag))
    np.testing.assert_allclose(matrix.symmetric.grad[0].numpy(), expected[np.triu_indices(SIZE)], atol=1e-12)
    of_phase = 2 * (1j * np.diag(g.T @ z) * d).real
    np.testing.assert_allclose(matrix.phase.grad[0].numpy(), of_phase, atol=1e-12)


def test_the_gradients_are_those_of_autograd_through_a_complex_solve() -> None:
    matrix = moved(runs=2)
    g = torch.randn(2, 2 * SIZE, 2 * SIZE, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    matrix.build().backward(g)
    x, y, theta = (p.detach().clone().requires_grad_() for p in (matrix.skew, matrix.symmetric, matrix.phase))
    a, identity = torch.complex(skew(x, SIZE), symmetric(y, SIZE)), torch.eye(SIZE, dtype=torch.complex128)
    w = torch.linalg.solve(identity + a, identity - a) * torch.exp(1j * theta).unsqueeze(1)
    block(w.real, w.imag).backward(g)
    for own, theirs in ((matrix.skew, x), (matrix.symmetric, y), (matrix.phase, theta)):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=1e-11, atol=1e-12)


def test_the_start_is_that_of_the_authors() -> None:
    matrix = cayley(41, runs=3)
    a = skew(matrix.skew.detach(), 41)
    assert not matrix.symmetric.any() and not a[:, -1].any()
    angles = 2 * torch.atan(-a.diagonal(1, 1, 2)[:, ::2])
    assert 0 <= float(angles.min()) < 0.2 and 1.4 < float(angles.max()) <= math.pi / 2
    assert not a.triu(2).any() and not a.diagonal(1, 1, 2)[:, 1::2].any()
    assert (
        -math.pi <= float(matrix.phase.detach().min()) < -2.8
        and 2.8 < float(matrix.phase.detach().max()) <= math.pi
    )


def test_w_is_unitary_to_single_precision_rounding_for_large_coordinates() -> None:
    matrix = cayley(50, dtype=torch.float32)
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in (matrix.skew, matrix.symmetric):
            parameter.copy_(20 * torch.randn(parameter.shape, generator=drawn))
    assert float(matrix.residual()) < 1e-5


def test_parameters_are_counted_as_in_the_paper() -> None:
    assert sum(parameter.numel() for parameter in cayley(116).parameters()) == 116**2 + 116
