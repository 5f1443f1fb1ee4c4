"""Dale's law: what a unit sends has one sign, at the start and after every step."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from rnnrepro.matrices.dale import Dale
from rnnrepro.matrices.free import Free


def made(cls: type, size: int, init: str = "fan_in_normal(1.5)") -> Free:
    generators = [Generator().manual_seed(seed) for seed in (0, 1, 2)]
    return cls(size, input_size=1, generators=generators, init=init, dtype=torch.float64)


@pytest.mark.parametrize(("size", "excitatory"), [(4, 2), (7, 4), (30, 15)])
def test_it_starts_as_a_free_matrix_with_the_signs_of_its_rows(size: int, excitatory: int) -> None:
    w, free = made(Dale, size).build(), made(Free, size).build()
    assert torch.equal(w.abs(), free.abs())
    assert (w[:, :excitatory] > 0).all() and (w[:, excitatory:] < 0).all()


def test_after_a_step_wrong_signs_are_zero_and_all_else_is_as_it_was() -> None:
    matrix = made(Dale, 4, "constant(0.5)")
    with torch.no_grad():
        matrix.weight[:, 0] = torch.tensor([0.3, -0.2, 0.0, -1.0], dtype=torch.float64)
        matrix.weight[:, 3] = torch.tensor([0.3, -0.2, 0.0, -1.0], dtype=torch.float64)
    before = matrix.weight.detach().clone()
    assert matrix.residual().tolist() == pytest.approx([(0.04 + 1 + 0.09) ** 0.5] * 3)
    matrix.after_step(torch.tensor([True, False, True]))
    for run in (0, 2):
        assert matrix.weight[run, 0].tolist() == [0.3, 0, 0, 0]
        assert matrix.weight[run, 3].tolist() == [0, -0.2, 0, -1.0]
        assert torch.equal(matrix.weight[run, 1:3], before[run, 1:3])
    assert torch.equal(matrix.weight[1], before[1])
    assert matrix.residual().tolist() == pytest.approx([0, 1.13**0.5, 0])
