"""Which form of the scan runs, and what is said when it is not the fast one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import torch

from rnnrepro.conformance.problems import draw
from rnnrepro.errors import Fault
from rnnrepro.scan import choice, chosen, scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.pointwise import Tanh
from rnnrepro.updates.stage import Stage

W = torch.zeros(1, 2, 2)


@pytest.fixture(autouse=True)
def nothing_said_yet() -> Iterator[None]:
    choice._unfit.cache_clear()
    choice._say_once.cache_clear()
    yield
    choice._unfit.cache_clear()


class Untold(Update):
    """tanh without its derivative."""

    stages = (Stage(lambda u: torch.tanh(u)),)


class HalfTold(Update):
    """Two stages, the second without its derivative."""

    stages = (Tanh.stages[0], Stage(lambda y, h: h + y, inputs=("y",)))


@pytest.mark.parametrize(
    ("backend", "dtype", "form"),
    [
        ("auto", torch.float32, "cpu"),
        ("cpu", torch.float32, "cpu"),
        ("plain", torch.float32, "plain"),
        ("auto", torch.float64, "plain"),
        ("cpu", torch.float64, "plain"),
    ],
)
def test_the_fast_scan_of_the_processor_runs_float32(backend: str, dtype: torch.dtype, form: str) -> None:
    assert chosen(backend, Tanh(), W.to(dtype)) == form


@pytest.mark.gpu
@pytest.mark.parametrize(("backend", "form"), [("auto", "gpu"), ("gpu", "gpu"), ("plain", "plain")])
def test_the_fast_scan_of_a_gpu_runs_float32(backend: str, form: str) -> None:
    assert chosen(backend, Tanh(), W.cuda()) == form


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("gpu", "backend 'gpu' cannot run on the device cpu; use 'auto' or 'plain'"),
        ("plan", "unknown backend 'plan'; did you mean 'plain'"),
        ("numba", "unknown backend 'numba'; known: auto, cpu, gpu, plain"),
    ],
)
def test_a_backend_that_cannot_run_is_a_fault_that_says_which_can(backend: str, message: str) -> None:
    with pytest.raises(Fault, match=message):
        chosen(backend, Tanh(), W)
    with pytest.raises(Fault, match=message):
        scan(Tanh(), {}, W, torch.zeros(1, 1, 1, 2), (torch.zeros(1, 1, 2),), backend=backend)


@pytest.mark.gpu
def test_the_scan_of_the_processor_on_a_gpu_is_a_fault() -> None:
    with pytest.raises(Fault, match="backend 'cpu' cannot run on the device cuda"):
        chosen("cpu", Tanh(), W.cuda())


@pytest.mark.parametrize("update", [Untold, HalfTold])
@pytest.mark.parametrize("backend", ["auto", "cpu"])
def test_an_update_without_its_derivative_runs_plainly_and_one_line_says_so(
    update: type[Update], backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    problem = draw(update(), "dense", 2, 3, 2, 4)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = problem.solve(backend)
    expected = problem.solve("plain")
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert [record.getMessage() for record in caplog.records] == [
        f"the scan of {update.__name__} runs plainly, several times slower: "
        "its stages give no derivative (`backward`)"
    ]


def test_float64_runs_plainly_and_is_told_only_to_who_asked_for_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        chosen("auto", Tanh(), W.double())
        assert caplog.records == []
        chosen("cpu", Tanh(), W.double())
    assert [record.getMessage() for record in caplog.records] == [
        "the scan of Tanh runs plainly, several times slower: compiled scans take float32, not float64"
    ]


def test_without_the_compiler_the_plain_scan_runs_and_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(choice._NEEDS, "cpu", "no_such_compiler")
    with caplog.at_level(logging.WARNING):
        assert chosen("auto", Tanh(), W) == chosen("auto", Tanh(), W) == "plain"
    (record,) = caplog.records
    assert record.getMessage().endswith("the package no_such_compiler is not installed")


def test_a_name_that_nothing_has_is_a_fault_of_the_fast_scan_as_well() -> None:
    def forward(u, bais):
        return u + bais

    def backward(dh):
        return dh

    class Misspelt(Update):
        stages = (Stage(forward, backward, gradients=("u",)),)

    problem = draw(Tanh(), "dense", 1, 2, 1, 3)
    with pytest.raises(Fault, match="Misspelt: forward names 'bais'; did you mean 'bias'"):
        scan(
            Misspelt(),
            {"bias": torch.zeros(1, 3)},
            problem.values["W"],
            problem.values["z"],
            (problem.values["slot 0"],),
            backend="cpu",
        )
