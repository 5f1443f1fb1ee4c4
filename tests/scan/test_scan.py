from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.errors import Fault
from rnnrepro.scan import scan
from rnnrepro.updates.base import Update
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ModReLU, Tanh
from rnnrepro.updates.stage import Stage


def problem(
    runs: int,
    time: int,
    batch: int,
    hidden: int,
    gates: int = 1,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """W (S, N, M) of unit scale and z (S, T, B, M)."""
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(runs, hidden, gates * hidden, generator=generator, dtype=torch.float64) / hidden**0.5
    z = torch.randn(runs, time, batch, gates * hidden, generator=generator, dtype=torch.float64)
    return W.to(dtype), z.to(dtype)


def test_it_is_the_recurrence_written_in_numpy() -> None:
    W, z = problem(2, 6, 3, 5)
    b, h_0 = 0.1 * torch.randn(2, 5, dtype=torch.float64), torch.randn(2, 3, 5, dtype=torch.float64)
    outputs, (last,) = scan(ModReLU(), {"bias": b}, W, z, (h_0,))
    for run in range(2):
        h = h_0[run].numpy()
        for t in range(6):
            pre = h @ W[run].numpy() + z[run, t].numpy()
            h = np.sign(pre) * np.maximum(np.abs(pre) + b[run].numpy(), 0)
            np.testing.assert_allclose(outputs[run, t].numpy(), h, rtol=0, atol=1e-13)
        np.testing.assert_allclose(last[run].numpy(), h, rtol=0, atol=1e-13)


def test_it_equals_pytorchs_rnn() -> None:
    W, z = problem(1, 7, 4, 5)
    theirs = torch.nn.RNN(5, 5, bias=False, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.eye(5))
        theirs.weight_hh_l0.copy_(W[0].T)
    outputs, _ = scan(Tanh(), {}, W, z, (torch.zeros(1, 4, 5, dtype=torch.float64),))
    torch.testing.assert_close(outputs[0], theirs(z[0])[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize(("time", "batch", "hidden"), [(1, 1, 1), (1, 3, 4), (4, 1, 3), (5, 3, 4)])
def test_gradients_of_everything_equal_finite_differences(time: int, batch: int, hidden: int) -> None:
    W, z = problem(2, time, batch, hidden)
    b, h_0 = (
        problem(2, 1, batch, hidden, seed=1)[0][:, 0] * 0.1,
        problem(2, 1, batch, hidden, seed=2)[1][:, 0],
    )

    def outputs(
        W: torch.Tensor, z: torch.Tensor, b: torch.Tensor, h_0: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        out, (last,) = scan(ModReLU(), {"bias": b}, W, z, (h_0,))
        return out, last

    torch.autograd.gradcheck(outputs, [t.clone().requires_grad_() for t in (W, z, b, h_0)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "hidden"), [(1, 1), (2, 3), (10, 63), (50, 52), (7, 17), (20, 68)])
@pytest.mark.parametrize("update", [ModReLU(), LSTM(forget_offset=1.0)], ids=["modrelu", "lstm"])
def test_a_run_has_the_same_bits_alone_and_in_a_stack(
    update: Update, batch: int, hidden: int, dtype: torch.dtype
) -> None:
    W, z = problem(4, 9, batch, hidden, update.gates, dtype)
    b = 0.1 * torch.randn(4, hidden, dtype=dtype)

    def gradients(rows: slice) -> list[torch.Tensor]:
        W_, z_, b_ = (t[rows].clone().requires_grad_() for t in (W, z, b))
        zeros = torch.zeros(len(W_), batch, hidden, dtype=dtype)
        out, last = scan(update, {"bias": b_}, W_, z_, (zeros,) * update.slots)
        point = [W_, z_, b_] if isinstance(update, ModReLU) else [W_, z_]
        return [out, *last, *torch.autograd.grad((out**3).sum() + last[-1].sum(), point)]

    stack = gradients(slice(0, 4))
    for run in range(4):
        for alone, together in zip(gradients(slice(run, run + 1)), stack, strict=True):
            assert torch.equal(alone[0], together[run])


class Scaled(Update):
    """An update with one number a run, h = gain · tanh u, differentiated by autograd."""

    stages = (Stage(lambda u, gain: gain * torch.tanh(u)),)


def test_a_parameter_may_be_one_number_a_run() -> None:
    W, z = problem(2, 3, 2, 4)
    zeros = (torch.zeros(2, 2, 4, dtype=torch.float64),)
    gain = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    outputs, _ = scan(Scaled(), {"gain": gain}, W, z, zeros)
    plain, _ = scan(Tanh(), {}, W, z, zeros)
    assert torch.equal(outputs[0], plain[0]) and torch.equal(outputs[1, 0], 2 * plain[1, 0])
    assert torch.autograd.grad(outputs.sum(), gain)[0].shape == (2,)


def test_the_last_step_alone_comes_with_a_time_axis_of_one() -> None:
    W, z = problem(2, 5, 3, 4)
    zeros = (torch.zeros(2, 3, 4, dtype=torch.float64),)
    every, _ = scan(Tanh(), {}, W, z, zeros)
    last, state = scan(Tanh(), {}, W, z, zeros, every=False)
    assert torch.equal(last, every[:, -1:]) and torch.equal(last[:, 0], state[0])


@pytest.mark.parametrize(
    ("setting", "known"), [({"credit": "fully"}, "'full'"), ({"backend": "plan"}, "'plain'")]
)
def test_an_unknown_credit_or_backend_is_a_fault_with_the_nearest(
    setting: dict[str, str], known: str
) -> None:
    W, z = problem(1, 1, 1, 1)
    with pytest.raises(Fault, match=f"did you mean {known}"):
        scan(Tanh(), {}, W, z, (torch.zeros(1, 1, 1, dtype=torch.float64),), **setting)
