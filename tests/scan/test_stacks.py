"""On a CPU with one thread a run has the same bits alone, in any stack, and whatever becomes of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rnnrepro.conformance.budgets import over
from rnnrepro.conformance.problems import Problem, draw
from rnnrepro.updates.base import Update

BACKENDS = ("plain", "cpu")
SHAPES = [(4, 3, 17), (5, 1, 7), (1, 2, 1), (3, 4, 63)]
"""Times, sequences and units."""

STACKS = ([0], [1], [2], [0, 2], [2, 1])
"""Of three runs: alone, what a neighbour left, and in another order."""


def same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for name, value in expected.items():
        assert torch.equal(found[name].nan_to_num(7.0), value.nan_to_num(7.0)), name


def check_stacks(problem: Problem, backend: str, how: Mapping[str, object] | None = None) -> None:
    together = problem.solve(backend, **(how or {}))
    for rows in STACKS:
        same(problem.runs(rows).solve(backend, **(how or {})), {n: v[rows] for n, v in together.items()})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("time", "batch", "units"), SHAPES)
def test_a_run_has_the_same_bits_in_every_stack(
    backend: str, update: Update, time: int, batch: int, units: int
) -> None:
    form = ("dense", "numbers", "index_bias", "number")[units % 4]
    check_stacks(draw(update, form, 3, time, batch, units), backend)


def test_a_run_has_the_same_bits_in_every_stack_where_time_goes_in_chunks(update: Update) -> None:
    check_stacks(draw(update, "numbers", 3, 27, 40, 64), "cpu")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("form", "how"),
    [("number", {"every": False}), ("index", {"credit": "local"}), ("dense", {"credit": "local", "every": False})],
)  # fmt: skip
def test_a_run_has_the_same_bits_however_the_scan_is_called(
    backend: str, update: Update, form: str, how: Mapping[str, object]
) -> None:
    check_stacks(draw(update, form, 3, 5, 3, 9), backend, how)


def turned(tensor: Tensor) -> Tensor:
    """The same numbers with the last axis far apart in memory."""
    return tensor.mT.contiguous().mT if tensor.dim() > 2 else tensor.repeat_interleave(2, -1)[..., ::2]


def within(tensor: Tensor) -> Tensor:
    """The same numbers inside a larger tensor, not at its beginning."""
    room = tensor.new_zeros(*tensor.shape[:-1], tensor.shape[-1] + 3)
    room[..., 2:-1] = tensor
    return room[..., 2:-1]


def shared(tensor: Tensor) -> Tensor:
    """The first run's numbers for all, with no room in memory of their own."""
    return tensor[:1].expand(len(tensor), *tensor.shape[1:])


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {"turned": turned, "within": within, "shared": shared}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["dense", "numbers"])
def test_tensors_may_lie_in_memory_as_they_like(backend: str, update: Update, form: str, layout: str) -> None:
    tidy = draw(update, form, 3, 4, 3, 9)
    values, directions = (
        {name: LAYOUTS[layout](value) for name, value in group.items()}
        for group in (tidy.values, tidy.directions)
    )
    problem = replace(tidy, values=values, directions=directions)
    before = {name: value.clone() for name, value in (values | directions).items()}
    check_stacks(problem, backend)
    same(values | directions, before)  # nothing that came in has been written to
    if backend == "cpu":  # PyTorch's own loops round some functions by the layout; the compiled one does not
        plain_layout = problem.to("cpu", torch.float32)._each(lambda t: t.contiguous().clone())
        same(problem.solve(backend), plain_layout.solve(backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_run_that_is_not_finite_shows_it_and_harms_no_other(
    backend: str, update: Update, broken: float
) -> None:
    well = draw(update, "dense", 3, 5, 3, 9)
    z = well.values["z"].clone()
    z[1, 2] = broken
    sick = replace(well, values=well.values | {"z": z, "W": well.values["W"].clone()})
    sick.values["W"][1, 0, 0] = torch.nan
    found, expected = sick.solve(backend), well.solve(backend)
    rest = [0, 2]
    same({name: value[rest] for name, value in found.items()}, {n: v[rest] for n, v in expected.items()})
    assert not found["outputs"][1, 3:].isfinite().all(-1).any()
    assert not found["gradient of W"][1].isfinite().all()


@pytest.mark.parametrize(
    ("form", "runs", "time", "batch", "units", "every"),
    [
        ("numbers", 3, 6, 4, 12, True),
        ("dense", 1, 6, 41, 12, True),
        ("index_bias", 1, 6, 40, 12, False),
        ("numbers", 1, 60, 40, 64, True),
    ],
)
def test_two_threads_are_as_exact_as_one(
    update: Update, form: str, runs: int, time: int, batch: int, units: int, every: bool
) -> None:
    """Runs, or pieces of a batch, go over the threads; the sums over a batch are then added up otherwise."""
    problem = draw(update, form, runs, time, batch, units)
    reference = problem.to("cpu", torch.float64).spread().solve("plain", every=every)
    plain, one = (problem.solve(backend, every=every) for backend in BACKENDS)
    torch.set_num_threads(2)
    two, again = (problem.solve("cpu", every=every) for _ in range(2))
    assert over(two, plain, reference) == over(one, plain, reference) == []
    same(again, two)
