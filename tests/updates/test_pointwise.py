from __future__ import annotations

import pytest
import torch

from rnnrepro.updates.base import Update
from rnnrepro.updates.pointwise import ELU, ModReLU, ReLU, Tanh


def applied(update: Update, u: torch.Tensor, **parameters: torch.Tensor) -> torch.Tensor:
    """The output of the one stage of an update at u = h W + z."""
    return update.stages[0].run({"u": u, **parameters})[0]


def by_hand(
    update: Update, dh: torch.Tensor, h: torch.Tensor, **parameters: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The gradients that the stage itself gives."""
    return update.stages[0].pull_back({"dh": dh, "h": h, **parameters})


def modrelu(u: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return applied(ModReLU(), u, bias=b)


def written_out(z: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.sign(z) * torch.relu(z.abs() + b)


def test_modrelu_is_the_formula_to_the_last_bit_with_both_gradients() -> None:
    u, b, direction = (torch.randn(2, 3, 501) for _ in range(3))
    found, expected = [], []
    for into, function in ((found, modrelu), (expected, written_out)):
        point = [t.clone().requires_grad_() for t in (u, b)]
        h = function(*point)
        into += [h, *torch.autograd.grad((h * direction).sum(), point)]
    hand = by_hand(ModReLU(), direction, found[0], bias=b)
    for a, e in zip([*found, hand["u"], hand["bias"]], [*expected, *expected[1:]], strict=True):
        assert torch.equal(a, e)


@pytest.mark.parametrize(
    ("z", "b", "h", "dz", "db"),
    [
        (0.0, 0.5, 0.0, 0.0, 0.0),  # sign(0) = 0, whatever b is
        (-0.0, 0.5, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (2.0, -0.5, 1.5, 1.0, 1.0),
        (-2.0, -0.5, -1.5, 1.0, -1.0),
        (-0.25, 0.5, -0.75, 1.0, -1.0),
        (0.5, -0.5, 0.0, 0.0, 0.0),  # |z| + b = 0 is off
        (0.25, -0.5, 0.0, 0.0, 0.0),
        (1e-30, 1e-30, 2e-30, 1.0, 1.0),
    ],
)
def test_modrelu_and_its_derivatives_at_the_points_that_matter(
    z: float, b: float, h: float, dz: float, db: float
) -> None:
    point = [torch.tensor([[[value]]], dtype=torch.float64, requires_grad=True) for value in (z, b)]
    out = modrelu(*point)
    assert out.item() == h
    assert [g.item() for g in torch.autograd.grad(out.sum(), point)] == [dz, db]
    hand = by_hand(ModReLU(), torch.ones_like(out), out, bias=point[1])
    assert [hand["u"].item(), hand["bias"].item()] == [dz, db]


def test_modrelu_passes_numbers_that_are_not_finite() -> None:
    out = modrelu(torch.tensor([torch.nan, torch.inf, -torch.inf]), torch.zeros(3))
    assert out[0].isnan() and out[1:].tolist() == [torch.inf, -torch.inf]


def test_modrelu_gradients_equal_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    z, b = (torch.randn(2, 4, 9, generator=generator, dtype=torch.float64) for _ in range(2))
    torch.autograd.gradcheck(modrelu, (z.requires_grad_(), b.requires_grad_()))


def test_modrelu_starts_with_the_named_bias() -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    assert ModReLU("zeros").parameters(5, generators=generators)["bias"].tolist() == [[0.0] * 5] * 3
    drawn = ModReLU().parameters(5000, generators=generators)["bias"]
    assert drawn.shape == (3, 5000) and 0.0099 < drawn.abs().max() <= 0.01


@pytest.mark.parametrize(
    ("update", "function"),
    [(Tanh, torch.tanh), (ReLU, torch.relu), (ELU, torch.nn.functional.elu)],
    ids=["tanh", "relu", "elu"],
)
def test_the_others_are_their_functions_with_gradients(update: type, function: object) -> None:
    z = (5 * torch.randn(2, 3, 40, dtype=torch.float64)).requires_grad_()
    extreme = torch.tensor([[[-800.0, -0.0, 0.0, 800.0]]], dtype=torch.float64, requires_grad=True)
    for point in (z, extreme):
        found, expected = applied(update(), point), function(point)
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
        (theirs,) = torch.autograd.grad(expected.sum(), point)
        hand = by_hand(update(), torch.ones_like(found), found)["u"]
        for gradient in (torch.autograd.grad(found.sum(), point)[0], hand):
            torch.testing.assert_close(gradient, theirs, rtol=1e-14, atol=1e-14)
