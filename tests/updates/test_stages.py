"""Every row of the updates against the demands on stages, and the demands against stages that break them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from rnnrepro import tables
from rnnrepro.conformance.problems import scalar_names
from rnnrepro.conformance.stages import CHECKS, Subject
from rnnrepro.errors import Fault
from rnnrepro.updates.base import Update
from rnnrepro.updates.pointwise import Tanh, tanh_back
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import absolute, exp, relu, tanh

ROWS: dict[str, list[dict]] = {name: [{}] for name in tables.UPDATES}
ROWS["modrelu"] += [{"bias": "normal(0.3)"}]
ROWS["complex_modrelu"] += [{"bias": "normal(0.3)", "root": 0.0}, {"bias": "normal(0.3)", "denominator": 0.0}]
ROWS["lstm"] += [{"forget_offset": 1.0}]
for name in ("bilevel_shb", "bilevel_snag"):
    ROWS[name] += [{"eta": 0.3, "alpha": 0.8, "momentum": 0.9}]
ROWS["fastrnn"] += [{"write": 0.4, "keep": -0.3}]
ROWS["fastgrnn"] += [{"zeta": -0.4, "nu": 0.6, "gate_bias": "normal(0.3)", "update_bias": "zeros"}]
ROWS["euler_tanh"] += [{"step": 0.6}]
ROWS["lipschitz"] += [{"step": 0.4}]
ROWS["inner_steps"] += [{"alpha": 0.7, "carry": 0.5}]

DERIVATIVE = "the derivatives worked out by hand are those of autograd"
NAMES = "the stages name only what there is"
COUNTS = "the stages return what they declare"
WORDS = "the stages consist of what the fast scans compile"
LAYOUT = "there are one or two stages"


def subject(update: Update) -> Subject:
    generators = [torch.Generator().manual_seed(3)]
    return Subject(update, update.parameters(6, generators=generators, dtype=torch.float64))


@pytest.mark.parametrize("sentence", CHECKS)
@pytest.mark.parametrize(
    ("name", "arguments"), [(name, arguments) for name, several in ROWS.items() for arguments in several]
)
def test_every_update_meets_every_demand(name: str, arguments: Mapping[str, Any], sentence: str) -> None:
    found = subject(tables.load("update", name)(**arguments))
    scalars = scalar_names(found.update, found.parameters)
    CHECKS[sentence](Subject(found.update, found.parameters, scalars))


class Leaky(Update):
    """h' = leak h + gain tanh u + bias, with a number a step."""

    @property
    def constants(self) -> Mapping[str, float]:
        return {"leak": 0.5}

    def parameters(self, hidden_size: int, *, generators: Any, dtype: torch.dtype = torch.float32) -> Any:
        return {"bias": torch.zeros(1, hidden_size, dtype=dtype), "gain": torch.ones(1, dtype=dtype)}


def leaky(u, h, leak, gain, bias, step):
    c = tanh(u)
    return leak * h + step * gain * c + bias, c


def leaky_back(dh, c, leak, gain, step):
    return dh * step * gain * (1.0 - c * c), leak * dh, step * dh * c, dh, dh * gain * c


RIGHT = {"saves": ("c",), "gradients": ("u", "h", "gain", "bias", "step")}


def of_stages(*stages: Stage, **attributes: Any) -> Update:
    """A Leaky with these stages, of a class of its own."""
    return type("Tried", (Leaky,), {"stages": stages} | attributes)()


def leaky_subject(*stages: Stage) -> Subject:
    found = subject(of_stages(*stages))
    return Subject(found.update, found.parameters, scalars=("step",))


@pytest.mark.parametrize("sentence", CHECKS)
def test_an_update_with_parameters_constants_and_numbers_a_step_meets_every_demand(sentence: str) -> None:
    CHECKS[sentence](leaky_subject(Stage(leaky, leaky_back, **RIGHT)))


def without_the_square(dh, c, leak, gain, step):
    return dh * step * gain * (1.0 - c), leak * dh, step * dh * c, dh, dh * gain * c


def without_the_gain(dh, c, leak, gain, step):
    return dh * step * gain * (1.0 - c * c), leak * dh, step * dh * c, dh, dh * c


def one_too_few(dh, c, leak, gain, step):
    return dh * step * gain * (1.0 - c * c), leak * dh, step * dh * c, dh


def of_a_name_that_is_not(dh, c, leek, gain, step):
    return one_too_few(dh, c, leek, gain, step)


def with_a_default(u, h, leak, gain, bias, step=1.0):
    return leaky(u, h, leak, gain, bias, step)


def saves_nothing(u, h, leak, gain, bias, step):
    return leak * h + step * gain * tanh(u) + bias


def root(u, h):
    return (u - 2.0) ** 0.5 + h


def root_back(dh, h):
    return dh * 0.0, dh


@pytest.mark.parametrize(
    ("stage", "sentence", "message"),
    [
        (Stage(leaky, without_the_square, **RIGHT), DERIVATIVE, "without_the_square gives .* of 'u', autograd"),
        (Stage(leaky, without_the_gain, **RIGHT), DERIVATIVE, "for the gradient of 'step'.*, at .*leak = 0.5, u = "),
        (
            Stage(leaky, one_too_few, saves=("c",), gradients=("u", "h", "gain", "bias")),
            DERIVATIVE,
            "`gradients` beside one_too_few does not name 'step', whose gradient is",
        ),
        (Stage(root, root_back, gradients=("u", "h")), DERIVATIVE, "root is not finite at most random points"),
        (Stage(leaky, one_too_few, **RIGHT), COUNTS, "one_too_few returns 4 values.*u, h, gain, bias, step"),
        (Stage(saves_nothing, leaky_back, **RIGHT), COUNTS, r"saves_nothing returns 1 values, not .* \(c\): 2"),
        (Stage(leaky, of_a_name_that_is_not, **RIGHT), NAMES, "names 'leek'; did you mean 'leak'.*: bias, c"),
        (Stage(leaky, leaky_back, inputs=("v",), **RIGHT), NAMES, "forward names 'u'.*known here: .*v"),
        (Stage(leaky, leaky_back, saves=("c",), gradients=("u", "hh")), NAMES, "gradients names 'hh'"),
        (Stage(with_a_default, leaky_back, **RIGHT), NAMES, "step=1.0 is no plain positional argument"),
        (Stage(leaky, leaky_back, inputs=("u", "h"), **RIGHT), NAMES, "'h' more than once among what forward may"),
        (Stage(leaky, leaky_back, saves=("c", "gain"), gradients=("u",)), NAMES, "'gain' more than once"),
        (Stage(leaky, leaky_back, saves=("c", "dh"), gradients=("u",)), NAMES, "'dh' more than once"),
        (Stage(leaky, leaky_back, saves=("c",), gradients=("u", "u")), NAMES, "'u' more than once among `gradients`"),
    ],
)  # fmt: skip
def test_a_stage_that_breaks_a_demand_is_caught(stage: Stage, sentence: str, message: str) -> None:
    with pytest.raises(Fault, match=message):
        CHECKS[sentence](leaky_subject(stage))


EPSILON = 1e-3


def sigmoid(x):
    return 1.0 / (1.0 + exp(-x))


def with_torch(u):
    return torch.tanh(u)


def with_a_global(u):
    return u / (absolute(u) + EPSILON)


def with_another_sigmoid(u):
    return sigmoid(u)


def with_a_branch(u):
    return u if u > 0.0 else 0.0


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (with_torch, "'torch.tanh' is no word of a stage"),
        (with_a_global, "'EPSILON' is neither an argument nor assigned before"),
        (with_another_sigmoid, "'sigmoid' is another function; import it from rnnrepro.updates.words"),
        (with_a_branch, "IfExp"),
        (lambda u: relu(u), "`def`"),
    ],
)
def test_what_the_fast_scans_cannot_compile_is_caught(forward: Callable, message: str) -> None:
    with pytest.raises(Fault, match=message):
        CHECKS[WORDS](subject(of_stages(Stage(forward, tanh_back, gradients=("u",)))))


def test_a_stage_without_a_derivative_may_do_to_tensors_what_it_likes() -> None:
    update = of_stages(Stage(with_torch))
    for check in CHECKS.values():
        check(subject(update))


def first(u, h):
    return tanh(u), h * u


def first_back(da, dr, h, u):
    return da + dr * h, dr * u


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"stages": ()}, "there are 0 stages"),
        ({"stages": Tanh.stages * 3}, "there are 3 stages"),
        ({"reads": 1}, "`reads` is 1; slots: 1"),
        ({"state": (("h", "g"),), "stages": Tanh.stages * 2}, "the slot has 2, the stages take 1 and 1"),
        ({"stages": (Stage(first, inputs=("u", "v")), *Tanh.stages)}, "the stages take 2 and 1"),
    ],
)
def test_stages_that_do_not_fit_together_are_caught(attributes: dict, message: str) -> None:
    with pytest.raises(Fault, match=message):
        CHECKS[LAYOUT](subject(of_stages(**({"stages": Tanh.stages} | attributes))))


def test_stages_of_an_object_are_caught_for_a_scan_is_compiled_for_its_class() -> None:
    update = of_stages(*Tanh.stages)
    update.stages = (Stage(leaky, leaky_back, **RIGHT),)
    with pytest.raises(Fault, match="`stages` set on the object"):
        CHECKS[LAYOUT](subject(update))


def second(y, h, r):
    return h + y * r


def second_back(dh, r):
    return dh * r, dh


def test_the_second_of_two_stages_owes_the_gradients_of_what_the_first_saved() -> None:
    stages = (Stage(first, saves=("r",)), Stage(second, second_back, inputs=("y",), gradients=("y", "h")))
    with pytest.raises(Fault, match="beside second_back does not name 'r', whose gradient is"):
        CHECKS[DERIVATIVE](leaky_subject(*stages))


def test_the_first_of_two_stages_cannot_read_the_new_state() -> None:
    wrong = Stage(first, first_back, saves=("r",), gradients=("u", "h"))
    with pytest.raises(Fault, match="backward names 'h'"):
        CHECKS[NAMES](leaky_subject(wrong, Stage(second, inputs=("y",))))
