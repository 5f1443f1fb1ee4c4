"""Later phases: the loop that learns by reward after its network has, and every way in which that may be cut short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from rnnrepro import plan, project
from rnnrepro.errors import Fault
from rnnrepro.models.interaction import greedy
from rnnrepro.rules.hebbian import unit_rows
from rnnrepro.training import job as jobs
from rnnrepro.training.loop import train_step
from rnnrepro.training.state import TrainState, begin

REACH = {"move": 6, "hold": 4}
LOOP = {
    "title": "The loop",
    "task": {"kind": "reach_loop", **REACH},
    "rule": {"kind": "hebbian", "rate": 0.1, "explore": 0.2},
    "steps": 12,
    "evaluate_every": 4,
}
MORE = {"title": "More of the same", "task": {"kind": "reach", **REACH}, "steps": 5}


def paper(phases: list, **changes: object) -> dict:
    arm = {
        "model": "leaky_rnn",
        "hidden": 12,
        "start": {"init": "constant(0.1)", "trained": False},
        "readout": {"bias": None},
        "rule": {"kind": "rflo"},
        "optimiser": {"kind": "sgd", "rate": 0.02},
        "grid": {"rate": [0.02, 1.0e30]},
    }
    experiment = {
        "title": "Reaches",
        "seeds": 2,
        "scales": {"quick": {}},
        "models": {"loop": arm, "bptt": {**arm, "rule": {}, "grid": {}}},
        "training": {"batch": 1, "steps": 10, "evaluate_every": 5, "splits": ["test"], "record_every": 3},
        "task": {"kind": "reach", **REACH},
        "phases": phases,
        "analyses": ["spectrum"],
        **changes,
    }
    about = {"paper": "p", "title": "A", "authors": ["A"], "year": 2026, "venue": "v", "claim": "c"}
    return {**about, "experiments": {"reaches": experiment}, "exhibits": {}}


@pytest.fixture
def cells(tmp_path: Path) -> Callable[..., dict[str, plan.Cell]]:
    """`cells(phases, **changes)`: the cells of an experiment with these phases, by arm."""

    def made(phases: list, **changes: object) -> dict[str, plan.Cell]:
        (tmp_path / "config" / "papers").mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / "papers" / "p.yaml").write_text(yaml.safe_dump(paper(phases, **changes)))
        return {cell.arm: cell for cell in plan.cells(project.load(tmp_path / "config"), "quick")}

    return made


def state_of(cell: plan.Cell, runs: int | None = None) -> TrainState:
    chosen = cell.runs[:runs]
    return begin(
        [run.settings for run in chosen],
        [run.digest for run in chosen],
        data=None,
        device=torch.device("cpu"),
    )


def trained(state: TrainState, steps: int) -> TrainState:
    for _ in range(steps):
        state.go_on()
        train_step(state)
    return state


@pytest.mark.parametrize("arm", ["loop", "bptt"])
def test_stopped_anywhere_even_between_phases_a_run_ends_with_the_same_rows(
    cells, tmp_path, tables, job, arm
) -> None:
    cell = cells([LOOP, MORE])[arm]
    whole = jobs.train(cell, job(tmp_path / "whole"))
    for steps in (10, 11, 24):
        root = tmp_path / f"stopped{steps}"
        assert jobs.train(cell, job(root, steps=steps)) is None
        assert tables(jobs.train(cell, job(root))) == tables(whole)


def test_a_run_alone_has_the_rows_that_it_has_beside_one_that_diverges(cells, tmp_path, tables, job) -> None:
    cell = cells([LOOP])["loop"]
    together = jobs.train(cell, job(tmp_path / "together"))
    assert [record.provenance["status"] for record in together] == ["finished"] * 2 + ["diverged"] * 2
    assert tables(jobs.train(cell, job(tmp_path / "alone", stack=1))) == tables(together)


def test_metrics_of_a_later_phase_are_recorded_at_steps_that_go_on_counting(cells, tmp_path, job) -> None:
    (record, *_) = jobs.train(cells([LOOP, MORE])["bptt"], job(tmp_path))
    frame = record.table.to_pandas()
    steps = frame.groupby(["split", "metric"]).step.agg(list)
    assert steps["test", "transitions"] == steps["test", "path_error"] == [14, 18, 22]
    assert steps["test", "half_squared_error"] == [5, 10, 14, 18, 22, 27]
    assert steps["train", "transitions"] == list(range(11, 23))
    assert steps["train", "half_squared_error"] == [3, 6, 9, 10, *range(11, 28)]
    assert set(steps["analysis", "eigenvalue_real"]) == {0, 27}
    assert record.provenance["steps"] == 27


def test_the_network_stays_as_it_is_while_the_loop_learns_and_then_goes_on(cells) -> None:
    state = trained(state_of(cells([LOOP, MORE])["bptt"]), 10)
    loop = state.network.loop.clone()
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    trained(state, 12)
    assert not torch.equal(state.network.loop, loop)
    assert all(torch.equal(before[name], value) for name, value in state.network.named_parameters())
    loop = state.network.loop.clone()
    trained(state, 5)
    assert torch.equal(state.network.loop, loop)
    assert not any(torch.equal(before[name], value) for name, value in state.network.trained().items())


def test_before_the_loop_learns_a_run_is_what_it_is_without_phases(cells) -> None:
    with_loop, without = (trained(state_of(cells(phases)["bptt"]), 10) for phases in ([LOOP], []))
    assert without.network.loop is None and with_loop.network.loop.shape == (2, 4, 12)
    for name, value in without.network.state_dict().items():
        assert torch.equal(value, with_loop.network.state_dict()[name])


def test_only_the_rows_of_rewarded_choices_change_and_stay_at_length_1(cells) -> None:
    state = trained(state_of(cells([LOOP])["bptt"]), 10)
    torch.testing.assert_close(state.network.loop, unit_rows(state.network.loop))
    rewards = 0
    for _ in range(12):
        state.go_on()
        before = state.network.loop.clone()
        found = train_step(state)
        action = state.carried[0]
        for run in range(2):
            changed = (state.network.loop[run] != before[run]).any(1).nonzero().flatten().tolist()
            expected = [int(action[run])] if found["transitions"][run] else []
            assert changed == expected
            rewards += len(expected)
    assert rewards > 0
    torch.testing.assert_close(state.network.loop.norm(dim=-1), torch.ones(2, 4))


def test_a_step_is_one_reach_from_the_state_and_the_corner_that_the_last_one_left(cells) -> None:
    state = trained(state_of(cells([LOOP])["bptt"]), 11)
    ways = torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]])
    for _ in range(11):
        action, place, h = (tensor.clone() for tensor in state.carried)
        expected = h
        inputs = action[:, None, None].expand(-1, 10, 1)
        _, (expected,) = state.network(inputs, (h,))
        trained(state, 1)
        now, corner, after = state.carried
        assert torch.equal(after, expected)
        assert torch.equal(corner, place + ways[now]) and ((corner == 0) | (corner == 1)).all()


def test_a_loop_that_knows_the_order_makes_no_wrong_transition(cells) -> None:
    """Rows of W^s that find each reach's own end state put the network through the whole round."""
    state = state_of(cells([LOOP])["bptt"])
    network, task = state.network, state.stages[1].task
    (whole,) = task.evaluation("test")
    ends, lead = [], network(whole.inputs)[1]
    h = lead
    for inputs in whole.inputs.split(10, 1):
        _, h = network(inputs, h)
        ends.append(h[0][:, 0])
    states = torch.stack(ends, 1).double()  # (S, 4, N); the one after reach i is i + 1
    network.loop.copy_(torch.linalg.pinv(states).mT.roll(1, 1))
    found = greedy(network, task)
    assert found.actions.tolist() == [[0, 1, 2, 3, 0]] * 2 and task.right(found.actions).all()
    torch.testing.assert_close(found.outputs, network(whole.inputs, lead)[0], rtol=1e-5, atol=1e-6)
    network.loop.neg_()
    assert not task.right(greedy(network, task).actions).all()


def test_by_reward_the_loop_learns_the_sequence(cells) -> None:
    """End states are told apart even by a network that has not learned."""
    state = state_of(cells([{**LOOP, "steps": 400, "rule": {**LOOP["rule"], "rate": 0.3}}])["bptt"])
    trained(state, 410)
    found = state.stage.rule.judge(state, "test")
    total, count = found["transitions"]
    assert (total / count).tolist() == [1.0, 1.0] and count == 4


def test_the_plan_counts_later_phases_and_nothing_changes_where_there_are_none(cells) -> None:
    without, with_loop, more = (cells(phases)["bptt"] for phases in ([], [LOOP], [LOOP, MORE]))
    assert "phases" not in without.runs[0].settings
    assert [c.estimate.steps for c in (without, with_loop, more)] == [10, 22, 27]
    assert without.estimate.seconds < with_loop.estimate.seconds < more.estimate.seconds
    assert with_loop.estimate.flops - without.estimate.flops < more.estimate.flops - with_loop.estimate.flops
    assert len({c.digest for c in (without, with_loop, more)}) == 3
    settings = with_loop.runs[0].settings["phases"]
    assert settings[0]["rule"] == LOOP["rule"] and settings[0]["task"]["order"] == [0, 1, 2, 3]
    assert "title" not in settings[0]
    theirs = {"rnnrepro.training.reward", "rnnrepro.rules.hebbian", "rnnrepro.tasks.reach_loop"}
    assert theirs <= with_loop.modules.keys() and not theirs & without.modules.keys()
    assert "rnnrepro.training.descent" in without.modules


@pytest.mark.parametrize(
    ("phase", "changes", "message"),
    [
        (
            {"rule": {"kind": "hebian"}},
            {},
            r"phases\[0\].rule.kind: unknown: 'hebian'; did you mean 'hebbian'",
        ),
        ({"rule": {"kind": "rflo"}}, {}, "the network's own rule goes on where `rule` is left out"),
        ({"rule": {"kind": "hebbian", "rates": 1}}, {}, r"rule.rates: no such argument; did you mean 'rate'"),
        ({"task": {"kind": "reach_loop", "hold": 3, "mov": 2}}, {}, "'reach_loop' has no such argument"),
        (
            {"task": {"kind": "periodic"}},
            {},
            "it has 0 inputs and 1 outputs, the networks are made for 4 and 2",
        ),
        ({"step": 3}, {}, "unknown key"),
        (
            {},
            {"training": {"batch": 1, "steps": 3, "splits": ["test"], "stop_below": 1.0}},
            "before later phases every run makes all its steps",
        ),
    ],
)
def test_phases_that_cannot_be_are_faults(cells, phase: dict, changes: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        cells([{**LOOP, **phase}], **changes)


def test_a_loop_needs_an_interactive_task_and_numbers_that_make_sense(cells) -> None:
    for phase, message in (
        ({"task": MORE["task"]}, "needs an interactive task, such as reach_loop"),
        ({"rule": {"kind": "hebbian", "rate": 0}}, "rate is above 0 and explore from 0 to 1"),
        ({"rule": {"kind": "hebbian", "explore": 2}}, "rate is above 0 and explore from 0 to 1"),
    ):
        with pytest.raises(Fault, match=message):
            state_of(cells([{**LOOP, **phase}])["bptt"])
