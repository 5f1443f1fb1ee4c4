"""Every row of the tables of models, drives and updates against every demand, and the demands against faults."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch

from rnnrepro import tables
from rnnrepro.conformance.cases import Case
from rnnrepro.conformance.models import CHECKS, check_model, gradient, row_arguments
from rnnrepro.drives.affine import Affine
from rnnrepro.errors import Fault
from rnnrepro.matrices.free import Free
from rnnrepro.updates.base import Update
from rnnrepro.updates.pointwise import Tanh
from rnnrepro.updates.stage import Stage

Check = Callable[[Case], None]

_NORMAL = {"init": "fan_in_normal(0.9)", "fan_in": "hidden", "bias": "zeros"}
_CHAIN = {"init": "identity(0.9)", "bias": "zeros"}
_GATE_STARTS = [
    {"matrix": {"init": "orthogonal"}, "drive": _NORMAL},
    {"matrix": {"init": "chain", "gain": 1.02}, "drive": _CHAIN},
    {"matrix": {"init": "mixed"}, "drive": _CHAIN},
]
MODELS: dict[str, list[dict]] = {
    "rnn": [{}, {"hidden": 7, "arguments": {"update": {"bias": "normal(0.3)"}}}],
    "rnn_orth": [{}, {"hidden": 5, "arguments": {"matrix": {"init": "haar"}}}],
    "lstm": [
        {},
        {"hidden": 5, "arguments": {"update": {"forget_offset": 1.0}}},
        *({"hidden": 5, "arguments": arguments} for arguments in _GATE_STARTS),
    ],
    "identity": [{}, {"hidden": 5, "arguments": {"matrix": {"gain": 0.99}, "update": {"kind": "tanh"}}}],
    "orthogonal": [{}, {"hidden": 5, "arguments": {"matrix": {"gain": 1.02}, "update": {"kind": "tanh"}}}],
    "chain": [{}, {"hidden": 5, "arguments": {"matrix": {"gain": 1.05, "orientation": "torch_release"}}}],
    "fbchain": [{}, {"hidden": 5, "arguments": {"matrix": {"gain": 0.07, "forward": 1.02}}}],
    "exprnn": [{}, {"hidden": 5}],
    "dtriv": [{}, {"arguments": {"matrix": {"rebase_every": 1, "project_every": 1}}}],
    "scornn": [{}, {"hidden": 9, "arguments": {"matrix": {"negative": 4}}}],
    "nnrnn": [{}, {"arguments": {"matrix": {"radius_penalty": 0.3}}}],
    "enrnn": [
        {"hidden": 7, "arguments": {"matrix": {"short": 2, "negative": 1}}},
        {"arguments": {"matrix": {"short": 4, "normalise": "always"}}},
        {"arguments": {"matrix": {"short": 2, "normalise": "never", "coupled": False}}},
        {"arguments": {"matrix": {"short": 6}}},
    ],
    "scurnn": [{}, {"hidden": 5, "arguments": {"update": {"bias": "normal(0.3)"}}}],
    "urnn_rc": [{}, {"hidden": 5}],
    "urnn_fc": [{}, {"hidden": 5, "arguments": {"start": {"init": None}}}],
    "eurnn": [{}, {"hidden": 5, "arguments": {"matrix": {"layers": 2}}}],
    "eurnn_complex": [{}, {"hidden": 5, "arguments": {"matrix": {"layers": 2}}}],
    "leaky_rnn": [{}, {"hidden": 5, "arguments": {"update": {"tau": 2.0}}}],
    **{
        f"sbo_{name}": [
            {"arguments": {"matrix": {"rank": 2}}},
            {
                "hidden": 7,
                "arguments": {"matrix": {"rank": None, "full_init": "normal(0.3)"}, "update": {"eta": 0.3}},
            },
        ]
        for name in ("shb", "snag")
    },
    "sbo_sgd": [
        {"arguments": {"matrix": {"rank": 2}}},
        {"hidden": 7, "arguments": {"matrix": {"rank": 3, "frozen": True}, "update": {"eta": 0.3}}},
    ],
    **{
        f"sbo_{name}_sparse": [
            {},
            {"hidden": 7, "arguments": {"matrix": {"scale": 0.4}, "update": {"eta": 0.3}}},
        ]
        for name in ("sgd", "shb", "snag")
    },
    "fastrnn": [{}, {"hidden": 5, "arguments": {"update": {"write": 0.0, "keep": 0.5}}}],
    "fastgrnn": [{}, {"hidden": 5, "arguments": {"update": {"nu": 0.5, "gate_bias": "normal(0.3)"}}}],
    "antisymmetric": [{}, {"hidden": 5, "arguments": {"update": {"step": 0.5}}}],
    "lipschitz": [{}, {"hidden": 5, "arguments": {"update": {"step": 0.4}, "matrix": {"std": 3.0}}}],
    "indrnn": [{}, {"hidden": 5, "arguments": {"matrix": {"low": -1.0}, "drive": {"bias": "normal(0.3)"}}}],
    "irnn": [
        {"arguments": {"drive": {"steps": 3}}},
        {"hidden": 5, "arguments": {"drive": {"steps": 1}, "update": {"carry": 1.0, "alpha": 0.7}}},
    ],
    "momentum_rnn": [{"hidden": 3, "arguments": {"drive": {"mu": 0.9, "epsilon": 0.1}}}],
    "adam_rnn": [{"hidden": 4, "arguments": {"drive": {"mu": 0.3, "beta": 0.9, "outside": None}}}],
    "rmsprop_rnn": [{"hidden": 4, "arguments": {"drive": {"bias": None}}}],
    "restart_rnn": [{"hidden": 4, "arguments": {"drive": {"epsilon": 0.3, "period": 40}}}],
    "momentum_lstm": [{"hidden": 3, "arguments": {"drive": {"mu": 0.0, "epsilon": 1.0, "forget": -4.0}}}],
    "adam_lstm": [{"hidden": 3}],
    "rmsprop_lstm": [{"hidden": 3}],
    "restart_lstm": [{"hidden": 3}],
    "restart_lstm_released": [
        {"hidden": 3},
        {"hidden": 3, "arguments": {"drive": {"bias": None, "outside": None, "forget": 0.0, "period": 3}}},
    ],
    "momentum_dtriv": [{"hidden": 4}],
    "adam_dtriv": [{"hidden": 5, "arguments": {"drive": {"beta": 0.8}}}],
    "rmsprop_dtriv": [{"hidden": 4, "arguments": {"matrix": {"init": "henaff_symmetric"}}}],
    "restart_dtriv": [{"hidden": 4, "arguments": {"matrix": {"rebase_every": 1, "project_every": 1}}}],
}
UPDATES: dict[str, list[dict]] = {
    "modrelu": [{}, {"bias": "normal(0.3)"}],
    "complex_modrelu": [{}, {"bias": "normal(0.3)", "root": 0.0}],
    "tanh": [{}],
    "relu": [{}],
    "elu": [{}],
    "leaky_tanh": [{}, {"tau": 2.0}],
    "lstm": [{}, {"forget_offset": 1.0}],
    "bilevel_sgd": [{}, {"eta": 0.3, "alpha": 0.8}],
    "bilevel_shb": [{}, {"eta": 0.3, "momentum": 0.9}],
    "bilevel_snag": [{}, {"eta": 0.3, "momentum": 0.9}],
    "fastrnn": [{}, {"write": 0.3, "keep": -0.2}],
    "fastgrnn": [{}, {"zeta": -0.4, "nu": 0.6, "gate_bias": "normal(0.3)", "update_bias": "zeros"}],
    "euler_tanh": [{}, {"step": 0.6}],
    "lipschitz": [{}, {"step": 0.4}],
    "restart_lstm": [{}],
    "inner_steps": [{}, {"alpha": 0.7, "carry": 0.5}],
}
DRIVES: dict[str, list[dict]] = {
    "affine": [
        {},
        {"bias": "normal(0.3)"},
        {"init": "glorot_uniform", "fan_in": "joint", "fan_out": "gates"},
    ],
    "lagged": [{"lag": 0}, {"lag": 0, "bias": "normal(0.3)", "init": "uniform(1.0)"}],  # 1: tests/drives
    "one_gate": [{}, {"bias": "normal(0.3)", "init": "fan_in_uniform", "fan_in": "hidden"}],
    "repeated": [{"steps": 2, "bias": "normal(0.3)"}],
    "momentum": [{}, {"bias": "normal(0.3)", "outside": "normal(0.3)", "mu": 0.9}],
    "adam": [{}, {"bias": "normal(0.3)", "outside": "normal(0.3)", "beta": 0.9}],
    "rmsprop": [{}, {"bias": "normal(0.3)", "epsilon": 0.1, "beta": 0.3}],
    "restart": [{}, {"bias": "normal(0.3)", "outside": "normal(0.3)", "period": 40}],
    "descent": [{}, {"bias": "normal(0.3)", "outside": "normal(0.3)", "period": 40}],
}
NEEDS: dict[str, str] = {"restart_lstm": "descent", "inner_steps": "repeated"}
"""Update -> a drive that gives it the numbers a step that it reads."""


GRADIENT = "gradients are those of central differences"
# Every entry of every Jacobian is looked at among the slow tests.
DEMANDS = [
    *(pytest.param(check, id=words) for words, check in CHECKS.items() if words != GRADIENT),
    pytest.param(partial(gradient, whole=False), id=GRADIENT),
    pytest.param(CHECKS[GRADIENT], id=f"{GRADIENT}, entry by entry", marks=pytest.mark.slow),
]


def each(entries: Mapping[str, list[dict]]) -> list:
    return [
        pytest.param(name, row, id=f"{name}-{i}")
        for name, rows in entries.items()
        for i, row in enumerate(rows)
    ]


@pytest.mark.parametrize(("kind", "entries"), [("model", MODELS), ("update", UPDATES), ("drive", DRIVES)])
def test_every_row_has_an_entry_here(kind: str, entries: Mapping[str, list[dict]]) -> None:
    missing = [name for name in tables.KINDS[kind] if not entries.get(name)]
    assert not missing, f"no conformance entry for the {kind} rows {missing}"


@pytest.mark.parametrize("kind", ["matrix", "drive", "update"])
def test_every_class_takes_the_arguments_of_its_row(kind: str) -> None:
    for name in tables.KINDS[kind]:
        row_arguments(kind, name)


@pytest.mark.parametrize("check", DEMANDS)
@pytest.mark.parametrize(("name", "entry"), each(MODELS))
def test_every_model_meets_every_demand(name: str, entry: dict, check: Check) -> None:
    check(Case(name, **entry))


@pytest.mark.parametrize("check", DEMANDS)
@pytest.mark.parametrize(("name", "arguments"), each(UPDATES))
def test_every_update_meets_every_demand(
    name: str, arguments: dict, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = tables.load("update", name)
    matrix = "free" if len(update.state[update.reads]) == 1 else "unitary"
    drive = NEEDS.get(name, "affine")
    monkeypatch.setitem(tables.MODELS, "tried", tables.Model(matrix=matrix, drive=drive, update=name))
    check(Case("tried", hidden=7, arguments={"update": arguments}))


@pytest.mark.parametrize("check", DEMANDS)
@pytest.mark.parametrize(("name", "arguments"), each(DRIVES))
def test_every_drive_meets_every_demand(
    name: str, arguments: dict, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = next((reader for reader, needed in NEEDS.items() if needed == name), "tanh")
    monkeypatch.setitem(tables.MODELS, "tried", tables.Model(matrix="free", update=update, drive=name))
    check(Case("tried", hidden=7, arguments={"drive": arguments}))


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [52, 63, 128, 170])
@pytest.mark.parametrize("name", tables.MODELS)
def test_bits_do_not_depend_on_the_stack_at_the_sizes_of_the_papers(name: str, hidden: int) -> None:
    if name == "nnrnn" and hidden % 2:
        with pytest.raises(Fault, match="even"):
            Case(name, hidden).network()
        return
    CHECKS["a run has the same bits alone and in a stack"](Case(name, hidden))


def plainly(forward: Any) -> tuple[Stage, ...]:
    """One stage without a derivative of its own, which may therefore do to tensors what it likes."""
    return (Stage(forward),)


class MixesSequences(Update):
    stages = plainly(lambda u: torch.tanh(u - u.mean(1, keepdim=True)))


class MixesRuns(Update):
    stages = plainly(lambda u: torch.tanh(u - u.mean(0, keepdim=True)))


class Blind(Update):
    stages = plainly(lambda u: torch.tanh(0 * u))


class HalfDetached(Update):
    stages = plainly(lambda u: torch.tanh((u + u.detach()) / 2))


class Widens(Update):
    stages = plainly(lambda u: torch.tanh(u).double())


class HidesNaN(Update):
    stages = plainly(lambda u: torch.tanh(u).nan_to_num())


class Counts(Update):
    steps = itertools.count()
    stages = plainly(lambda u: torch.tanh(u + 0.1 * next(Counts.steps)))


class SharedBias(Update):
    stages = plainly(lambda u, bias: torch.tanh(u + bias))

    def parameters(self, hidden_size: int, *, generators: Any, dtype: torch.dtype = torch.float32) -> Any:
        return {"bias": torch.zeros(1, hidden_size, dtype=dtype)}


class WrongGroup(Tanh):
    groups = {"beta": "orthogonal"}  # noqa: RUF012


class MoreArguments(Tanh):
    def __init__(self, slope: float = 1.0) -> None:
        self.slope = slope


class Detached(Free):
    def build(self) -> torch.Tensor:
        return super().build().detach()


class SeesAhead(Affine):
    def forward(self, x: torch.Tensor, state: tuple[torch.Tensor, ...] = ()) -> Any:
        return super().forward(x + x.roll(-1, 1), state)


class ForgetsItsState(Affine):
    def forward(self, x: torch.Tensor, state: tuple[torch.Tensor, ...] = ()) -> Any:
        return super().forward(x.cumsum(1), state)


@pytest.mark.parametrize(
    ("kind", "cls", "sentence"),
    [
        ("update", MixesSequences, "sequences of a batch do not mix"),
        ("update", MixesRuns, "a run has the same bits alone and in a stack"),
        ("update", MixesRuns, "a run saved and loaded goes on with the same bits"),
        ("update", MixesRuns, "a diverged run harms no other"),
        ("matrix", Detached, "a gradient reaches every parameter"),
        ("update", HalfDetached, "gradients are those of central differences"),
        ("update", Blind, "outputs do not depend on later inputs"),
        ("update", Widens, "shapes lead with the run axis and dtypes are kept"),
        ("update", HidesNaN, "a diverged run harms no other"),
        ("update", Counts, "a sequence in two parts gives what the whole gives"),
        ("update", SharedBias, "shapes lead with the run axis and dtypes are kept"),
        ("update", WrongGroup, "every parameter has one group"),
        ("update", MoreArguments, "its parts take the arguments that their rows list"),
        ("drive", SeesAhead, "outputs do not depend on later inputs"),
        ("drive", ForgetsItsState, "a sequence in two parts gives what the whole gives"),
    ],
)
def test_a_part_that_breaks_a_demand_is_caught(
    kind: str, cls: type, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = {"drive": tables.DRIVES["affine"].arguments, "matrix": tables.MATRICES["free"].arguments}
    arguments = dict(alike.get(kind, {}))
    row = tables.Component(path=f"{__name__}:{cls.__name__}", arguments=arguments)
    monkeypatch.setitem(tables.KINDS[kind], "broken", row)
    monkeypatch.setattr(tables, "load", lambda k, n, load=tables.load: cls if n == "broken" else load(k, n))
    monkeypatch.setitem(
        tables.MODELS, "tried", tables.Model(**{"matrix": "free", "update": "tanh", kind: "broken"})
    )
    failed = {check.name: check.message for check in check_model("tried") if not check.ok}
    assert failed.get(sentence)


def test_runs_that_start_alike_are_caught() -> None:
    same = {"init": "constant(0.3)"}
    zeros = {"bias": "zeros"}
    case = Case("rnn", arguments={"matrix": same, "drive": same, "update": zeros, "readout": same | zeros})
    with pytest.raises(Fault, match="two seeds give the same network"):
        CHECKS["runs of different seeds start apart"](case)


def test_what_a_users_code_raises_fails_the_check_and_not_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(u: torch.Tensor) -> torch.Tensor:
        raise IndexError("too short")

    monkeypatch.setattr(Tanh, "stages", (Stage(forward),))
    monkeypatch.setitem(tables.MODELS, "tried", tables.Model(matrix="free", update="tanh"))
    checks = {check.name: check for check in check_model("tried")}
    assert checks["sequences of a batch do not mix"].message == "IndexError: too short"
    assert checks["every parameter has one group"].ok


def test_an_unknown_model_is_a_fault_with_the_nearest() -> None:
    with pytest.raises(Fault, match="did you mean 'nnrnn'"):
        check_model("nnrn")
