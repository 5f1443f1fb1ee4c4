"""How the command line ends: what a person interrupts is said in one line, whenever that is."""

from __future__ import annotations

import pytest

from rnnrepro import cli, plan
from rnnrepro.project import load


def interrupted(*_arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["_settle", "check_caches", "importlib.import_module"])
def test_an_interrupt_is_one_line_even_while_commands_are_imported(moment, monkeypatch, capsys):
    monkeypatch.setattr(f"rnnrepro.cli.{moment}", interrupted)
    assert cli.main(["list", "rule"]) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: interrupted; the same command goes on from what is done\n"


def test_settings_changed_since_a_training_was_planned_are_not_trained(tmp_path, capsys):
    words = [
        "train",
        "first/adding",
        "--config",
        "tests/workflow/config",
        "--model",
        "lstm",
        "--scale",
        "quick",
    ]
    words += ["--state", str(tmp_path / "state")]
    project = load("tests/workflow/config")
    (cell,) = [one for one in plan.cells(project, "quick", ["first"]) if one.key == "first/adding/lstm"]
    assert cli.main([*words, "--planned", cell.digest, "--set", "seeds=1"]) == 2
    said = "first/adding/lstm: its settings were changed after this training was planned; run again"
    assert said in capsys.readouterr().err and not (tmp_path / "state").exists()
    assert cli.main([*words, "--planned", cell.digest]) == 0


def test_a_paper_alone_is_no_experiment_to_train(capsys):
    words = ["train", "--config", "tests/workflow/config", "--model", "lstm"]
    for given in ("first", "first/"):
        assert cli.main([*words, given]) == 2
        said = f"error: {given}: expected PAPER/EXPERIMENT; first has first/copying, first/adding\n"
        assert capsys.readouterr().err == said
    assert cli.main([*words, "frist"]) == 2
    assert "unknown paper 'frist'; did you mean 'first'?" in capsys.readouterr().err


def test_a_disk_that_fails_is_one_line(monkeypatch, capsys):
    def fails():
        raise OSError(5, "Input/output error", "state/quick")

    monkeypatch.setattr(cli, "check_caches", fails)
    assert cli.main(["list", "rule"]) == 2
    assert capsys.readouterr().err == "error: state/quick: Input/output error\n"
