"""The words of stages as the GPU has them, against float64."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
import torch

from rnnrepro.updates.words import WORDS

ENVIRONMENT = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
with mock.patch.dict(os.environ, ENVIRONMENT):
    import triton

    from rnnrepro.scan.gpu import words
    from rnnrepro.scan.source import module_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

EXACT = {
    "absolute": np.abs,
    "exp": np.exp,
    "expm1": np.expm1,
    "relu": lambda x: np.where(x < 0, 0, x),
    "sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0) / (1 + np.exp(-np.abs(x))),
    "sign": np.sign,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    with mock.patch.dict(os.environ, ENVIRONMENT):
        yield


def applied(word: str, x: np.ndarray) -> np.ndarray:
    text = f"""
import triton
import triton.language as tl

from rnnrepro.scan.gpu.words import {word}


@triton.jit
def apply(given, found, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(found + at, {word}(tl.load(given + at, mask=at < count, other=0.0)), mask=at < count)
"""
    given = torch.from_numpy(x).to(DEVICE)
    found = torch.empty_like(given)
    grid = (triton.cdiv(len(x), 4096),)
    module_of(text, "words").apply[grid](given, found, len(x), BLOCK=4096, enable_fp_fusion=True)
    return found.cpu().numpy()


def test_every_word_is_there() -> None:
    assert {*EXACT, "where"} == set(WORDS)
    assert all(hasattr(words, word) for word in WORDS)


@pytest.mark.parametrize("word", sorted(EXACT))
def test_a_word_is_within_three_units_in_the_last_place(word: str) -> None:
    draw = np.random.default_rng(0)
    x = np.concatenate(
        [
            draw.normal(size=40_000),
            draw.uniform(-110, 110, size=40_000),
            draw.choice([-1, 1], 40_000) * 10.0 ** draw.uniform(-30, 3, size=40_000),
            np.linspace(88.3, 88.8, 1001),
            [0.0],
        ]
    ).astype(np.float32)
    if word == "sqrt":
        x = np.abs(x)
    exact = EXACT[word](x.astype(np.float64))
    normal = (np.abs(exact) >= np.finfo(np.float32).tiny) & (np.abs(exact) <= np.finfo(np.float32).max)
    found = applied(word, x)
    unit = np.spacing(np.abs(exact[normal]).astype(np.float32)).astype(np.float64)
    assert (np.abs(found[normal] - exact[normal]) / unit).max() < 3
    # Beyond what float32 holds to full precision: nothing, or too much.
    small = np.abs(exact) < np.finfo(np.float32).tiny
    assert np.abs(found[small] - exact[small]).max(initial=0) <= np.finfo(np.float32).tiny
    large = np.abs(exact) > np.finfo(np.float32).max
    assert np.isposinf(found[large]).all()


@pytest.mark.parametrize("word", sorted(EXACT))
def test_a_word_passes_infinity_and_nan_on(word: str) -> None:
    x = np.array([np.inf, -np.inf, np.nan], np.float32)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(applied(word, x), EXACT[word](x.astype(np.float64)).astype(np.float32))
