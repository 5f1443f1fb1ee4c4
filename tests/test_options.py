"""What the shared options of the commands name, given and left out."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from rnnrepro.cli import common
from rnnrepro.errors import Fault

CONFIG = str(Path(__file__).parent / "workflow" / "config")


def parsed(options, *words) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options(parser)
    return parser.parse_args(["--config", CONFIG, *words])


def test_settings_on_the_command_line_take_the_place_of_those_in_the_file():
    own = common.project_of(parsed(common.project_options))
    changed = common.project_of(parsed(common.project_options, "--set", "seeds=3", "--set", "scale=small"))
    assert (own.user.scale, changed.user.scale, changed.user.seeds) == ("quick", "small", 3)
    assert own.chosen == changed.chosen


@pytest.mark.parametrize(
    ("words", "scale"),
    [
        ([], "quick"),
        (["--set", "scale=small"], "small"),
        (["--scale", "paper", "--set", "scale=small"], "paper"),
    ],
)
def test_the_scale_is_that_of_the_option_or_of_the_settings(words, scale):
    project, found = common.scale_of(parsed(common.scale_options, *words))
    assert found == scale and Path(project.folder) == Path(CONFIG)


def test_results_and_state_are_below_the_working_folder_under_the_scale():
    _, scale, results = common.results_of(parsed(common.results_options, "--scale", "small"))
    assert (scale, results) == ("small", Path("results/small"))
    _, _, place = common.place_of(parsed(common.place_options, "--scale", "small"))
    assert (place.results, place.state, place.logs) == (results, Path("state/small"), Path("logs/small"))


@pytest.mark.parametrize("option", ["--results", "--state"])
def test_a_folder_that_is_named_must_be_there(option, tmp_path):
    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(Fault, match=f"^{option} {tmp_path}/{name}: no such folder$"):
            common.place_of(parsed(common.place_options, option, str(tmp_path / name)))


def test_folders_that_are_named_are_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("elsewhere/results/quick", "scratch"):
        Path(name).mkdir(parents=True)
    words = ["--results", "elsewhere/results/quick", "--state", "scratch"]
    _, _, place = common.place_of(parsed(common.place_options, *words))
    assert place.results == Path("elsewhere/results/quick") and place.state == Path("scratch")
    assert place.logs == Path("elsewhere/logs/quick")


def test_only_results_that_no_option_names_are_asked_for_their_settings(monkeypatch):
    asked = []
    monkeypatch.setattr("rnnrepro.arms.check_settings", lambda cells, results: asked.append((cells, results)))
    for words in ([], ["--results", "others"]):
        args = parsed(common.results_options, *words)
        common.check_settings(args, common.results_of(args)[2], ["a cell"])
    assert asked == [(["a cell"], Path("results/quick"))]


@pytest.mark.parametrize("text", ["seeds", ""])
def test_a_setting_without_a_value_is_a_fault(text):
    with pytest.raises(Fault, match=f"--set {text}: expected KEY=VALUE"):
        common.project_of(parsed(common.project_options, "--set", text))
