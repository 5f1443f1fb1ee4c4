"""The reward-modulated Hebbian rule: who wins, who explores, and what a reward strengthens."""

from __future__ import annotations

import pytest
import torch

from rnnrepro.errors import Fault
from rnnrepro.rules.hebbian import choose, preferences, strengthened, unit_rows


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_preferences_are_the_weights_times_the_state() -> None:
    weights, h = normal(3, 4, 7), normal(3, 7, seed=1)
    found = preferences(weights, h)
    torch.testing.assert_close(found, torch.einsum("san,sn->sa", weights, h), rtol=1e-13, atol=1e-13)
    assert all(torch.equal(preferences(weights[i : i + 1], h[i : i + 1])[0], found[i]) for i in range(3))


def test_the_largest_allowed_preference_wins() -> None:
    z = torch.tensor([[1.0, 3.0, 2.0], [1.0, 3.0, 2.0], [-5.0, -6.0, -7.0], [2.0, 2.0, 1.0]])
    allowed = torch.tensor([[True] * 3, [True, False, True], [False, True, True], [True] * 3])
    found = choose(z, allowed, 0.1, torch.full((4, 2), 0.5))
    assert found.action.tolist() == [1, 2, 1, 0] and not found.explored.any()


def test_a_diverged_run_still_takes_an_allowed_action_and_leaves_the_others() -> None:
    z = torch.tensor([[torch.nan] * 3, [1.0, 3.0, 2.0]])
    allowed = torch.tensor([[False, True, True], [True] * 3])
    assert choose(z, allowed, 0.0, torch.zeros(2, 2)).action.tolist() == [1, 1]


def test_exploring_takes_every_allowed_action_alike_and_as_often_as_it_should() -> None:
    runs = 40_000
    drawn = torch.rand(runs, 2, generator=torch.Generator().manual_seed(2))
    z = torch.tensor([4.0, 3.0, 2.0, 1.0]).expand(runs, -1)
    allowed = torch.tensor([True, False, True, True]).expand(runs, -1)
    found = choose(z, allowed, 0.3, drawn)
    share = torch.bincount(found.action, minlength=4) / runs
    assert torch.allclose(share, torch.tensor([0.8, 0.0, 0.1, 0.1]), atol=0.01)
    assert found.explored.float().mean() == pytest.approx(0.3, abs=0.01)
    edge = choose(z[:1], allowed[:1], 1.0, torch.tensor([[0.0, 1 - 2**-24]]))
    assert edge.action.tolist() == [3]


def test_a_reward_turns_the_winners_row_towards_the_state_and_no_other() -> None:
    weights = unit_rows(normal(3, 4, 6))
    h = normal(3, 6, seed=1)
    action = torch.tensor([2, 0, 3])
    reward = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    z = torch.tensor([0.7, 5.0, -0.4], dtype=torch.float64)
    found = strengthened(weights, h, action, reward, 0.2, z)
    expected = weights.clone()
    for run, row in ((0, 2), (2, 3)):
        expected[run, row] += 0.2 * z[run] * h[run]
        expected[run, row] /= expected[run, row].norm()
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-13)
    others = torch.ones(3, 4, dtype=torch.bool)
    others[0, 2] = others[2, 3] = False
    assert torch.equal(found[others], weights[others])


def test_a_run_is_strengthened_the_same_alone_and_in_a_stack() -> None:
    weights, h = unit_rows(normal(4, 4, 51)).float(), normal(4, 51, seed=1).float()
    action, reward = torch.tensor([1, 0, 3, 3]), torch.ones(4)
    stack = strengthened(weights, h, action, reward, 0.1)
    for i in range(4):
        alone = strengthened(*(x[i : i + 1] for x in (weights, h, action, reward)), 0.1)
        assert torch.equal(alone[0], stack[i])


def test_by_rewards_alone_a_loop_learns_what_follows_each_state() -> None:
    """Four states, near orthogonal; the reward is for action i + 1 after state i."""
    states, weights = normal(4, 40), unit_rows(normal(1, 4, 40, seed=3))
    drawn = torch.rand(800, 1, 2, generator=torch.Generator().manual_seed(5))
    every = torch.ones(1, 4, dtype=torch.bool)

    def right() -> int:
        return sum(int(preferences(weights, states[i : i + 1]).argmax()) == (i + 1) % 4 for i in range(4))

    assert right() < 4
    for trial in range(800):
        h = states[trial % 4][None]
        z = preferences(weights, h)
        action = choose(z, every, 0.2, drawn[trial]).action
        reward = (action == (trial + 1) % 4).double()
        weights = strengthened(weights, h, action, reward, 0.01)
    assert right() == 4


@pytest.mark.parametrize("explore", [-0.1, 1.1])
def test_impossible_choices_are_faults(explore: float) -> None:
    z, allowed = torch.zeros(2, 3), torch.tensor([[True] * 3, [False] * 3])
    with pytest.raises(Fault, match="explore is a probability"):
        choose(z, allowed, explore, torch.zeros(2, 2))
    with pytest.raises(Fault, match="a run has no allowed action"):
        choose(z, allowed, 0.1, torch.zeros(2, 2))
    with pytest.raises(Fault, match="a row of the loop's weights is 0"):
        unit_rows(torch.zeros(1, 4, 3))
