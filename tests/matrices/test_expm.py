from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from rnnrepro.errors import Fault
from rnnrepro.matrices.expm import DynamicExponential, Exponential, nearest_orthogonal
from rnnrepro.matrices.skew import skew

EVERYONE = torch.tensor([True, True])


def make(cls: type, size: int = 6, **arguments) -> Exponential:
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    return cls(size, input_size=2, generators=generators, dtype=torch.float64, **arguments)


def move(matrix: Exponential, seed: int, scale: float = 0.3) -> None:
    with torch.no_grad():
        step = torch.randn(
            matrix.skew.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
        )
        matrix.skew += scale * step


def test_the_static_form_is_the_exponential_at_the_identity() -> None:
    matrix = make(Exponential, init="haar")
    expected = [scipy.linalg.expm(a) for a in skew(matrix.skew.detach(), 6).numpy()]
    assert np.allclose(matrix.build().detach().numpy(), expected, atol=1e-12)
    assert sum(p[0].numel() for p in matrix.parameters()) == 15


def test_the_dynamic_form_starts_where_the_static_form_does_with_coordinates_at_zero() -> None:
    static, dynamic = make(Exponential), make(DynamicExponential)
    assert torch.allclose(static.build(), dynamic.build(), atol=1e-14)
    assert not dynamic.skew.any() and dynamic.rebases.tolist() == [1, 1]


def test_a_rebase_moves_the_base_and_leaves_w_where_it_is() -> None:
    matrix = make(DynamicExponential, rebase_every=3, project_every=None)
    first = matrix.base.clone()
    for step in range(1, 7):
        move(matrix, step)
        before = matrix.build().detach()
        matrix.after_step(EVERYONE)
        assert torch.allclose(matrix.build(), before, atol=1e-13)
        if step % 3:
            assert matrix.skew.abs().min() > 0
        else:
            assert not matrix.skew.any() and torch.equal(matrix.base, before)
    assert matrix.rebases.tolist() == [3, 3] and not torch.equal(matrix.base, first)


def test_without_rebases_the_base_stays_at_the_start() -> None:
    matrix = make(DynamicExponential, rebase_every=None)
    first = matrix.base.clone()
    for step in range(5):
        move(matrix, step)
        matrix.after_step(EVERYONE)
    assert torch.equal(matrix.base, first) and matrix.steps.tolist() == [5, 5]


def test_each_project_every_th_rebase_counted_from_the_first_puts_the_base_on_the_group() -> None:
    matrix = make(DynamicExponential, rebase_every=1, project_every=3)
    with torch.no_grad():
        matrix.base *= 1 + 1e-3
    gaps = []
    for step in range(3):
        move(matrix, step)
        matrix.after_step(EVERYONE)
        gaps.append(float(matrix.residual().max()))
    # Rebases 2, 3 and 4, the first being that of the start.
    assert gaps[0] > 1e-3 and gaps[1] < 1e-13 and gaps[2] < 1e-13


def test_rebasing_follows_the_geodesic_step_of_the_trivialisation() -> None:
    # With K = 1, gradient descent on X at 0 is W ← W expm(−η skew(WᵀG)): the Riemannian step.
    matrix = make(DynamicExponential, rebase_every=1, project_every=None)
    g = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    w = matrix.build()
    w.backward(g)
    with torch.no_grad():
        matrix.skew -= 0.1 * matrix.skew.grad
    matrix.after_step(EVERYONE)
    inner = w.detach().mT @ g
    expected = w.detach() @ torch.matrix_exp(-0.1 * (inner - inner.mT))
    assert torch.allclose(matrix.build(), expected, atol=1e-12)


def test_the_gradient_on_the_pass_after_a_rebase_is_exact() -> None:
    matrix = make(DynamicExponential, rebase_every=1)
    move(matrix, 0)
    matrix.after_step(EVERYONE)
    g = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    matrix.build().backward(g)
    slope, eps = matrix.skew.grad[0, 4].item(), 1e-6
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            matrix.skew[0, 4] = sign * eps
            ends.append(float((matrix.build() * g)[0].sum()))
    assert np.isclose(slope, (ends[0] - ends[1]) / (2 * eps), rtol=1e-8)


def released_pass(base: torch.Tensor, a: torch.Tensor, g: torch.Tensor, rebase: bool) -> torch.Tensor:
    """⟨B, G⟩ back to A as the released code does it: the base is overwritten between forward and backward."""
    raw = a.clone().requires_grad_()
    upper = raw.triu(1)
    w = base @ torch.matrix_exp(upper - upper.mT)
    if rebase:
        base.data.copy_(w.data)
        raw.data.zero_()
    w.backward(g)
    a.copy_(raw.data)
    return raw.grad


@pytest.mark.parametrize("every", [1, 2, None])
def test_the_released_chart_has_the_gradients_of_the_authors_code_on_every_pass(every: int | None) -> None:
    size, upper = 6, torch.triu_indices(6, 6, 1)
    start = skew(make(Exponential).skew.detach(), size)
    ours = make(DynamicExponential, rebase_every=every, project_every=None, chart="released")
    exact = make(DynamicExponential, rebase_every=every, project_every=None)
    base, a = torch.eye(size, dtype=torch.float64).repeat(2, 1, 1), start.triu(1)
    for step in range(5):
        g = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        theirs = released_pass(base, a, g, rebase=step == 0 or (every is not None and step % every == 0))
        theirs = theirs[:, upper[0], upper[1]]
        for matrix in (ours, exact):
            matrix.zero_grad()
            matrix.build().backward(g)
        apart = (theirs - exact.skew.grad).norm() / exact.skew.grad.norm()
        assert torch.allclose(ours.skew.grad, theirs, atol=1e-12)
        mixed = step == 0 if every is None else step % every == 0
        assert apart > (0.5 if step == 0 else 0.01) if mixed else apart < 1e-12
        for matrix in (ours, exact):
            with torch.no_grad():
                matrix.skew -= 0.05 * theirs
            matrix.after_step(EVERYONE)
        a[:, upper[0], upper[1]] -= 0.05 * theirs
        assert torch.equal(ours.build(), exact.build())


def test_the_nearest_orthogonal_matrix_is_the_polar_factor() -> None:
    x = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert np.allclose(nearest_orthogonal(x)[0].numpy(), scipy.linalg.polar(x[0].numpy())[0], atol=1e-12)
    x[0, 0, 0] = torch.nan
    found = nearest_orthogonal(x)
    assert found[0].isnan().all() and np.allclose(found[1].numpy(), scipy.linalg.polar(x[1].numpy())[0])


@pytest.mark.parametrize(
    "arguments",
    [{"rebase_every": 0}, {"project_every": 0}, {"init": "haar2"}, {"width": 12}, {"chart": "old"}],
)
def test_unfit_arguments_are_faults(arguments: dict) -> None:
    with pytest.raises(Fault):
        make(DynamicExponential, **arguments)
