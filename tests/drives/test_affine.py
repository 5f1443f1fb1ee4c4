from __future__ import annotations

import pytest
import torch

from rnnrepro.drives.affine import Affine
from rnnrepro.errors import Fault


def drive(
    input_size: int = 3, hidden: int = 400, width: int = 1600, runs: int = 2, **arguments: object
) -> Affine:
    generators = [torch.Generator().manual_seed(seed) for seed in range(runs)]
    return Affine(input_size, hidden, width, generators=generators, **arguments)


def test_z_is_x_u_plus_bias() -> None:
    affine = drive(3, 4, 8, bias="normal(1)", dtype=torch.float64)
    x = torch.randn(2, 5, 6, 3, dtype=torch.float64)
    factors, state = affine(x)
    z = factors.dense()
    for run in range(2):
        torch.testing.assert_close(z[run], x[run] @ affine.weight[run] + affine.bias[run], rtol=0, atol=1e-14)
    assert factors.shape == z.shape and state == ()


def test_the_factors_are_the_inputs_and_the_parameters_themselves() -> None:
    affine, x = drive(3, 4, 8, bias="normal(1)"), torch.randn(2, 5, 6, 3)
    factors, _ = affine(x)
    assert factors.x is x and factors.weight is affine.weight and factors.bias is affine.bias


def test_there_is_no_bias_unless_an_initialiser_is_named() -> None:
    affine, x = drive(3, 4, 8), torch.randn(2, 5, 6, 3)
    assert [name for name, _ in affine.named_parameters()] == ["weight"]
    factors, _ = affine(x)
    assert factors.bias is None
    torch.testing.assert_close(factors.dense(), torch.einsum("stbd,sdm->stbm", x, affine.weight))


@pytest.mark.parametrize(
    ("fan_in", "fan_out", "std"),
    [
        (None, None, (2 / (3 + 1600)) ** 0.5),
        (
            "joint",
            "hidden",
            (2 / (403 + 400)) ** 0.5,
        ),  # nnRNN's LSTM: Glorot on each gate's N × (N + D) matrix
        ("joint", "gates", (2 / (403 + 1600)) ** 0.5),  # TensorFlow's cell: one (D + N) × 4N kernel
    ],
)
def test_the_fans_name_what_a_paper_counts(fan_in: str | None, fan_out: str | None, std: float) -> None:
    weight = drive(init="glorot_normal", fan_in=fan_in, fan_out=fan_out).weight
    assert weight.std().item() == pytest.approx(std, rel=0.03)


def test_the_bias_is_drawn_with_the_fan_in_of_the_weight() -> None:
    assert drive(bias="fan_in_uniform").bias.abs().max().item() == pytest.approx(3**-0.5, rel=0.02)
    assert drive(bias="fan_in_uniform", fan_in="joint").bias.abs().max().item() == pytest.approx(
        403**-0.5, rel=0.02
    )


def test_an_input_enters_the_unit_of_its_number_in_every_gate() -> None:
    affine = drive(3, 5, 20, init="identity(0.9)", bias="zeros")
    x = torch.randn(2, 4, 6, 3)
    z, _ = affine(x)
    expected = torch.nn.functional.pad(0.9 * x, (0, 2)).repeat(1, 1, 1, 4)
    torch.testing.assert_close(z.dense(), expected)


def test_a_fan_of_the_hidden_size_makes_the_input_weights_of_a_normal_start() -> None:
    weight = drive(30, 400, 1600, init="fan_in_normal(0.9)", fan_in="hidden").weight
    assert weight.std().item() == pytest.approx(0.9 / 20, rel=0.02)


def test_an_unknown_fan_is_a_fault() -> None:
    with pytest.raises(Fault, match="joint"):
        drive(fan_in="both")
