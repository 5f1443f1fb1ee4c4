"""Stacked models train as they do one by one: ours to the bit, PyTorch's to rounding."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import rnnrepro
from rnnrepro import models
from rnnrepro.errors import Fault
from rnnrepro.models import make
from rnnrepro.optim import Optimiser

S, T, B, D, N = 3, 11, 5, 4, 6
RATES = [1e-3, 1e-2, 3e-2]
OURS = {
    "rnn": {},
    "lstm": {},
    "exprnn": {},
    "dtriv": {"matrix": {"rebase_every": 2}},
    "scornn": {"matrix": {"negative": 3}},
    "nnrnn": {"matrix": {"radius_penalty": 0.1}},
    "enrnn": {"matrix": {"short": 2, "negative": 2}},
    "scurnn": {},
    "urnn_rc": {},
    "urnn_fc": {"start": {"init": "uniform(0.1)"}},
    "eurnn": {"matrix": {"layers": 3}},
    "eurnn_complex": {},
}
TORCH = {
    "RNN": lambda: nn.RNN(D, N),
    "RNN relu": lambda: nn.RNN(D, N, nonlinearity="relu"),
    "RNN batch first": lambda: nn.RNN(D, N, batch_first=True),
    "LSTM": lambda: nn.LSTM(D, N),
    "LSTM batch first": lambda: nn.LSTM(D, N, batch_first=True),
    "LSTM without bias": lambda: nn.LSTM(D, N, bias=False),
    "LSTM of two layers": lambda: nn.LSTM(D, N, num_layers=2),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def data(shape=(T, B, D)) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return torch.randn(S, *shape, generator=drawn), torch.randn(S, *shape[:-1], N, generator=drawn)


def layers(name: str) -> list[models.Layer]:
    return [make(name, input_size=D, hidden_size=N, seed=seed, **OURS[name]) for seed in range(S)]


def adam(layer: models.Layer, rate: float) -> Optimiser:
    parameters = dict(layer.named_parameters())
    settings = {"main": SimpleNamespace(kind="adam_torch", arguments={})}
    rates = {"main": torch.tensor([rate])}
    return Optimiser(parameters, dict.fromkeys(parameters, "main"), settings, rates, layer.retractions())


@pytest.mark.parametrize("name", OURS)
def test_our_layers_train_in_a_stack_to_the_bit_as_one_by_one(name):
    x, y = data()
    alone, stacked = layers(name), rnnrepro.stack(layers(name))
    optimisers = [adam(model, rate) for model, rate in zip(alone, RATES, strict=True)]
    together = stacked.optimiser("adam_torch", RATES)
    for _ in range(5):
        together.zero_grad()
        output, _ = stacked(x)
        penalty = stacked.penalty()
        # Of complex units the real parts: the first N.
        losses = [((out[..., :N] - want) ** 2).mean() for out, want in zip(output, y, strict=True)]
        sum(losses if penalty is None else [*losses, penalty.sum()]).backward()
        together.step()
        stacked.after_step()
        for i, (model, optimiser) in enumerate(zip(alone, optimisers, strict=True)):
            optimiser.zero_grad()
            loss = ((model(x[i])[0][..., :N] - y[i]) ** 2).mean()
            penalty = model.penalty()
            (loss if penalty is None else loss + penalty).backward()
            optimiser.step()
            model.after_step()
    for model, back in zip(alone, stacked.unstack(), strict=True):
        assert isinstance(back, models.Layer)
        own = model.state_dict()
        assert own.keys() == back.state_dict().keys()
        assert all(torch.equal(own[key], value) for key, value in back.state_dict().items())
        assert torch.equal(model(x[0])[0], back(x[0])[0])
    started = layers(name)[0].state_dict()
    moved = [key for key, value in alone[0].named_parameters() if not torch.equal(value, started[key])]
    assert moved


@pytest.mark.parametrize("name", TORCH)
def test_torchs_layers_train_in_a_stack_as_one_by_one(name):
    x, y = data()
    alone = [TORCH[name]() for _ in range(S)]
    stacked = rnnrepro.stack(alone)
    optimisers = [torch.optim.Adam(model.parameters(), 1e-2) for model in alone]
    together = torch.optim.Adam(stacked.parameters(), 1e-2)
    for _ in range(5):
        together.zero_grad()
        ((stacked(x)[0] - y) ** 2).mean((1, 2, 3)).sum().backward()
        together.step()
        for i, (model, optimiser) in enumerate(zip(alone, optimisers, strict=True)):
            optimiser.zero_grad()
            ((model(x[i])[0] - y[i]) ** 2).mean().backward()
            optimiser.step()
    for i, (model, back) in enumerate(zip(alone, stacked.unstack(), strict=True)):
        assert type(back) is type(model)
        for key, value in model.state_dict().items():
            torch.testing.assert_close(back.state_dict()[key], value, rtol=1e-4, atol=2e-6)
        torch.testing.assert_close(back(x[i])[0], model(x[i])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TORCH)
def test_outputs_and_states_have_the_shapes_and_values_of_torchs_layers(name):
    x, _ = data()
    alone = [TORCH[name]() for _ in range(S)]
    stacked = rnnrepro.stack(alone)
    batch = x.shape[1] if alone[0].batch_first else B
    start = torch.randn(S, alone[0].num_layers, batch, N)
    start = (start, start.tanh()) if isinstance(alone[0], nn.LSTM) else start
    for inputs in (x, x[0]):
        output, last = stacked(inputs, start)
        for i, model in enumerate(alone):
            own = tuple(part[i] for part in start) if isinstance(start, tuple) else start[i]
            expected, end = model(inputs[i] if inputs.dim() == 4 else inputs, own)
            torch.testing.assert_close(output[i], expected)
            ends = zip(last, end, strict=True) if isinstance(end, tuple) else [(last, end)]
            for ours, theirs in ends:
                torch.testing.assert_close(ours[i], theirs)


def test_an_input_without_run_axis_is_shared_and_states_go_on():
    x, _ = data()
    stacked = rnnrepro.stack(layers("enrnn"))
    whole, last = stacked(x[0])
    assert whole.shape == (S, T, B, N) and last.shape == (S, 1, B, N)
    for i, model in enumerate(layers("enrnn")):
        assert torch.equal(model(x[0])[0], whole[i])
    first, state = stacked(x[0, :4])
    second, _ = stacked(x[0, 4:], state)
    assert torch.equal(torch.cat([first, second], 1), whole)


def networks(runs: int = 1) -> list[models.Network]:
    return [
        models.build(
            "scornn",
            input_size=7,
            hidden_size=N,
            output_size=3,
            index_inputs=True,
            arguments={"embedding": {"size": 5}},
            generators=[torch.Generator().manual_seed(10 * i + j) for j in range(runs)],
        )
        for i in range(S)
    ]


def test_networks_of_several_runs_stack_share_symbols_and_come_back():
    symbols = torch.randint(0, 7, (T, B))
    alone, stacked = networks(2), rnnrepro.stack(networks(2))
    assert stacked.runs == 6
    output, _ = stacked(symbols)
    for i, (model, back) in enumerate(zip(alone, stacked.unstack(), strict=True)):
        expected, _ = model(symbols.expand(2, T, B))
        assert torch.equal(output[2 * i : 2 * i + 2], expected)
        assert torch.equal(back(symbols.expand(2, T, B))[0], expected)
    assert set(stacked.parameter_groups().values()) == {"main", "orthogonal"}
    assert stacked.parameter_groups().keys() == dict(stacked.named_parameters()).keys()


class Feed(nn.Module):
    def __init__(self, hidden: int = 8, activation: str = "tanh") -> None:
        super().__init__()
        self.first, self.norm, self.second = (
            nn.Linear(D, hidden),
            nn.BatchNorm1d(hidden),
            nn.Linear(hidden, 2),
        )
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.norm(getattr(torch, self.activation)(self.first(x))))


def test_feed_forward_modules_go_through_vmap_and_train_as_one_by_one():
    x, y = torch.randn(S, 20, D), torch.randn(S, 20, 2)
    alone = [Feed() for _ in range(S)]
    stacked = rnnrepro.stack(alone)
    together = stacked.optimiser("adam_torch", RATES)
    optimisers = [
        torch.optim.Adam(model.parameters(), rate) for model, rate in zip(alone, RATES, strict=True)
    ]
    for _ in range(5):
        together.zero_grad()
        ((stacked(x) - y) ** 2).mean((1, 2)).sum().backward()
        together.step()
        for i, (model, optimiser) in enumerate(zip(alone, optimisers, strict=True)):
            optimiser.zero_grad()
            ((model(x[i]) - y[i]) ** 2).mean().backward()
            optimiser.step()
    for i, (model, back) in enumerate(zip(alone, stacked.unstack(), strict=True)):
        torch.testing.assert_close(back.state_dict()["norm.running_var"], model.norm.running_var)
        torch.testing.assert_close(back(x[i]), model(x[i]), rtol=1e-4, atol=1e-5)
    assert stacked(x[0], shared=True).shape == (S, 20, 2)


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ([], "one or more modules"),
        ([3], "one or more modules"),
        ([nn.GRU(D, N)], "GRU .*105982.*a GRU cannot be stacked yet"),
        ([nn.Sequential(nn.LSTM(D, N))], r"stack\(\[m.rnn for m in models\]\)"),
        ([nn.LSTM(D, N, bidirectional=True)], "of one direction"),
        ([nn.LSTM(D, N), nn.LSTM(D, N + 1)], "model 1 differs from model 0 in hidden_size: 7 instead of 6"),
        ([nn.LSTM(D, N), nn.RNN(D, N)], "differs from model 0 in the model: 'RNN' instead of 'LSTM'"),
        ([nn.RNN(D, N), nn.RNN(D, N, nonlinearity="relu")], "nonlinearity: 'relu' instead of 'tanh'"),
        ([nn.RNN(D, N), nn.RNN(D, N).double()], "torch.float64"),
        ([Feed(), Feed(activation="relu")], "activation: 'relu'"),
        (
            [make("lstm", input_size=D, hidden_size=N, update={"forget_offset": f}) for f in (0.0, 1.0)],
            "recurrence.rule",
        ),
        (
            [make("scornn", input_size=D, hidden_size=N), make("exprnn", input_size=D, hidden_size=N)],
            "recurrence.matrix: 'Exponential' instead of 'ScaledCayley'",
        ),
    ],
)
def test_what_cannot_be_stacked_is_one_fault_with_what_to_do(given, mend):
    with pytest.raises(Fault, match=mend) as fault:
        rnnrepro.stack(given)
    assert "\n" not in str(fault.value)


def test_wrong_inputs_states_and_rates_are_faults():
    stacked = rnnrepro.stack(layers("rnn"))
    for shape in ((T, D), (T, B, D + 1), (S + 1, T, B, D), (0, B, D)):
        with pytest.raises(Fault, match="the input is"):
            stacked(torch.zeros(shape))
    with pytest.raises(Fault, match="h_0 is of the shape"):
        stacked(torch.zeros(T, B, D), torch.zeros(1, B, N))
    with pytest.raises(Fault, match="one rate a run: 3 runs, 2 rates"):
        stacked.optimiser("sgd", [1.0, 2.0])
    with pytest.raises(AttributeError, match="stak"):
        _ = rnnrepro.stak


def test_the_models_given_are_left_alone_and_frozen_parameters_stay_so():
    given = [nn.LSTM(D, N) for _ in range(S)]
    for model in given:
        model.weight_ih_l0.requires_grad_(False)
    before = [{key: value.clone() for key, value in model.state_dict().items()} for model in given]
    stacked = rnnrepro.stack(given)
    assert not stacked.weight_ih_l0.requires_grad and stacked.weight_hh_l0.requires_grad
    with torch.no_grad():
        stacked.weight_hh_l0.add_(1)
    for model, values in zip(given, before, strict=True):
        assert all(torch.equal(value, values[key]) for key, value in model.state_dict().items())


def test_the_package_is_imported_without_torch():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import rnnrepro, sys; print('torch' in sys.modules, callable(rnnrepro.stack))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]
