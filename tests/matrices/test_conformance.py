"""Every row of the table of matrices against every demand, and the demands against matrices that break them."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rnnrepro import tables
from rnnrepro.conformance.matrices import CHECKS, Subject, check, check_row
from rnnrepro.errors import Fault
from rnnrepro.matrices.base import Matrix
from rnnrepro.matrices.expm import Exponential
from rnnrepro.matrices.free import Free
from rnnrepro.matrices.unitary import Unitary
from rnnrepro.optim import Optimiser

SETTINGS: dict[str, list[dict]] = {
    "free": [
        {"size": 6},
        {"size": 7, "width": 28},
        {"size": 9, "arguments": {"init": "haar"}},
        {
            "size": 5,
            "width": 20,
            "arguments": {"init": "glorot_uniform", "fan_in": "joint", "fan_out": "gates"},
        },
        {"size": 9, "arguments": {"init": "rotations_henaff"}},
        {"size": 5, "width": 20, "arguments": {"init": "identity", "gain": 0.9}},
        {"size": 5, "width": 20, "arguments": {"init": "first_gate_identity"}},
        {"size": 5, "width": 20, "arguments": {"init": "orthonormal"}},
        {"size": 6, "arguments": {"init": "orthogonal", "gain": 1.02}},
        {"size": 5, "width": 20, "arguments": {"init": "orthogonal"}},
        {"size": 6, "arguments": {"init": "chain", "gain": 1.02, "orientation": "torch_release"}},
        {"size": 5, "width": 20, "arguments": {"init": "chain"}},
        {"size": 6, "arguments": {"init": "fbchain", "gain": 0.04}},
        {"size": 5, "width": 20, "arguments": {"init": "mixed"}},
    ],
    "cayley": [
        {"size": 2},
        {"size": 9, "arguments": {"negative": 4}},
        {"size": 33, "arguments": {"init": "henaff"}},
        {"size": 20, "arguments": {"negative": 10, "order": "paper", "init": "haar"}},
    ],
    "expm": [
        {"size": 2},
        {"size": 9, "arguments": {"init": "haar"}},
        {"size": 33, "arguments": {"init": "cayley"}},
    ],
    "dynamic_expm": [
        {"size": 2},
        {"size": 9, "arguments": {"rebase_every": 2, "project_every": 2}},
        {"size": 33, "arguments": {"rebase_every": 1, "project_every": 3, "init": "haar"}},
        {"size": 6, "arguments": {"rebase_every": None, "project_every": None}},
        # Three steps are without a mixed pass, so that the gradient of the released chart is that of W.
        {"size": 7, "arguments": {"rebase_every": 4, "chart": "released"}},
    ],
    "schur": [
        {"size": 2},
        {"size": 10, "arguments": {"radius_penalty": 0.3}},
        {"size": 30, "arguments": {"init": "haar"}},
        {"size": 8, "arguments": {"init": "cayley"}},
    ],
    "coupled": [
        {"size": 6},
        {"size": 11, "arguments": {"short": 4, "negative": 3}},
        {"size": 11, "arguments": {"short": 4, "coupled": False, "normalise": "always"}},
        {"size": 8, "arguments": {"short": 8, "normalise": "always"}},
        {"size": 33, "arguments": {"short": 20, "negative": 5, "normalise": "always"}},
        {"size": 9, "arguments": {"short": 2, "normalise": "never", "short_init": "haar"}},
        {"size": 10, "arguments": {"short": 6, "short_init": "normal(0.6)", "coupling_init": "zeros"}},
    ],
    "unitary_cayley": [
        {"size": 2},
        {"size": 9, "arguments": {"init": "haar", "phases": "zeros"}},
        {"size": 20, "width": 40},
    ],
    "urnn_rc": [
        {"size": 2},
        {"size": 9, "width": 18},
        {"size": 20, "arguments": {"reflections": "normal(1.0)"}},
    ],
    "unitary": [{"size": 2}, {"size": 9, "width": 18}, {"size": 20, "arguments": {"polish": False}}],
    "givens": [
        {"size": 2},
        {"size": 9, "arguments": {"layers": 4}},
        {"size": 20},
        {"size": 6, "arguments": {"layers": 1}},
    ],
    "givens_complex": [
        {"size": 2},
        {"size": 9, "width": 18, "arguments": {"layers": 4}},
        {"size": 20, "arguments": {"init": "uniform(1.0)"}},
    ],
    "low_rank": [
        {"size": 6, "arguments": {"rank": 2}},
        {"size": 9, "arguments": {"rank": 12, "init": "normal(0.3)"}},
        {"size": 7, "arguments": {"rank": None}},
        {"size": 5, "arguments": {"rank": 1}},
        {"size": 9, "arguments": {"rank": None, "full_init": "fan_in_uniform"}},
    ],
    "scaled_identity": [{"size": 2}, {"size": 9, "arguments": {"scale": 0.5}}],
    "diagonal": [{"size": 2}, {"size": 9, "arguments": {"low": -0.5, "high": 0.7}}],
    "antisymmetric": [{"size": 2}, {"size": 9, "arguments": {"gamma": 0.3, "init": "normal(0.2)"}}],
    "dale": [{"size": 2}, {"size": 9, "arguments": {"init": "fan_in_normal(1.5)"}}, {"size": 5, "width": 20}],
    "lipschitz": [
        {"size": 2, "width": 4},
        {"size": 9, "width": 18, "arguments": {"beta": 0.6, "gamma": 0.1, "std": 2.0}},
    ],
}


def subjects() -> list:
    return [
        pytest.param(Subject(tables.load("matrix", name), **settings), id=f"{name}-{i}")
        for name, rows in SETTINGS.items()
        for i, settings in enumerate(rows)
    ]


@pytest.mark.parametrize("name", tables.MATRICES)
def test_every_row_has_settings_here_and_arguments_as_its_class(name: str) -> None:
    assert SETTINGS.get(name), f"no conformance settings for the matrix {name!r}"
    check_row(tables.load("matrix", name), tables.MATRICES[name])


@pytest.mark.parametrize("sentence", CHECKS)
@pytest.mark.parametrize("subject", subjects())
def test_every_matrix_meets_every_demand(subject: Subject, sentence: str) -> None:
    CHECKS[sentence](subject)


@pytest.mark.slow
@pytest.mark.parametrize("name", tables.MATRICES)
@pytest.mark.parametrize("size", [50, 96, 170])
def test_bits_and_constraint_hold_at_the_sizes_of_the_papers(name: str, size: int) -> None:
    arguments = {"short": 20, "negative": 15, "normalise": "always"} if name == "coupled" else {}
    subject = Subject(tables.load("matrix", name), size, arguments)
    CHECKS["a run has the same bits alone and in a stack"](subject)
    CHECKS["W stays on its constraint after large steps"](subject)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cayley", "unitary_cayley", "urnn_rc", "unitary", "givens", "givens_complex"]
)
def test_w_stays_unitary_to_rounding_over_thousands_of_optimiser_steps(name: str) -> None:
    matrix = Subject(tables.load("matrix", name), 12).make([1])
    parameters = dict(matrix.named_parameters())
    optimiser = Optimiser(
        parameters,
        dict.fromkeys(parameters, "main"),
        {"main": SimpleNamespace(kind="rmsprop_tf", arguments={})},
        {"main": torch.tensor([3e-3])},
        {own: partial(matrix.retract, own) for own in matrix.retracted},
    )
    drawn, first = torch.Generator().manual_seed(3), matrix.build().detach().clone()
    for step in range(2000):
        w = matrix.build()
        optimiser.zero_grad()
        w.backward(torch.randn(w.shape, generator=drawn))
        optimiser.step()
        matrix.after_step(torch.ones(1, dtype=torch.bool))
        if step % 100 == 99:
            assert float(matrix.residual()) < 12 * 1e-6
    assert float((matrix.build().detach() - first).norm()) > 1.0


class MixesRuns(Free):
    def build(self) -> torch.Tensor:
        return self.weight - self.weight.mean(0, keepdim=True)


class SharesABuffer(Free):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("scale", torch.ones(1))


class LeavesItsConstraint(Exponential):
    def build(self) -> torch.Tensor:
        return 1.001 * super().build()


class DetachesHalf(Free):
    def build(self) -> torch.Tensor:
        return self.weight + self.weight.detach()


class StepsForAll(Free):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("steps", torch.zeros(len(kwargs["generators"])))

    def after_step(self, active: torch.Tensor) -> None:
        self.steps += 1


class HidesState(Free):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.scale = 1.0

    def build(self) -> torch.Tensor:
        return self.scale * self.weight

    def after_step(self, active: torch.Tensor) -> None:
        self.scale = 2.0


class NamesAGhost(Free):
    groups = {"ghost": "orthogonal"}  # noqa: RUF012


class RetractsAGhost(Free):
    retracted = ("ghost",)


class DriftsOffInItsRetraction(Unitary):
    def retract(self, name: str, step: torch.Tensor) -> None:
        self.weight.sub_(step)


class RaisesWhenDiverged(Free):
    def build(self) -> torch.Tensor:
        if not self.weight.isfinite().all():
            raise Fault("not finite")
        return self.weight


class LeaksIntoTheWrongShape(Matrix):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.weight = nn.Parameter(torch.ones(len(kwargs["generators"]), self.hidden_size))

    def build(self) -> torch.Tensor:
        return self.weight


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (LeaksIntoTheWrongShape, "W has its shape and every tensor leads with the run axis"),
        (SharesABuffer, "W has its shape and every tensor leads with the run axis"),
        (MixesRuns, "a run has the same bits alone and in a stack"),
        (LeavesItsConstraint, "W stays on its constraint after large steps"),
        (DetachesHalf, "the gradient is that of central differences"),
        (StepsForAll, "after_step leaves inactive runs as they were"),
        (HidesState, "a run is its slice of the state"),
        (NamesAGhost, "the groups name existing parameters"),
        (RetractsAGhost, "the groups name existing parameters"),
        (DriftsOffInItsRetraction, "W stays on its constraint after large steps"),
        (RaisesWhenDiverged, "a diverged run harms no other"),
    ],
)
def test_each_demand_finds_the_matrix_that_breaks_it(broken: type, sentence: str) -> None:
    with pytest.raises(Fault):
        CHECKS[sentence](Subject(broken, 6))


def test_check_reports_failures_as_sentences_and_none_for_a_sound_matrix() -> None:
    assert check(Subject(Free, 4)) == []
    (failure,) = check(Subject(NamesAGhost, 4))
    assert "NamesAGhost" in failure and "ghost" in failure


def test_a_row_that_lacks_an_argument_is_found() -> None:
    row = tables.Component(path="x:y", arguments={"init": "glorot_normal"})
    with pytest.raises(Fault, match="fan_in"):
        check_row(Free, row)
