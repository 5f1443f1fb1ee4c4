"""The GPU scan: through Triton's interpreter where there is no GPU, on the GPU itself where there is one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from functools import partial
from unittest import mock

import pytest
import torch
from torch import Generator, Tensor

import rnnrepro.scan
from rnnrepro.conformance.budgets import hold
from rnnrepro.conformance.problems import FORMS, draw
from rnnrepro.errors import Fault
from rnnrepro.updates.base import Update
from rnnrepro.updates.bilevel import BilevelSGD
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ModReLU, Tanh
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import tanh

# Triton asks for the interpreter when a kernel is defined, so both here and while the tests run.
ENVIRONMENT = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
with mock.patch.dict(os.environ, ENVIRONMENT):
    from rnnrepro.scan import gpu
    from rnnrepro.scan.gpu import captured
    from rnnrepro.scan.gpu.fit import Fit, fit
    from rnnrepro.scan.source import Signature

# Padding may hold anything.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
KERNELS = ("resident", "stepped")

# Runs, times, sequences, units: several tiles of 16 sequences; matrices of one, two and four pieces of 32 rows.
SHAPES = ((4, 1, 1, 1), (4, 1, 6, 8), (4, 5, 1, 7), (3, 3, 17, 33), (2, 2, 3, 100))


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    with mock.patch.dict(os.environ, ENVIRONMENT):
        yield


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend that is asked for serves, whatever the device."""
    monkeypatch.setattr(rnnrepro.scan, "chosen", lambda backend, update, W: backend)


@pytest.fixture
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(gpu, "scan", partial(gpu.scan, form=request.param))
    return request.param


both = pytest.mark.parametrize("kernels", KERNELS, indirect=True)


@both
def test_every_update_is_as_exact_as_plainly(update: Update, kernels: str) -> None:
    hold(draw(update, "numbers", 2, 3, 2, 5), "gpu", device=DEVICE)


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_that_fill_no_tile(shape: tuple[int, int, int, int], kernels: str) -> None:
    hold(draw(ModReLU(), "dense", *shape), "gpu", device=DEVICE)


@both
@pytest.mark.parametrize("update", ["rotor", "pursuit"], indirect=True)
def test_several_blocks_of_the_matrix_in_pieces(update: Update, kernels: str) -> None:
    """Two gates and two parts, and a matrix with its transpose; padding where a stage divides 0 by 0."""
    hold(draw(update, "dense", 2, 2, 17, 33), "gpu", device=DEVICE)


def divided(u, gain):
    return tanh(u / gain)


def divided_back(dh, h, gain):
    return dh * (1.0 - h * h) / gain


class Divided(Update):
    """h' = tanh(u / gain): where there is no unit, 0 / 0."""

    stages = (Stage(divided, divided_back, gradients=("u",)),)

    def parameters(
        self, hidden_size: int, *, generators: Sequence[Generator], dtype: torch.dtype = torch.float32
    ) -> dict[str, Tensor]:
        return {"gain": torch.full((len(generators), hidden_size), 0.7, dtype=dtype)}


@both
def test_what_padding_holds_does_not_matter(kernels: str) -> None:
    problem = draw(Divided(), "dense", 2, 4, 3, 5).to(DEVICE, torch.float32)
    outputs = problem.results("gpu")["outputs"]
    torch.testing.assert_close(outputs, problem.results("plain")["outputs"], rtol=1e-5, atol=1e-6)


@both
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_inputs(form: str, kernels: str) -> None:
    hold(draw(LSTM(forget_offset=0.7), form, 2, 3, 2, 5), "gpu", device=DEVICE)


@both
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("update", ["clocked", "swing", "bilevel_shb"], indirect=True)
def test_local_credit_and_the_last_output_alone(update: Update, every: bool, kernels: str) -> None:
    hold(draw(update, "index_bias", 2, 4, 3, 5), "gpu", credit="local", every=every, device=DEVICE)


@pytest.mark.slow
@both
def test_every_update_at_every_shape_with_every_credit(update: Update, kernels: str) -> None:
    wrong = []
    for i, (shape, credit) in enumerate(itertools.product(SHAPES, rnnrepro.scan.CREDITS)):
        form, every = FORMS[(i + i // 5) % len(FORMS)], i % 4 < 2  # in turn
        try:
            hold(draw(update, form, *shape), "gpu", credit=credit, every=every, device=DEVICE)
        except Fault as fault:
            if "does not fit" not in str(fault):
                wrong.append((form, shape, credit, every, str(fault)))
    assert wrong == []


@pytest.mark.slow
@both
@pytest.mark.parametrize("update", ["tanh", "swing"], indirect=True)
def test_a_long_sequence(update: Update, kernels: str) -> None:
    hold(draw(update, "dense", 1, 200, 3, 5), "gpu", device=DEVICE)


@both
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("update", ["lstm", "pursuit"], indirect=True)
def test_without_gradients_the_numbers_are_the_same(update: Update, every: bool, kernels: str) -> None:
    problem = draw(update, "dense", 2, 4, 3, 5).to(DEVICE, torch.float32)
    found, expected = problem.results("gpu", every=every), problem.solve("gpu", every=every)
    for name, value in found.items():
        assert torch.equal(value, expected[name]) and not value.requires_grad


@both
@pytest.mark.parametrize("update", ["modrelu", "pursuit"], indirect=True)
def test_each_result_alone_gives_its_share_of_the_gradient(update: Update, kernels: str) -> None:
    problem = draw(update, "dense", 2, 3, 2, 5).to(DEVICE, torch.float32)
    values = {name: value.requires_grad_() for name, value in problem.values.items()}
    results = problem.results("gpu", values=values)

    def gradients(*names: str) -> tuple[Tensor, ...]:
        directions = [problem.directions[name] for name in names]
        return torch.autograd.grad(
            [results[name] for name in names], list(values.values()), directions, retain_graph=True
        )

    whole, shares = gradients(*results), [gradients(name) for name in results]
    for total, *parts in zip(whole, *shares, strict=True):
        torch.testing.assert_close(sum(parts), total, rtol=1e-4, atol=2e-5 * float(total.abs().max()))


@both
def test_scans_do_not_disturb_one_another(kernels: str) -> None:
    """Also where launches are replayed: from the third scan of a shape on they are, on a GPU."""
    problems = [draw(ModReLU(), "dense", 2, 4, 3, 5, seed=i).to(DEVICE, torch.float32) for i in range(4)]
    expected = [problem.solve("gpu") for problem in problems]
    values = [{n: v.clone().requires_grad_() for n, v in p.values.items()} for p in problems]
    results = [p.results("gpu", values=v) for p, v in zip(problems, values, strict=True)]
    for i in (0, 1, 2, 3, 0):
        directions = [problems[i].directions[name] for name in results[i]]
        found = torch.autograd.grad(
            list(results[i].values()), list(values[i].values()), directions, retain_graph=True
        )
        for name, gradient in zip(values[i], found, strict=True):
            assert torch.equal(gradient, expected[i][f"gradient of {name}"]), name


@both
def test_a_run_that_diverges_leaves_the_others_alone(kernels: str) -> None:
    problem = draw(LSTM(), "dense", 3, 4, 2, 5).to(DEVICE, torch.float32)
    sound = problem.solve("gpu")
    problem.values["z"][1, 2] = torch.nan
    for name, value in problem.solve("gpu").items():
        assert torch.equal(value[[0, 2]], sound[name][[0, 2]]), name
        if name != "gradient of z":
            assert value[1].isnan().any(), name


@both
def test_a_second_derivative_is_an_error_and_not_a_wrong_number(kernels: str) -> None:
    values = draw(Tanh(), "dense", 1, 3, 2, 4).to(DEVICE, torch.float32).values
    W = values["W"].requires_grad_()
    outputs, _ = gpu.scan(Tanh(), {}, W, values["z"], {}, (values["slot 0"],))
    (first,) = torch.autograd.grad((outputs**2).sum(), W, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize(
    ("units", "settings", "message"),
    [
        (4, {"form": "residant"}, "did you mean 'resident'"),
        (4, {"precision": "tf23"}, "did you mean 'tf32'"),
        (129, {"form": "resident"}, "129 units does not fit"),
    ],
)
def test_what_is_unknown_or_does_not_fit_is_a_fault(
    units: int, settings: dict[str, str], message: str
) -> None:
    values = draw(Tanh(), "dense", 1, 1, 1, units).to(DEVICE, torch.float32).values
    with pytest.raises(Fault, match=message):
        gpu.scan(Tanh(), {}, values["W"], values["z"], {}, (values["slot 0"],), **settings)


def test_a_matrix_is_resident_where_it_fits() -> None:
    H100, small = 227 * 1024, 99 * 1024

    def fits(update: Update, units: int, precision: str = "ieee", shared: int = H100) -> Fit | None:
        return fit(
            Signature.of(update, {"bias": 0} if isinstance(update, ModReLU) else {}, {}),
            units,
            precision,
            shared,
        )

    assert fits(ModReLU(), 10) == Fit(16, 1, 4)
    assert fits(ModReLU(), 64) == Fit(64, 2, 4)
    assert fits(ModReLU(), 100) == fits(ModReLU(), 128) == Fit(128, 4, 8)
    assert fits(ModReLU(), 129) is None  # its products would not fit in registers
    assert fits(ModReLU(), 128, shared=small) == Fit(128, 4, 8)
    assert fits(ModReLU(), 128, "tf32x3") == Fit(128, 4, 8)
    assert fits(ModReLU(), 128, "tf32x3", small) is None  # two copies of 64 KiB
    assert fits(LSTM(), 64) == Fit(64, 2, 8)
    assert fits(LSTM(), 64, shared=small - 16 * 1024) is None
    assert fits(LSTM(), 128) is None  # 256 KiB
    assert fits(BilevelSGD(), 128) == Fit(128, 4, 8)  # W and its transpose
    assert fits(BilevelSGD(), 128, shared=small) is None


class Recorded:
    """A graph that has been captured, as far as its cache can tell."""

    def __init__(self, body: captured.Body, tensors: list[Tensor]) -> None:
        self.body, self.replays = body, 0

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        self.replays += 1
        return self.body(tensors)


def test_launches_are_captured_when_a_shape_comes_again_and_the_oldest_graph_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict = captured.OrderedDict()
    monkeypatch.setattr(captured, "_kept", kept)
    monkeypatch.setattr(captured, "Graph", Recorded)
    monkeypatch.setattr(captured, "capturable", lambda tensors: True)

    def call(key: int, size: int = 1) -> object:
        x = torch.full((size,), float(key))
        assert captured.run(key, lambda tensors: [2 * tensors[0]], [x])[0].eq(2 * key).all()
        return next(reversed(kept.values()))

    assert call(0) is None
    first = call(0)
    assert call(0) is first and first.replays == 2
    assert call(0, size=2) is None  # another shape, the same key
    assert len(kept) == 2
    for key in range(1, captured.LIMIT):
        call(0)
        call(key)
    assert len(kept) == captured.LIMIT
    assert call(0) is first  # in use, so it stayed
    assert call(0, size=2) is None  # it had gone


def test_where_memory_is_short_the_graphs_go_and_the_launches_are_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict = captured.OrderedDict({"another": Recorded(lambda tensors: [], [])})
    monkeypatch.setattr(captured, "_kept", kept)
    monkeypatch.setattr(captured, "capturable", lambda tensors: True)
    monkeypatch.setattr(captured, "Graph", mock.Mock(side_effect=torch.OutOfMemoryError))
    for _ in range(2):
        (found,) = captured.run("key", lambda tensors: [2 * tensors[0]], [torch.ones(1)])
        assert found == 2
    assert kept == {}


def test_without_a_gpu_nothing_is_captured() -> None:
    assert not captured.capturable([torch.zeros(1)])


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("update", "shape"),
    [
        ("modrelu", (3, 200, 16, 100)),
        ("modrelu", (2, 200, 128, 128)),
        ("modrelu", (2, 100, 100, 512)),
        ("lstm", (2, 200, 16, 64)),
        ("lstm", (2, 100, 128, 128)),
        ("bilevel_snag", (2, 100, 64, 128)),
    ],
    indirect=["update"],
    ids=str,
)
def test_the_papers_shapes_on_the_gpu(update: Update, shape: tuple[int, int, int, int]) -> None:
    for seed in range(3):  # launched, captured, replayed
        hold(draw(update, "numbers", *shape, seed=seed), "gpu", device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(3, 50, 16, 100), (2, 50, 20, 200)], ids=["resident", "stepped"])
def test_a_run_does_not_depend_on_its_stack_and_a_repetition_gives_the_same_bits(
    shape: tuple[int, int, int, int],
) -> None:
    problem = draw(ModReLU(), "numbers", *shape).to("cuda", torch.float32)
    once = problem.solve("gpu")
    for _ in range(3):
        for name, value in problem.solve("gpu").items():
            assert torch.equal(value, once[name]), name
    for name, value in problem.runs([1]).solve("gpu").items():
        torch.testing.assert_close(value[0], once[name][1], rtol=1e-4, atol=1e-5 * float(value.abs().max()))


@pytest.mark.gpu
def test_a_caller_may_capture_a_scan_with_its_backward_pass() -> None:
    problem = draw(ModReLU(), "dense", 2, 20, 20, 200).to("cuda", torch.float32)
    for _ in range(3):
        expected = problem.solve("gpu")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = problem.solve("gpu")
    graph.replay()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
