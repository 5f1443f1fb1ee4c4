from __future__ import annotations

import pytest
import torch

from rnnrepro.drives.projection import one_hot, project


def test_indices_multiply_as_the_one_hot_rows_they_stand_for() -> None:
    weight = torch.randn(2, 7, 4, dtype=torch.float64, requires_grad=True)
    index = torch.randint(0, 7, (2, 5, 3))
    by_index = project(index, weight)
    by_rows = project(torch.nn.functional.one_hot(index, 7).double(), weight)
    assert torch.equal(by_index, by_rows)
    assert torch.equal(by_index[1, 4, 2], weight[1, index[1, 4, 2]])


def test_the_gradient_of_an_index_counts_its_occurrences() -> None:
    weight = torch.zeros(1, 3, 2, requires_grad=True)
    project(torch.tensor([[[0, 2], [2, 2]]]), weight).sum().backward()
    assert weight.grad.tolist() == [[[1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]]


def test_each_run_has_its_own_matrix() -> None:
    x, weight = torch.randn(3, 4, 2, 5), torch.randn(3, 5, 6)
    expected = torch.einsum("stbd,sdm->stbm", x, weight)
    torch.testing.assert_close(project(x, weight), expected)


def test_an_index_outside_the_alphabet_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        one_hot(torch.tensor([3]), 3, torch.float32)
