"""The lagged drive: z of the input of each time, weights that learn from an earlier one."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from rnnrepro import tables
from rnnrepro.conformance.cases import Case
from rnnrepro.conformance.models import CHECKS
from rnnrepro.drives.affine import Affine
from rnnrepro.drives.lagged import Lagged
from rnnrepro.drives.projection import Embedded, one_hot
from rnnrepro.errors import Fault


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def made(cls: type = Lagged, inputs: int = 3, **arguments) -> Affine:
    generators = [Generator().manual_seed(seed) for seed in (0, 1)]
    return cls(inputs, 5, 5, generators=generators, dtype=torch.float64, **arguments)


def dense(drive: Affine, x: Tensor | Embedded) -> Tensor:
    z, _ = drive(x)
    return z if isinstance(z, Tensor) else z.dense()


@pytest.mark.parametrize("lag", [0, 1, 3, 6, 9])
def test_z_is_that_of_an_affine_drive_and_its_weights_learn_from_earlier_inputs(lag: int) -> None:
    drive, x, dz = (
        made(lag=lag, bias="normal(0.3)"),
        normal(2, 6, 4, 3).requires_grad_(),
        normal(2, 6, 4, 5, seed=1),
    )
    plain = made(Affine, bias="normal(0.3)")
    assert torch.equal(dense(drive, x), dense(plain, x))
    ours = torch.autograd.grad(dense(drive, x), (x, drive.weight, drive.bias), dz)
    theirs = torch.autograd.grad(dense(plain, x), (x, plain.weight, plain.bias), dz)
    for index in (0, 2):
        torch.testing.assert_close(ours[index], theirs[index], rtol=1e-13, atol=1e-13)
    late = torch.cat([torch.zeros_like(x[:, :lag]), x[:, : max(0, 6 - lag)]], 1)[:, :6]
    torch.testing.assert_close(ours[1], torch.einsum("stbd,stbm->sdm", late, dz), rtol=1e-13, atol=1e-13)


def test_indices_and_embedded_inputs_are_read_as_their_rows() -> None:
    index = torch.randint(0, 3, (2, 7, 4), generator=Generator().manual_seed(2))
    table, dz = normal(2, 3, 3), normal(2, 7, 4, 5, seed=1)
    for x, rows in ((index, one_hot(index, 3, torch.float64)), (Embedded(index, table), None)):
        drive = made()
        rows = x.dense() if rows is None else rows
        found, expected = (torch.autograd.grad(dense(drive, given), drive.weight, dz) for given in (x, rows))
        torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("sentence", [s for s in CHECKS if "central differences" not in s])
def test_with_a_lag_it_meets_every_demand_but_that_of_the_derivative(
    sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tables.MODELS, "tried", tables.Model(matrix="free", update="tanh", drive="lagged"))
    CHECKS[sentence](Case("tried", hidden=7, arguments={"drive": {"lag": 1, "bias": "normal(0.3)"}}))


@pytest.mark.parametrize("lag", [-1, 0.5, True])
def test_a_lag_that_is_no_number_of_steps_is_a_fault(lag) -> None:
    with pytest.raises(Fault, match="lag is a number of steps"):
        made(lag=lag)
