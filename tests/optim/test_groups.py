"""Each paper's special learning rates reach exactly the parameters that they are for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rnnrepro import plan, project, tables
from rnnrepro.config import SCALES
from rnnrepro.models import build
from rnnrepro.models.network import Network
from rnnrepro.training.state import optimiser_of

SIZES = {"input_size": 2, "hidden_size": 6, "output_size": 3}

# Model -> group -> the parameters that the paper gives a rate of their own; all others belong to `main`.
SPECIAL: dict[str, dict[str, set[str]]] = {
    "scornn": {"orthogonal": {"matrix.skew"}},
    "scurnn": {"orthogonal": {"matrix.skew", "matrix.symmetric"}, "phases": {"matrix.phase"}},
    "exprnn": {"orthogonal": {"matrix.skew"}},
    "dtriv": {"orthogonal": {"matrix.skew"}},
    "nnrnn": {"orthogonal": {"matrix.skew"}, "triangular": {"matrix.triangle"}},
    "enrnn": {"orthogonal": {"matrix.long.skew"}},
    "urnn_fc": {"unitary": {"matrix.weight"}},
    "urnn_rc": {},
    "eurnn": {},
    "eurnn_complex": {},
    "rnn": {},
    "rnn_orth": {},
    "lstm": {},
}
ARGUMENTS = {"enrnn": {"matrix": {"short": 2, "negative": 2}}}
# What the models have beside the special ones, so that none is left out unnoticed.
OTHERS: dict[str, set[str]] = {
    "scornn": {"drive.weight", "update.bias"},
    "scurnn": {"drive.weight", "update.bias", "start"},
    "exprnn": {"drive.weight", "update.bias"},
    "dtriv": {"drive.weight", "update.bias"},
    "nnrnn": {"drive.weight", "update.bias", "matrix.radius", "matrix.angle"},
    "enrnn": {"drive.weight", "update.bias", "matrix.short.weight", "matrix.coupling"},
    "urnn_fc": {"drive.weight", "update.bias", "start"},
    "urnn_rc": {"drive.weight", "update.bias", "start", "matrix.phase", "matrix.reflection"},
    "eurnn": {"drive.weight", "update.bias", "matrix.angle"},
    "eurnn_complex": {"drive.weight", "update.bias", "matrix.angle", "matrix.turn", "matrix.phase"},
    "rnn": {"drive.weight", "update.bias", "matrix.weight"},
    "rnn_orth": {"drive.weight", "update.bias", "matrix.weight"},
    "lstm": {"drive.weight", "drive.bias", "matrix.weight"},
}
GROUPS = [(name, group) for name, groups in SPECIAL.items() for group in (*groups, "main")]


def network(name: str, seeds: tuple[int, ...] = (0, 1)) -> Network:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    found = build(name, **SIZES, arguments=ARGUMENTS.get(name), generators=generators, dtype=torch.float64)
    drawn = torch.Generator().manual_seed(7)
    for parameter in found.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=drawn, dtype=torch.float64)
    return found


def of_layer(names: set[str]) -> set[str]:
    return {f"layers.0.{name}" for name in names}


def settings(rates: dict[str, float], kind: str = "sgd") -> list[dict]:
    """What a run of a plan says of its optimiser, for two runs; the second one's rates are doubled."""
    return [
        {"optimiser": {group: {"kind": kind, "rate": times * rate} for group, rate in rates.items()}}
        for times in (1, 2)
    ]


@pytest.mark.parametrize("name", SPECIAL)
def test_the_groups_hold_the_parameters_that_the_papers_say(name: str) -> None:
    found = network(name)
    groups = found.parameter_groups()
    expected = {p: group for group, names in SPECIAL[name].items() for p in of_layer(names)}
    expected |= dict.fromkeys({*of_layer(OTHERS[name]), "readout", "readout_bias"}, "main")
    read = {p: group for p, group in groups.items() if not p.startswith("readout")}
    assert read == {p: group for p, group in expected.items() if not p.startswith("readout")}
    assert {group for p, group in groups.items() if p.startswith("readout")} == {"main"}


@pytest.mark.parametrize(("name", "special"), GROUPS)
def test_a_rate_moves_the_parameters_of_its_group_by_it_and_no_other(name: str, special: str) -> None:
    moved, expected = network(name), network(name)
    groups = moved.parameter_groups()
    rates = {group: 0.02 if group == special else 0.0 for group in set(groups.values())}
    optimiser_of(moved, settings(rates), torch.device("cpu")).step()
    before = dict(network(name).named_parameters())
    retractions = expected.retractions()
    for key, parameter in expected.named_parameters():
        if groups[key] == special:
            rate = torch.tensor([0.02, 0.04], dtype=torch.float64).view(-1, *(1,) * (parameter.dim() - 1))
            with torch.no_grad():
                retractions.get(key, parameter.sub_)(rate * parameter.grad)
            assert not torch.equal(parameter, before[key])
        # A retraction by nothing rounds; what nothing is subtracted from keeps its bits. Rates are in single precision.
        apart = 1e-8 if groups[key] == special else 1e-14 if key in retractions else 0.0
        torch.testing.assert_close(moved.get_parameter(key), parameter, rtol=0, atol=apart)


def test_the_three_optimisers_of_scurnn_have_each_their_own_form_and_rate() -> None:
    found = network("scurnn")
    rates = {"main": 1e-3, "orthogonal": 1e-4, "phases": 1e-2}
    kinds = {"main": "adam_tf", "orthogonal": "rmsprop_tf", "phases": "adagrad_tf"}
    chosen = [
        {"optimiser": {group: {"kind": kinds[group], "rate": rate} for group, rate in rates.items()}}
        for _ in range(2)
    ]
    slots = optimiser_of(found, chosen, torch.device("cpu")).state()
    by_slot: dict[str, set[str]] = {}
    for key in slots:
        slot, _, parameter = key.partition("/")
        by_slot.setdefault(slot, set()).add(parameter)
    assert by_slot["sum"] == {"layers.0.matrix.phase"}
    adam = by_slot["mean"]
    assert by_slot["square"] - adam == {"layers.0.matrix.skew", "layers.0.matrix.symmetric"}
    assert adam >= {"layers.0.drive.weight", "layers.0.update.bias", "layers.0.start"}


@pytest.mark.parametrize("scale", SCALES)
def test_every_experiment_gives_each_special_group_of_its_models_a_rate(scale: str) -> None:
    by_matrix = {tables.MODELS[name].matrix: set(groups) for name, groups in SPECIAL.items()}
    loaded = project.load(Path(__file__).parents[2] / "config")
    tried = 0
    for cell in plan.cells(loaded, scale):
        model = cell.runs[0].settings["model"]
        kind = model["matrix_kind"]
        if kind not in by_matrix:
            by_matrix[kind] = set(tables.load("matrix", kind).groups.values())
        expected = by_matrix[kind]
        if model["matrix"].get("short") == model["hidden"]:
            expected = set()  # the short-term state alone has nothing orthogonal
        assert cell.runs[0].settings["optimiser"].keys() == {"main", *expected}, cell.key
        tried += bool(expected)
    assert tried > 10
