from __future__ import annotations

import math

import pytest
import scipy.linalg
import scipy.stats
import torch

from rnnrepro import tables
from rnnrepro.errors import Fault
from rnnrepro.initialisers import rotation
from rnnrepro.matrices.free import Free
from rnnrepro.matrices.skew import initial, skew


def free(size: int = 40, width: int | None = None, **arguments) -> torch.Tensor:
    generators = [torch.Generator().manual_seed(7)]
    matrix = Free(size, width=width, input_size=10, generators=generators, dtype=torch.float64, **arguments)
    return matrix.build()[0].detach()


def test_the_named_starts_of_the_lstm_can_be_said() -> None:
    starts = {
        "pytorch": ({"init": "fan_in_uniform"}, 1 / math.sqrt(40)),
        "tensorflow": ({"init": "glorot_uniform", "fan_in": "joint", "fan_out": "gates"}, math.sqrt(6 / 210)),
    }
    for arguments, bound in starts.values():
        w = free(40, 160, **arguments).flatten().numpy()
        assert scipy.stats.kstest(w, "uniform", (-bound, 2 * bound)).pvalue > 0.01
    per_gate = free(40, 160, init="glorot_normal", fan_in="joint", fan_out="hidden").flatten().numpy()
    assert scipy.stats.kstest(per_gate, "norm", (0, math.sqrt(2 / 90))).pvalue > 0.01


@pytest.mark.parametrize("name", tables.SKEW_INITIALISERS)
def test_a_rotation_start_is_the_exponential_of_the_skew_start(name: str) -> None:
    a = skew(initial(name, [torch.Generator().manual_seed(7)], 9, torch.float64), 9)[0]
    expected = torch.from_numpy(scipy.linalg.expm(a.numpy()))
    assert torch.allclose(free(9, init=f"rotations_{name}"), expected, atol=1e-9)


def test_rotations_haar_is_the_haar_rotation_itself() -> None:
    assert torch.equal(free(9, init="rotations_haar"), rotation(torch.Generator().manual_seed(7), 9))


def test_scaled_rotations_have_radii_uniform_to_one_and_angles_in_the_quarter_circle() -> None:
    values = torch.linalg.eigvals(free(2000, init="scaled_rotations"))
    assert scipy.stats.kstest(values.abs().numpy()[::2], "uniform").pvalue > 0.01
    angles = torch.minimum(values.angle().abs(), math.pi - values.angle().abs()).numpy()[::2]
    assert scipy.stats.kstest(angles, "uniform", (0, math.pi / 2)).pvalue > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 16, "init": "rotations_henaff"}, "square"),
        ({"width": 16, "init": "haar"}, "square"),
        ({"init": "rotations_henaf"}, "did you mean 'rotations_henaff'"),
        ({"fan_in": "both"}, "a fan is"),
        ({"init": "uniform"}, "needs a number"),
        ({"size": 5, "init": "scaled_rotations"}, "even"),
    ],
)
def test_unfit_arguments_are_faults(arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        free(**{"size": 4, **arguments})
