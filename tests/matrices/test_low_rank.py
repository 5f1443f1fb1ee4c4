"""The identity and a correction of low or full rank, trained or frozen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import torch

from rnnrepro import models
from rnnrepro.conformance.cases import descend
from rnnrepro.errors import Fault
from rnnrepro.matrices.low_rank import LowRank
from rnnrepro.optim import Optimiser

SEEDS = (0, 1, 2)


def make(size: int = 9, seeds: tuple[int, ...] = SEEDS, **arguments) -> LowRank:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return LowRank(
        size, input_size=2, generators=generators, **{"rank": 3, "dtype": torch.float64} | arguments
    )


def test_it_is_the_identity_and_the_product_of_its_factors() -> None:
    matrix = make()
    left, right, w = (value.detach().numpy() for value in (matrix.left, matrix.right, matrix.build()))
    assert left.shape == (3, 9, 3) and right.shape == (3, 3, 9)
    for run in range(3):
        np.testing.assert_allclose(w[run], np.eye(9) + left[run] @ right[run], rtol=0, atol=1e-15)
        assert np.linalg.matrix_rank(w[run] - np.eye(9), tol=1e-12) == 3


def test_both_factors_start_uniform_within_one_over_the_root_of_the_units() -> None:
    matrix = make(100, rank=50)
    for factor in (matrix.left, matrix.right):
        drawn = factor.detach().flatten().numpy()
        assert scipy.stats.kstest(drawn, "uniform", (-0.1, 0.2)).pvalue > 0.01


def test_in_one_piece_it_starts_at_the_identity_or_as_it_is_told() -> None:
    assert torch.equal(make(rank=None).build()[1], torch.eye(9, dtype=torch.float64))
    drawn = make(100, rank=None, full_init="uniform(0.01)")
    change = (drawn.build() - torch.eye(100)).detach().flatten().numpy()
    assert scipy.stats.kstest(change, "uniform", (-0.01, 0.02)).pvalue > 0.01
    np.testing.assert_allclose(change, drawn.weight.detach().flatten().numpy(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("rank", [3, None])
def test_frozen_it_has_the_same_numbers_and_nothing_to_train(rank: int | None) -> None:
    options = {"rank": rank, "full_init": "normal(0.1)"}
    trained, frozen = make(**options), make(**options, frozen=True)
    assert torch.equal(trained.build(), frozen.build()) and not frozen.build().requires_grad
    assert list(frozen.parameters()) == [] and frozen.runs == 3 and frozen.residual().tolist() == [0, 0, 0]
    assert {n: v.shape for n, v in frozen.state_dict().items()} == {
        n: v.shape for n, v in trained.named_parameters()
    }
    for i, seed in enumerate(SEEDS):
        assert torch.equal(make(seeds=(seed,), **options, frozen=True).build()[0], frozen.build()[i])


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frozen_network_trains_all_but_its_recurrent_matrix(frozen: bool) -> None:
    network = models.build(
        "sbo_snag",
        input_size=2,
        hidden_size=8,
        output_size=3,
        arguments={"matrix": {"rank": 3, "frozen": frozen}, "update": {"eta": 0.2}},
        generators=[torch.Generator().manual_seed(seed) for seed in SEEDS],
    )
    before = {name: value.clone() for name, value in network.state_dict().items()}
    parameters = dict(network.named_parameters())
    optimiser = Optimiser(
        parameters,
        network.parameter_groups(),
        {"main": SimpleNamespace(kind="adam_torch", arguments={})},
        {"main": torch.full((3,), 0.01)},
    )
    x = torch.randn(3, 6, 4, 2, generator=torch.Generator().manual_seed(5))
    network(x)[0].square().sum().backward()
    optimiser.step()
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    still = {"layers.0.matrix.left", "layers.0.matrix.right"} if frozen else set()
    assert moved == before.keys() - still
    again = network.take([1])
    assert torch.equal(again.build()[0][0], network.build()[0][1])


def test_a_frozen_run_has_the_same_bits_alone_and_in_a_stack() -> None:
    arguments = {"matrix": {"frozen": True}, "update": {"eta": 0.1}}
    x = torch.randn(3, 12, 5, 2, generator=torch.Generator().manual_seed(5))

    def after_steps(seeds: tuple[int, ...], rows: list[int]) -> dict[str, torch.Tensor]:
        network = models.build(
            "sbo_shb",
            input_size=2,
            hidden_size=60,
            output_size=3,
            arguments=arguments,
            generators=[torch.Generator().manual_seed(seed) for seed in seeds],
        )
        for _ in range(2):
            descend(network, x[rows])
        return network.state_dict()

    stack = after_steps(SEEDS, [0, 1, 2])
    for i, seed in enumerate(SEEDS):
        for name, value in after_steps((seed,), [i]).items():
            assert torch.equal(value[0], stack[name][i]), name


@pytest.mark.parametrize("rank", [0, -2, 2.5, True])
def test_a_rank_that_is_none_is_a_fault(rank: object) -> None:
    with pytest.raises(Fault, match="rank is a whole number from 1 on"):
        make(rank=rank)
