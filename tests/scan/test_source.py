"""From stages to generated modules: what is translated, what is refused, where the modules are kept."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnrepro.errors import Fault
from rnnrepro.scan import source
from rnnrepro.scan.source import Signature, module_of, text_of
from rnnrepro.updates.base import Update
from rnnrepro.updates.lstm import LSTM
from rnnrepro.updates.pointwise import ModReLU
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import exp, tanh, where


def leaky(u: float, h: float, rate: float) -> float:
    """A docstring is left out."""
    fresh = tanh(u)
    return (1 - rate) * h + where(u > 2.5, fresh, rate * fresh)


def test_the_text_is_the_function_renamed_and_its_literals_replaced() -> None:
    text = text_of(leaky, "forward_0", lambda value: ast.parse(f"f({value})", mode="eval").body)
    assert text == (
        "def forward_0(u, h, rate):\n    fresh = tanh(u)\n"
        "    return (f(1.0) - rate) * h + where(u > f(2.5), fresh, rate * fresh)"
    )


def looped(u):
    for _ in range(3):
        u = u + 1
    return u


def foreign(u):
    return exp(u) + abs(u)


def branched(u):
    if u > 0:
        u = -u
    return u


HALF = 0.5


def with_a_global(u):
    return HALF * u


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (with_a_global, "'HALF' is neither an argument nor assigned before"),
        (abs, "written with `def` in a file"),
        (lambda u: u, "written with `def` in a file"),
        (looped, "cannot hold For"),
        (branched, "cannot hold If"),
        (foreign, "'abs' is no word"),
    ],
)
def test_what_cannot_be_translated_is_refused(function: object, message: str) -> None:
    with pytest.raises(Fault, match=message):
        text_of(function, "forward_0")


def misspelt(u, h, rat):
    return u + rat * h


def identity_back(dh):
    return dh


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage(misspelt), "names 'rat'; did you mean 'rate'"),
        (Stage(leaky, lambda dg: dg, gradients=("u",)), "backward names 'dg'"),
        (Stage(leaky, identity_back, gradients=("v",)), "gradients names 'v'"),
    ],
)
def test_a_name_that_a_stage_cannot_know_is_a_fault(stage: Stage, message: str) -> None:
    class Own(Update):
        stages = (stage,)

    with pytest.raises(Fault, match=message):
        Signature.of(Own(), {"rate": None}, {})


def test_equal_updates_share_a_signature_and_settings_do_not_enter_it() -> None:
    assert Signature.of(LSTM(0.0), {}, {}) == Signature.of(LSTM(1.0), {}, {})
    assert Signature.of(ModReLU(), {"bias": 1}, {}) != Signature.of(ModReLU(), {"bias": 1}, {"gain": 1})


def test_a_module_is_written_once_and_mended_when_it_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path))
    text = "answer = 42\n"
    module = module_of(text, "test")
    assert module.answer == 42 and Path(module.__file__).read_text() == text
    assert module_of(text, "test") is module
    Path(module.__file__).write_text("answer = ")
    monkeypatch.delitem(sys.modules, module.__name__)
    assert module_of(text, "test").answer == 42
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [Path(module.__file__).name]


def test_a_cache_folder_that_cannot_be_written_is_replaced_by_a_passing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path / "file" / "below"))
    source._passing_folder.cache_clear()
    folder = source.cache_folder()
    assert folder.is_dir() and folder == source.cache_folder() and tmp_path not in folder.parents
    folder.rmdir()
    source._passing_folder.cache_clear()


_TWICE = """
import torch
from numba.core import event
from rnnrepro.scan import scan
from rnnrepro.updates.pointwise import Tanh
with event.install_recorder("numba:compile") as compiled:
    h, _ = scan(Tanh(), {}, torch.eye(3)[None], torch.ones(1, 2, 2, 3), (torch.zeros(1, 2, 3),), backend="cpu")
print("compiled" if compiled.buffer else "loaded", h.sum().item())
"""


def test_two_processes_compile_once_and_agree(tmp_path: Path) -> None:
    environment = {**os.environ, "RNNREPRO_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", _TWICE],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    said = [out.split() for out, _ in outputs]
    assert sorted(words[0] for words in said) == ["compiled", "loaded"]
    assert said[0][1] == said[1][1]
