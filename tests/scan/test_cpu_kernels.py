"""The parts of the compiled scan: its words, its products, how work is shared out."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
import torch
from numba import njit

from rnnrepro.drives.projection import Factored
from rnnrepro.errors import Fault
from rnnrepro.scan import scan
from rnnrepro.scan.cpu import blas, borrowing, words
from rnnrepro.scan.cpu.threads import LEAST_ROWS, for_each, items, tiles
from rnnrepro.updates.pointwise import Tanh


def applied(word: object, x: np.ndarray) -> np.ndarray:
    @njit
    def run(x, out):
        for i in range(x.size):
            out[i] = word(x[i])

    out = np.empty_like(x)
    run(x, out)
    return out


REFERENCES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "relu": lambda x: np.maximum(x, 0),
    "sign": np.sign,
    "absolute": np.abs,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_word_is_its_function_to_a_few_units_in_the_last_place(name: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [np.linspace(-100, 100, 200_001), rng.normal(size=100_000), rng.normal(size=100_000) * 1e-3]
    ).astype(np.float32)
    x = np.abs(x) if name == "sqrt" else x
    found = applied(getattr(words, name), x)
    with np.errstate(over="ignore"):
        true = REFERENCES[name](x.astype(np.float64))
        rounded = true.astype(np.float32)
    normal = np.isfinite(rounded) & (np.abs(true) > np.finfo(np.float32).tiny)
    assert normal.sum() > 100_000
    ulps = np.abs(found - true)[normal] / np.spacing(np.abs(rounded[normal]))
    assert ulps.max() <= 2.5
    # Beyond the largest number both are infinite, below the smallest normal one both are next to nothing.
    assert np.array_equal(found[np.isinf(rounded)], rounded[np.isinf(rounded)])
    little = ~normal & np.isfinite(rounded)
    assert np.abs(found[little] - rounded[little]).max(initial=0) <= np.finfo(np.float32).tiny


@pytest.mark.parametrize("name", REFERENCES)
def test_a_word_passes_on_what_is_not_a_number(name: str) -> None:
    assert np.isnan(applied(getattr(words, name), np.full(9, np.nan, np.float32))).all()


@pytest.mark.parametrize(
    ("m", "n", "k"), [(1, 1, 1), (3, 5, 7), (20, 60, 60), (17, 129, 130), (128, 64, 100)]
)
@pytest.mark.parametrize(("of_a", "of_b"), list(itertools.product((0, 1), repeat=2)))
def test_products_of_every_orientation(m: int, n: int, k: int, of_a: int, of_b: int) -> None:
    @njit
    def run(of_a, of_b, m, n, k, a, b, c, add):
        blas.gemm(blas.workspace(), of_a, of_b, m, n, k, a, b, c, add)

    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((m, k), (k, n)))
    c = rng.normal(size=(m, n)).astype(np.float32)
    given = np.ascontiguousarray(a.T if of_a else a), np.ascontiguousarray(b.T if of_b else b)
    true = a.astype(np.float64) @ b
    for add in (0, 1):
        found = c.copy()
        run(of_a, of_b, m, n, k, *given, found, add)
        np.testing.assert_allclose(found, true + add * c, rtol=0, atol=1e-6 * k)


@pytest.mark.parametrize(
    ("runs", "batch", "threads"), list(itertools.product((1, 2, 3, 6), (1, 7, 20, 128), (1, 2, 3, 4)))
)
def test_every_sequence_of_every_run_is_served_once(runs: int, batch: int, threads: int) -> None:
    count = tiles(runs, batch, threads)
    assert 1 <= count <= threads and (count == 1 or batch // count >= LEAST_ROWS)
    served = [(item.run, b) for item in items(runs, batch, count) for b in range(item.b0, item.b1)]
    assert sorted(served) == [(run, b) for run in range(runs) for b in range(batch)]


def test_work_goes_over_the_threads_and_what_one_raises_is_raised() -> None:
    seen, both = set(), threading.Barrier(2, timeout=300)

    def note(item: object) -> None:
        seen.add(threading.get_ident())
        both.wait()  # broken unless two threads are at work at once

    for_each(note, items(4, 8, 1), 2)
    assert len(seen) == 2 and threading.get_ident() not in seen
    with pytest.raises(ZeroDivisionError):
        for_each(lambda item: 1 / (item.run - 3), items(4, 8, 1), 2)


def test_denormal_numbers_are_as_before_after_a_scan() -> None:
    small = torch.full((4,), 1e-39)
    scan(Tanh(), {}, torch.eye(3)[None], torch.ones(1, 2, 2, 3), (torch.zeros(1, 2, 3),), backend="cpu")
    assert ((small * 1.0) > 0).all()


@pytest.mark.parametrize("symbol", [-1, 4])
def test_a_symbol_that_is_not_there_is_a_fault(symbol: int) -> None:
    index = torch.tensor([[[0, 3], [symbol, 1]]])
    z = Factored(index, torch.zeros(1, 4, 3))
    with pytest.raises(Fault, match="a symbol outside 0…3"):
        scan(Tanh(), {}, torch.eye(3)[None], z, (torch.zeros(1, 2, 3),), backend="cpu")


def test_borrowed_arrays_are_seen_and_written_where_they_are() -> None:
    @njit
    def run(given, rows):
        owned = (np.zeros((rows, 3), np.float32), (np.ones((2, rows), np.float32),))
        zeros, (ones,) = borrowing.borrowed(owned)
        whole = borrowing.one_row(zeros)
        for t in range(rows):
            borrowing.borrowed(given)[t] += zeros[t] + ones[1, t]
            whole[0, 3 * t + 2] = t
        borrowing.held(owned)
        return owned[0], whole.shape

    found = np.zeros((4, 3), np.float32)
    zeros, shape = run(found, 4)
    assert np.array_equal(found, np.ones((4, 3)))
    assert shape == (1, 12) and np.array_equal(zeros[:, 2], np.arange(4)) and not zeros[:, :2].any()
