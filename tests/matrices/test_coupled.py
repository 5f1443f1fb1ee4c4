from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from rnnrepro.errors import Fault
from rnnrepro.matrices.coupled import Coupled

ALL = torch.tensor([True, True])


def coupled(size: int = 10, dtype: torch.dtype = torch.float64, **arguments) -> Coupled:
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    return Coupled(size, input_size=2, generators=generators, dtype=dtype, **{"short": 4, **arguments})


def scale_short(matrix: Coupled, radii: list[float]) -> None:
    """Give each run's T the spectral radius asked for."""
    with torch.no_grad():
        now = torch.linalg.eigvals(matrix.short.weight).abs().amax(1)
        matrix.short.weight *= (torch.tensor(radii, dtype=torch.float64) / now).view(-1, 1, 1)


def test_the_short_state_feeds_the_long_one_and_never_the_reverse() -> None:
    matrix = coupled()
    parts, w = matrix.arrays(), matrix.build().detach()
    assert torch.equal(w[:, :6, :6], parts["long"]) and torch.equal(w[:, 6:, 6:], parts["short"])
    assert torch.equal(w[:, 6:, :6], parts["coupling"]) and not w[:, :6, 6:].any()
    h = torch.zeros(2, 1, 10, dtype=torch.float64)
    h[:, :, :6] = 1
    assert not (h @ w)[:, :, 6:].any(), "the long-term state reached the short-term one"
    assert (h.flip(2) @ w)[:, :, :6].abs().min() > 0


def test_the_spectrum_is_that_of_the_two_parts() -> None:
    matrix = coupled(normalise="always")
    parts = matrix.arrays()
    for run in range(2):
        both = torch.cat([torch.linalg.eigvals(parts[name][run]) for name in ("long", "short")])
        found = torch.linalg.eigvals(parts["recurrent"][run])
        assert np.allclose(np.sort(found.abs().numpy()), np.sort(both.abs().numpy()), atol=1e-10)
        assert np.isclose(float(found.abs().max()), 1.0, atol=1e-10)


def test_the_starts_are_those_of_the_authors_code() -> None:
    matrix = coupled(2000, short=1000)
    coupling = matrix.coupling[0].detach().flatten().numpy()
    bound = math.sqrt(6 / 2000)
    assert matrix.coupling.shape[1:] == (1000, 1000)
    assert scipy.stats.kstest(coupling[:20000], "uniform", (-bound, 2 * bound)).pvalue > 0.01
    radii = torch.linalg.eigvals(matrix.short.weight[0].detach()).abs()[::2].numpy()
    assert scipy.stats.kstest(radii, "uniform").pvalue > 0.01
    first = matrix.long.skew[0, 0].item()
    assert first > 0, "the long-term start has +tan(u/2) above the diagonal"
    angles = torch.linalg.eigvals(coupled(200, short=2).long.build()[0].detach()).angle().abs()
    assert float(angles.max()) < math.pi / 2


def test_parameters_are_counted_as_in_the_reproduction_card() -> None:
    def count(**arguments) -> int:
        return sum(p[0].numel() for p in coupled(**arguments).parameters())

    # The matrix's part of 15 441 (adding) and 22 395 (copying): without (m+1)N + kN + k.
    assert count(size=160, short=64, negative=29) == 15441 - 3 * 160 - 160 - 1
    assert count(size=192, short=20, negative=52) == 22395 - 11 * 192 - 9 * 192 - 9
    assert count(size=10, short=0) == 45 and count(size=10, short=10) == 100
    assert count(size=10, short=4, coupled=False) == 15 + 16


def test_each_part_stands_alone_at_the_ends() -> None:
    long, short = coupled(short=0, negative=5), coupled(short=10, normalise="always")
    assert set(long.arrays()) == {"recurrent", "long"} and long.groups == {"long.skew": "orthogonal"}
    assert set(short.arrays()) == {"recurrent", "short", "rho", "latch"} and short.groups == {}
    assert torch.equal(long.build(), long.long.build())
    assert np.allclose(torch.linalg.eigvals(short.build()).abs().amax(1).detach(), 1.0)


def test_the_latch_closes_when_the_radius_first_exceeds_one_and_stays_closed() -> None:
    matrix = coupled()
    seen = []
    for radii in ([0.9, 0.8], [1.0 - 1e-9, 1.3], [1.2, 0.5], [0.4, 0.3]):
        scale_short(matrix, radii)
        matrix.after_step(ALL)
        parts = matrix.arrays()
        seen.append(parts["latch"].tolist())
        rho = torch.linalg.eigvals(parts["short"]).abs().amax(1)
        for run in range(2):
            expected = 1.0 if seen[-1][run] else radii[run]
            assert np.isclose(float(rho[run]), expected, atol=1e-9)
        assert np.allclose(parts["rho"], radii)
    assert seen == [[False, False], [False, True], [True, True], [True, True]]


def test_the_latch_is_open_at_the_start_and_moves_only_after_a_step_of_an_active_run() -> None:
    matrix = coupled()
    scale_short(matrix, [1.5, 1.5])
    assert torch.equal(matrix.arrays()["short"], matrix.short.weight), "normalised before any step"
    matrix.after_step(torch.tensor([False, True]))
    assert matrix.short.latch.tolist() == [False, True]


def test_always_and_never_do_not_depend_on_the_radius() -> None:
    for normalise, expected in (("always", [1.0, 1.0]), ("never", [0.7, 1.4])):
        matrix = coupled(normalise=normalise)
        scale_short(matrix, [0.7, 1.4])
        matrix.after_step(ALL)
        rho = torch.linalg.eigvals(matrix.arrays()["short"]).abs().amax(1)
        assert np.allclose(rho, expected) and matrix.short.latch.tolist() == [normalise == "always"] * 2


def test_the_gradient_of_a_normalised_run_is_orthogonal_to_t_and_of_another_is_passed_on() -> None:
    matrix = coupled()
    scale_short(matrix, [0.5, 1.5])
    matrix.after_step(ALL)
    g = torch.randn(2, 10, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    matrix.build().backward(g)
    t, grad = matrix.short.weight, matrix.short.weight.grad
    assert torch.equal(grad[0], g[0, 6:, 6:])
    assert abs(float((t[1].detach() * grad[1]).sum())) < 1e-12
    assert torch.equal(matrix.coupling.grad, g[:, 6:, :6])


def test_steps_without_the_gradient_of_the_radius_are_counted_for_active_runs() -> None:
    matrix = coupled(normalise="always")
    with torch.no_grad():
        matrix.short.weight.copy_(torch.diag(torch.ones(3, dtype=torch.float64), 1) + 2 * torch.eye(4))
    for active in ([True, True], [True, False]):
        matrix.build()
        matrix.after_step(torch.tensor(active))
    assert matrix.short.dropped.tolist() == [2, 1]


def test_the_residual_sees_each_part() -> None:
    matrix = coupled()
    assert float(matrix.residual().max()) < 1e-13
    scale_short(matrix, [0.5, 1.25])
    assert np.allclose(matrix.residual(), [0, 0.25], atol=1e-12)
    with torch.no_grad():
        matrix.long.signs[0] = 2.0
    assert float(matrix.residual()[0]) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"short": 3}, "even"),
        ({"short": 12}, "short counts"),
        ({"short": -2}, "short counts"),
        ({"negative": 7}, "long-term"),
        ({"negative": -1}, "negative"),
        ({"normalise": "sometimes"}, "normalise is"),
        ({"short": 10, "negative": 1}, "long-term"),
        ({"short_init": "rotation"}, "unknown initialiser"),
        ({"width": 40}, "cannot have"),
    ],
)
def test_unfit_arguments_are_faults(arguments: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        coupled(**arguments)
