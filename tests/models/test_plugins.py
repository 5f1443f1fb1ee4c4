from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rnnrepro import models, tables
from rnnrepro.conformance import check_model
from rnnrepro.errors import Fault
from rnnrepro.models import plugins

EXAMPLE = Path(__file__).parent / "example_plugin.py"
HEAD = "from rnnrepro.tables import Component, Model\n"


@pytest.fixture(autouse=True)
def nothing_stays_loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = {kind: dict(table) for kind, table in tables.KINDS.items()}
    monkeypatch.setattr(plugins, "_loaded", {})
    yield
    for kind, rows in kept.items():
        tables.KINDS[kind].clear()
        tables.KINDS[kind].update(rows)
    for name in [name for name in sys.modules if name.startswith("rnnrepro_plugin_")]:
        del sys.modules[name]


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_a_short_file_adds_a_model_that_meets_every_demand() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 30
    assert plugins.load(EXAMPLE).models == ("leaky_orthogonal",)
    assert [check for check in check_model("leaky_orthogonal") if not check.ok] == []


def test_the_added_model_is_made_like_any_other() -> None:
    plugins.load(EXAMPLE)
    layer = models.make("leaky_orthogonal", input_size=2, hidden_size=4, update={"leak": 1.0})
    h_0 = torch.randn(1, 3, 4)
    output, _ = layer(torch.randn(5, 3, 2), h_0)
    assert torch.equal(output[-1], h_0[0])  # it leaks nothing and takes nothing in


def test_loading_again_changes_nothing() -> None:
    assert plugins.load(EXAMPLE) is plugins.load(EXAMPLE)


def test_a_second_file_of_the_same_name_is_a_fault(tmp_path: Path) -> None:
    plugins.load(EXAMPLE)
    other = written(tmp_path, "MODELS = {'other': Model(matrix='free')}", "example_plugin.py")
    with pytest.raises(Fault, match="one name; rename"):
        plugins.load(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "adds no model; declare MODELS"),
        ("MODELS = {'rnn': Model(matrix='free')}", "the model 'rnn' exists already"),
        ("MODELS = {'m': Model(matrix='fre')}", "model 'm' has an unknown matrix 'fre'"),
        ("MODELS = {'m': Component(path='this:M')}", "model 'm' is not a tables.Model"),
        (
            "UPDATES = {'u': Component(path='this:U')}\nMODELS = {'m': Model(matrix='free', update='u')}",
            "update 'u' has no class at 'rnnrepro_plugin_mine:U'",
        ),
        (
            "class U: pass\nUPDATES = {'u': Component(path='U')}\nMODELS = {'m': Model(matrix='free', update='u')}",
            "write this:ClassName",
        ),
        (
            "class T: pass\nUPDATES = {'tanh': Component(path='this:T')}\nMODELS = {'m': Model(matrix='free')}",
            "the update 'tanh' exists already",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_a_fault_and_adds_nothing(
    tmp_path: Path, text: str, message: str
) -> None:
    before = {kind: dict(table) for kind, table in tables.KINDS.items()}
    with pytest.raises(Fault, match=message):
        plugins.load(written(tmp_path, text))
    assert {kind: dict(table) for kind, table in tables.KINDS.items()} == before
    assert "rnnrepro_plugin_mine" not in sys.modules


def test_a_file_mended_after_a_fault_can_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(Fault):
        plugins.load(written(tmp_path, ""))
    assert plugins.load(written(tmp_path, "MODELS = {'m': Model(matrix='free')}")).models == ("m",)


@pytest.mark.parametrize(
    ("name", "message"), [("none.py", "does not exist"), ("mine.txt", "must end in .py")]
)
def test_a_path_that_is_no_python_file_is_a_fault(tmp_path: Path, name: str, message: str) -> None:
    written(tmp_path, "", "mine.txt")
    with pytest.raises(Fault, match=message):
        plugins.load(tmp_path / name)


def test_an_error_in_the_file_comes_through_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        plugins.load(written(tmp_path, "1 / 0"))
    assert caught.traceback[-1].lineno == 1
    assert "rnnrepro_plugin_mine" not in sys.modules


PLAIN = """
import torch
from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage

class Plain(Update):
    stages = (Stage(lambda u: torch.tanh(u)),)

UPDATES = {"plain_tanh": Component(path="this:Plain")}
MODELS = {"plainly": Model(matrix="free", update="plain_tanh")}
"""


def test_what_an_update_without_derivatives_cannot_be_tried_at_is_not_said_to_be_sound(
    tmp_path, capsys
) -> None:
    from rnnrepro import cli

    assert cli.main(["check", str(written(tmp_path, PLAIN, "plainly.py"))]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "all checks passed but 3 that do not apply"
    apart = [line for line in lines if not line.startswith("ok   plainly: ")]
    assert [line.removeprefix("–    plainly: of its update: ") for line in apart] == [
        f"{what}: not applicable: no derivative given; runs plainly"
        for what in (
            "the derivatives worked out by hand are those of autograd",
            "the stages consist of what the fast scans compile",
            "its fast scans are as exact as the plain one",
        )
    ]


@pytest.mark.parametrize("name", ["schlecht-name", "Large", "a.b", "x" * 65, 3])
def test_a_name_that_no_settings_can_use_is_a_fault(tmp_path: Path, name: object) -> None:
    with pytest.raises(Fault, match="expected a name of small letters, digits and _"):
        plugins.load(written(tmp_path, f"MODELS = {{{name!r}: Model(matrix='free')}}"))
