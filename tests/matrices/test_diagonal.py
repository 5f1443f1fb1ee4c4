"""Diagonal matrices: one trained number for all units, and one for each."""

from __future__ import annotations

import pytest
import scipy.stats
import torch

from rnnrepro.conformance.matrices import CHECKS, Subject
from rnnrepro.errors import Fault
from rnnrepro.matrices.diagonal import Diagonal, ScaledIdentity

BITS = "a run has the same bits alone and in a stack"


def generators(runs: int = 3) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(runs)]


def test_the_scaled_identity_starts_at_zero_or_at_a_number_for_each_run() -> None:
    common = {"input_size": 2, "generators": generators()}
    assert not ScaledIdentity(4, **common).build().any()
    w = ScaledIdentity(4, **common, scale=[0.5, -1.0, 2.0]).build().detach()
    for run, scale in zip(w, (0.5, -1.0, 2.0), strict=True):
        assert torch.equal(run, scale * torch.eye(4))
    with pytest.raises(Fault, match="one for each of the 3 runs, not 2 numbers"):
        ScaledIdentity(4, **common, scale=[0.5, -1.0])


def test_the_gradient_of_the_scale_is_the_trace_of_that_of_w() -> None:
    matrix = ScaledIdentity(5, input_size=2, generators=generators(), scale=0.3, dtype=torch.float64)
    direction = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    matrix.build().backward(direction)
    torch.testing.assert_close(matrix.scale.grad, direction.diagonal(dim1=1, dim2=2).sum(1))


@pytest.mark.parametrize("size", [3, 33, 100, 129])
def test_the_sum_over_the_diagonal_does_not_depend_on_the_stack(size: int) -> None:
    CHECKS[BITS](Subject(ScaledIdentity, size))


def test_each_unit_has_its_own_number_from_the_interval() -> None:
    matrix = Diagonal(3000, input_size=2, generators=generators(1), low=-0.5, high=1.5)
    assert scipy.stats.kstest(matrix.weight[0].detach().numpy(), "uniform", (-0.5, 2.0)).pvalue > 0.01
    small = Diagonal(5, input_size=2, generators=generators())
    assert torch.equal(small.build(), torch.diag_embed(small.weight))
    weight = small.weight.detach()
    assert float(weight.min()) >= 0 and float(weight.max()) <= 1
    with pytest.raises(Fault, match="exchange them"):
        Diagonal(5, input_size=2, generators=generators(), low=1.0, high=0.0)
