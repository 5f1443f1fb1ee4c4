"""Training of language models: against a loop written with PyTorch's own modules, and averages by hand."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from torch import Tensor, nn

from rnnrepro import tables
from rnnrepro.analysis.trajectories import unroll
from rnnrepro.errors import Fault
from rnnrepro.models.dropout import Masks
from rnnrepro.models.network import Trace
from rnnrepro.tasks.windows import Windows
from rnnrepro.training import job as jobs
from rnnrepro.training.averaging import Averages, losses_of
from rnnrepro.training.loop import due, evaluate, fit, train_step
from rnnrepro.training.regularisation import regularisation
from rnnrepro.training.state import TrainState, begin

CPU = torch.device("cpu")


def state_of(cell, **training) -> TrainState:
    """A fresh stack of a cell's runs with changed training settings."""
    settings = [json.loads(json.dumps(run.settings)) for run in cell.runs]
    for run in settings:
        run["training"] |= training
    return begin(settings, [run.digest for run in cell.runs], data=None, device=CPU)


class Peer:
    """The same language model, of one run, of PyTorch's modules, and its training as AWD-LSTM's code has it."""

    def __init__(self, state: TrainState, run: int) -> None:
        net, self.seed, self.rates = state.network, state.settings[run]["seed"], state.network.dropout
        self.table = nn.Parameter(net.embedding[run].detach().clone())
        self.bias = nn.Parameter(net.readout_bias[run].detach().clone())
        self.layers, self.carried = nn.ModuleList(), None
        for layer in net.layers:
            lstm = nn.LSTM(layer.drive.input_size, layer.matrix.hidden_size)
            with torch.no_grad():
                lstm.weight_hh_l0.copy_(layer.matrix.weight[run].T)
                lstm.weight_ih_l0.copy_(layer.drive.weight[run].T)
                lstm.bias_ih_l0.copy_(layer.drive.bias[run])
                lstm.bias_hh_l0.zero_()
            lstm.bias_hh_l0.requires_grad_(False)
            self.layers.append(lstm)
        self.parameters = [p for p in (self.table, self.bias, *self.layers.parameters()) if p.requires_grad]
        self.optimiser = torch.optim.SGD(self.parameters, lr=1.0, weight_decay=1.2e-6)

    def step(self, batch, run: int, step: int, rate: float) -> float:
        """One step; the loss before it."""
        masks = Masks(self.rates, [self.seed], step)

        def drop(place: str, x: Tensor, *shape: int, layer: int = 0) -> Tensor:
            return masks.drop(place, x[None], shape, layer)[0]

        index, targets = batch.inputs[run], batch.targets[run]
        width = index.shape[1]
        carried = [None] * 3 if batch.reset else self.carried
        x = drop("embedding", self.table, len(self.table), 1)[index]
        x, self.carried = drop("input", x, 1, width, x.shape[-1]), []
        for i, (layer, before) in enumerate(zip(self.layers, carried, strict=True)):
            x = drop("hidden", x, 1, width, x.shape[-1], layer=i) if i else x
            dropped = drop("recurrent", layer.weight_hh_l0.T, *layer.weight_hh_l0.T.shape, layer=i).T
            values = {**dict(layer.named_parameters()), "weight_hh_l0": dropped}
            x, end = torch.func.functional_call(layer, values, (x, before))
            self.carried.append(tuple(part.detach() for part in end))
        read = drop("output", x, 1, width, x.shape[-1])
        loss = nn.functional.cross_entropy((read @ self.table.T + self.bias).flatten(0, 1), targets.flatten())
        objective = loss + 2.0 * read.pow(2).mean()
        objective = objective + 1.0 * (x[1:] - x[:-1]).pow(2).mean() if len(x) > 1 else objective
        self.optimiser.zero_grad()
        objective.backward()
        nn.utils.clip_grad_norm_(self.parameters, 0.25)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        return loss.item()


def test_training_is_that_of_a_loop_written_with_pytorchs_modules(cells):
    state = state_of(cells["language/lstm"], averaging="none")
    peers = [Peer(state, run) for run in range(2)]
    text, steps = state.task, state.training["steps"]
    windows = Windows(59, 10, vary=True)
    assert steps == windows.steps(4)
    losses = []
    for step in range(steps):
        batch = text.batch(step)
        rate = 60.0 * windows.window(step).pace * (0.1 if windows.epochs(step) >= 2 else 1.0)
        expected = [peer.step(batch, run, step, rate) for run, peer in enumerate(peers)]
        found = train_step(state)["loss"]
        torch.testing.assert_close(found, torch.tensor(expected), rtol=3e-4, atol=1e-5)
        losses.append(found)
    assert losses[-1].max() < losses[0].min() - 0.2  # it learned something on the way
    for run, peer in enumerate(peers):
        torch.testing.assert_close(state.network.embedding[run], peer.table, rtol=0, atol=2e-3)


def test_evaluations_are_at_the_end_of_every_epoch_whatever_its_length(cells, tmp_path, job):
    windows = Windows(59, 10, vary=True)
    ends = [windows.steps(epoch) for epoch in range(1, 5)]
    assert len({b - a for a, b in itertools.pairwise([0, *ends])}) > 1
    for record in jobs.train(cells["language/lstm"], job(tmp_path)):
        frame = record.table.to_pandas()
        for split in ("validation", "test"):
            chosen = frame[(frame.split == split) & (frame.metric == "cross_entropy")]
            assert chosen.step.tolist() == ends
        assert record.provenance["steps"] == ends[-1]


def test_penalties_are_those_of_their_definition_and_not_part_of_the_recorded_loss(cells):
    raw, read = torch.randn(2, 5, 3, 4, dtype=torch.float64), torch.randn(2, 5, 3, 4, dtype=torch.float64)
    trace = Trace(torch.zeros(2), (), raw, read)
    found = regularisation(trace, {"activation_penalty": 2.0, "temporal_penalty": 0.5})
    for run in range(2):
        squares = sum(float(v) ** 2 for v in read[run].flatten()) / 60
        changes = sum(float(v) ** 2 for t in range(4) for v in (raw[run, t + 1] - raw[run, t]).flatten()) / 48
        assert found[run].item() == pytest.approx(2.0 * squares + 0.5 * changes)
    assert regularisation(trace, {"activation_penalty": 0.0, "temporal_penalty": 0.0}) is None
    one = Trace(torch.zeros(2), (), raw[:, :1], read[:, :1])
    assert regularisation(one, {"activation_penalty": 0.0, "temporal_penalty": 0.5}) is None
    plain = state_of(cells["language/lstm"], activation_penalty=0.0, temporal_penalty=0.0)
    penalised = state_of(cells["language/lstm"])
    assert torch.equal(train_step(plain)["loss"], train_step(penalised)["loss"])
    assert not torch.equal(plain.network.embedding, penalised.network.embedding)


def test_a_change_from_step_to_step_needs_a_task_that_reads_every_step(cells):
    with pytest.raises(Fault, match="temporal_penalty needs a task that reads every step"):
        state_of(cells["adding/lstm"], temporal_penalty=1.0)


@pytest.mark.parametrize(
    ("losses", "window", "begins"),
    [
        ([3.0], 1, False),
        ([3.0, 4.0], 1, False),  # the only earlier loss is within the window
        ([3.0, 2.0, 4.0], 1, True),
        ([3.0, 2.0, 2.5], 1, False),  # above the last one alone
        ([3.0, 2.0, 3.0], 1, False),  # not above
        ([1.0, 2.0, 2.0, 2.0, 2.0, 1.1], 5, False),
        ([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.1], 5, True),
    ],
)
def test_averaging_begins_above_the_best_of_all_but_the_last_evaluations(cells, losses, window, begins):
    averages = Averages(state_of(cells["language/lstm"]).network, window)
    averages.look([losses, [1.0]])
    assert averages.begun.tolist() == [begins, False]
    averages.look([[1.0], [1.0]])
    assert averages.begun.tolist() == [begins, False]  # it never ends


def test_what_is_evaluated_is_the_mean_of_all_later_weights_of_the_runs_that_average(cells):
    state = state_of(cells["language/lstm"])
    state.averages.begun = torch.tensor([False, True])
    weights = []
    for _ in range(5):
        train_step(state)
        weights.append({name: p.detach().clone() for name, p in state.network.named_parameters()})
    with state.shown():
        for name, shown in state.network.named_parameters():
            mean = torch.stack([w[name][1] for w in weights]).double().mean(0)
            torch.testing.assert_close(shown[1].double(), mean, rtol=1e-5, atol=1e-6)
            assert torch.equal(shown[0], weights[-1][name][0])
    for name, value in state.network.named_parameters():
        assert torch.equal(value, weights[-1][name])  # training goes on from the last weights
    evaluate(state)
    plain = state_of(cells["language/lstm"], averaging="none")
    plain.network.load_state_dict(state.network.state_dict())
    evaluate(plain)
    curves = [[h.curve("test", "cross_entropy")[-1] for h in s.histories] for s in (state, plain)]
    assert curves[0][0][1] == curves[1][0][1] and curves[0][1][1] != curves[1][1][1]


def test_means_are_saved_resumed_and_taken_out_of_their_stack_with_the_same_bits(cells):
    whole = state_of(cells["language/lstm"])
    whole.averages.begun = torch.tensor([True, False])
    for _ in range(3):
        train_step(whole)
    resumed, alone = state_of(cells["language/lstm"]), state_of(cells["language/lstm"])
    resumed.restore([whole.of_run(i) for i in range(2)])
    alone.restore([whole.of_run(i) for i in range(2)])
    alone.take([0])
    for _ in range(3):
        train_step(whole), train_step(resumed), train_step(alone)
    expected = whole.averages.state()
    assert expected["count"].tolist() == [6, 0]
    for name, value in expected.items():
        assert torch.equal(resumed.averages.state()[name], value), name
        assert torch.equal(alone.averages.state()[name], value[:1]), name


def test_the_mean_is_that_of_pytorchs_averaged_sgd_without_its_first_step(cells):
    state = state_of(cells["language/lstm"])
    state.averages.begun = torch.tensor([True, True])
    name = "readout_bias"
    theirs = nn.Parameter(state.network.readout_bias[0].detach().clone())
    asgd = torch.optim.ASGD([theirs], lr=1.0, t0=0, lambd=0.0)
    first = None
    for _ in range(6):
        before = theirs.detach().clone()
        train_step(state)
        theirs.grad = before - state.network.readout_bias[0].detach()
        asgd.step()
        first = theirs.detach().clone() if first is None else first
    ours = (6 * state.averages.means[name][0] - first) / 5
    torch.testing.assert_close(ours, asgd.state[theirs]["ax"], rtol=1e-4, atol=1e-6)


def test_averaging_begins_by_itself_in_a_training_and_lasts(cells):
    state = state_of(cells["language/lstm"], schedule="constant")
    seen = []

    def on_step(now: TrainState) -> bool:
        if due(now):
            seen.append(now.averages.begun.tolist())
            losses = losses_of(now.histories, "validation", "cross_entropy")
            for begun, values in zip(seen[-1], losses, strict=True):
                runs = range(len(values))
                passed = [i for i in runs if values[:i][:-1] and values[i] > min(values[:i][:-1])]
                assert begun == bool(passed)
        return False

    fit(state, on_step=on_step, on_end=lambda *_: None)
    assert len(seen) == 4 and any(seen[-1])


def test_a_matrix_that_changes_itself_cannot_be_averaged(cells):
    with pytest.raises(Fault, match="averaging: DynamicExponential changes itself after each step"):
        state_of(cells["adding/dtriv"], averaging="nonmonotonic")


@pytest.mark.parametrize(
    "name", ["nonnormality", "spectrum", "gradient_flow", "gradient_start", "forgetting"]
)
def test_analyses_read_a_network_of_several_layers(cells, name):
    state = state_of(cells["language/lstm"])
    found = tables.load("analysis", name)(state.network, state.task)
    for metric, values in found.items():
        assert len(values) == 2 and torch.from_numpy(values).isfinite().all(), metric
    assert found or name in ("nonnormality", "spectrum")  # which read square matrices alone


def test_states_had_one_at_a_time_are_those_of_the_last_layer(cells):
    state = state_of(cells["language/lstm"])
    inputs = state.task.batch(0).inputs
    h, _ = state.network.hidden(inputs)
    states = unroll(state.network, inputs)
    torch.testing.assert_close(torch.stack(states[1:], 1), h, rtol=1e-5, atol=1e-6)
    assert states[0].shape == h[:, 0].shape and not states[0].any()
