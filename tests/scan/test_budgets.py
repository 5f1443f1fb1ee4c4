"""Every fast form of the scan against float64, for every update and what it may be called with."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
import torch

from rnnrepro import tables
from rnnrepro.conformance.budgets import hold, over
from rnnrepro.conformance.problems import FORMS, Problem, draw
from rnnrepro.conformance.samples import SAMPLES
from rnnrepro.errors import Fault
from rnnrepro.scan import CREDITS, chosen
from rnnrepro.updates.base import Update

# NumPy warns where what is made of uninitialised memory happens to overflow.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAMES = (*tables.UPDATES, *SAMPLES)
BACKENDS = [pytest.param("cpu", id="cpu"), pytest.param("gpu", marks=pytest.mark.gpu, id="gpu")]
DEVICES = {"cpu": "cpu", "gpu": "cuda"}

# Runs, times, sequences and units. Several runs at the small sizes: a plain scan may be right to the last bit by
# chance, but hardly in all of them. The last two are longer than a chunk of time that a compiled scan takes at once.
SHAPES = (
    (4, 1, 1, 1),
    (4, 1, 6, 8),
    (4, 5, 1, 7),
    (3, 6, 4, 17),
    (2, 4, 3, 63),
    (4, 700, 2, 5),
    (1, 30, 70, 33),
    (2, 27, 40, 64),
)
LARGE = ((2, 3, 4, 260), (1, 3, 130, 129))
EVERY = (True, False)


class Call(NamedTuple):
    update: str
    form: str
    shape: tuple[int, int, int, int]
    credit: str
    every: bool


def selected() -> list[Call]:
    """Every update at every shape, the rest in turn so that every two settings meet somewhere."""
    return [
        Call(name, FORMS[(i + k) % len(FORMS)], shape, CREDITS[(i + k // 2) % 2], EVERY[(i // 2 + k) % 2])
        for i, name in enumerate(NAMES)
        for k, shape in enumerate(SHAPES)
    ]


def all_calls(shapes: tuple = SHAPES) -> list[Call]:
    return [Call(*call) for call in itertools.product(NAMES, FORMS, shapes, CREDITS, EVERY)]


def as_parameters(calls: list[Call]) -> list:
    return [
        pytest.param(call.update, call, id=f"{call.update}-{call.form}-{'x'.join(map(str, call.shape))}")
        for call in calls
    ]


def test_every_two_settings_meet_in_the_selection() -> None:
    met, all_pairs = (
        {pair for call in calls for pair in itertools.combinations(enumerate(call), 2)}
        for calls in (selected(), all_calls())
    )
    assert all_pairs - met == set()


def check(backend: str, update: Update, call: Call) -> None:
    problem = draw(update, call.form, *call.shape)
    device = DEVICES[backend]
    assert chosen(backend, update, problem.values["W"].to(device)) == backend, "it would run plainly"
    hold(problem, backend, credit=call.credit, every=call.every, device=device)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("update", "call"), as_parameters(selected()), indirect=["update"])
def test_a_fast_scan_is_as_exact_as_the_plain_one(backend: str, update: Update, call: Call) -> None:
    check(backend, update, call)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("update", "calls"),
    [
        pytest.param(name, [c for c in all_calls(SHAPES + LARGE) if c.update == name], id=name)
        for name in NAMES
    ],
    indirect=["update"],
)
def test_a_fast_scan_is_as_exact_as_the_plain_one_in_every_case(
    backend: str, update: Update, calls: list[Call]
) -> None:
    wrong = []
    for call in calls:
        try:
            check(backend, update, call)
        except Fault as fault:
            wrong.append((call, str(fault)))
    assert wrong == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fast_scan_is_exact_where_everything_is_zero_at_first(backend: str, update: Update) -> None:
    """Padding and a state of zeros put every unit on the kinks of its functions."""
    problem = draw(update, "dense", 4, 6, 3, 7)
    problem.values["z"][:, :3] = 0
    for name, value in problem.values.items():
        if name.startswith("slot"):
            value.zero_()
    hold(problem, backend, device=DEVICES[backend])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [30.0, 1e-4])
def test_a_fast_scan_is_exact_for_large_and_small_numbers(backend: str, update: Update, size: float) -> None:
    """Saturated units, and units where tanh and expm1 must not lose digits."""
    problem = draw(update, "dense", 4, 4, 3, 9)
    problem.values["z"].mul_(size)
    hold(problem, backend, device=DEVICES[backend])


@pytest.fixture(scope="module")
def solved() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The plain solutions of a problem in float32 and in float64."""
    problem: Problem = draw(SAMPLES["pursuit"](), "numbers", 2, 6, 3, 7)
    return problem.solve("plain"), problem.to("cpu", torch.float64).solve("plain")


def test_the_plain_scan_is_within_its_own_budget(solved: tuple[dict, dict]) -> None:
    plain, reference = solved
    assert over(plain, plain, reference) == []


@pytest.mark.parametrize("share", [1e-4, float("nan"), float("inf")])
def test_one_wrong_element_of_any_result_or_gradient_is_over_the_budget(
    solved: tuple[dict, dict], share: float
) -> None:
    plain, reference = solved
    assert set(plain) == {"outputs", "last slot 0", "last slot 1"} | {
        f"gradient of {name}"
        for name in ("W", "x", "U", "bias of z", "parameter bias", "scalar rate", "slot 0", "slot 1")
    }
    for name, value in plain.items():
        wrong = value.clone(memory_format=torch.contiguous_format)
        wrong.view(-1)[-1] += share * value.abs().max()
        (sentence,) = over({**plain, name: wrong}, plain, reference)
        assert sentence.startswith(f"{name} by ")


def test_a_faded_gradient_is_held_where_it_is_small(solved: tuple[dict, dict]) -> None:
    fading = 0.1 ** torch.arange(12.0)[None, :, None, None] * torch.ones(2, 12, 3, 4)
    wrong = fading.clone()
    wrong[1, -1, 2, 3] *= 1.01
    reference = {"gradient of z": fading.double()}
    assert over({"gradient of z": wrong}, {"gradient of z": fading}, reference)


def test_a_sum_that_cancels_is_held_by_the_size_of_its_terms() -> None:
    terms = torch.tensor([[1e4, -1e4, 1.0]], dtype=torch.float64)
    reference, exact = {"gradient of parameter gain": terms}, torch.tensor([1.0])
    for found, held in ((1.001, True), (1.1, False)):
        found = {"gradient of parameter gain": torch.tensor([found])}
        assert (over(found, {"gradient of parameter gain": exact}, reference) == []) is held


def test_a_reference_that_is_not_finite_is_a_fault() -> None:
    problem = draw(SAMPLES["clocked"](), "dense", 1, 2, 1, 3)
    problem.values["z"][0, 0, 0, 0] = torch.nan
    with pytest.raises(Fault, match="cannot be told: outputs is not finite"):
        hold(problem, "plain")
