"""Results of other settings are not taken for those of the present ones, whatever Snakemake knows of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rnnrepro import arms, plan, project, records
from rnnrepro.cli import main
from rnnrepro.errors import Fault

CONFIG = Path(__file__).parent / "config"


@pytest.fixture
def cell():
    """A cell of the tiny configuration, its grid of two points times two seeds."""
    found = plan.cells(project.load(str(CONFIG)), "quick", ["first"])
    return next(one for one in found if one.key == "first/copying/exprnn")


def write(cell, results, runs) -> None:
    """A results file that says of its runs what theirs are."""
    said = [{"point": run.point, "seed": run.seed, "digest": run.digest} for run in runs]
    records.write(
        results / cell.path, records.assembled([]), {"scale": "quick", "key": cell.key, "runs": said}
    )


def test_results_of_the_present_settings_pass_and_missing_ones_are_not_asked_for(cell, tmp_path):
    arms.check_settings([cell], tmp_path)
    write(cell, tmp_path, cell.runs)
    arms.check_settings([cell], tmp_path)


@pytest.mark.parametrize("what", ["a digest", "a seed less"])
def test_results_of_other_settings_are_named_and_a_folder_of_others_is_taken_as_it_is(
    cell, tmp_path, what, monkeypatch, capsys
):
    first, *rest = cell.runs
    other = [replace(first, settings={**first.settings, "seed": 99}), *rest] if what == "a digest" else rest
    write(cell, tmp_path / "results" / "quick", other)
    with pytest.raises(Fault, match=r"exprnn.parquet: made by other settings .* delete it and run again"):
        arms.check_settings([cell], tmp_path / "results" / "quick")
    monkeypatch.chdir(tmp_path)
    words = ["claims", "first", "--scale", "quick", "--config", str(CONFIG)]
    assert main(words) == 2
    assert "made by other settings" in capsys.readouterr().err
    assert main([*words, "--results", "results/quick"]) == 0
