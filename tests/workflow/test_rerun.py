"""What a change makes run again, and what it leaves alone: the tiny pipeline, run once and then changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rnnrepro import records

from .conftest import ROOT, Folder, tiny_folder

pytestmark = pytest.mark.slow

LSTMS = {"lstm on first/adding", "lstm on second/digits"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Folder:
    """The tiny pipeline after its first run, by a copy of the project's code."""
    place = tmp_path_factory.mktemp("finished")
    code = place / "code"
    for name in ("rnnrepro", "workflow"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", code)
    (code / "profiles").symlink_to("workflow/profiles")
    folder = tiny_folder(place / "work", code)
    said = folder.snakemake("--cores", "2")
    assert said.status == 0, said.text
    said = folder.snakemake("--cores", "2", "--", "results/paper/first/fig_copying.html")
    assert said.status == 0, said.text
    return folder


@pytest.fixture
def done(finished, tmp_path) -> Folder:
    """A copy of the finished pipeline and of its code, to be changed."""
    for folder in ("work", "code"):
        shutil.copytree(finished.place.parent / folder, tmp_path / folder, symlinks=True)
    return Folder(tmp_path / "work", tmp_path / "code")


def grown(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_all_of_it_is_there(finished):
    results = finished.place / "results" / "quick"
    for name in (
        "report.html",
        "claims.csv",
        "metrics.parquet",
        "first/index.html",
        "second/index.html",
        "first/fig_fisher.pdf",
        "first/table_adding.tex",
        "second/fig_copying.md",
    ):
        assert (results / name).stat().st_size > 0, name


def test_nothing_is_done_twice(done):
    assert "Nothing to be done" in done.dry().text


def test_comments_and_the_times_of_files_change_nothing(done):
    for path in [*done.place.glob("config/**/*.yaml"), *done.code.rglob("*.py")]:
        grown(path, "\n# a comment\n")
    for path in [*done.code.rglob("*.ipynb"), *done.code.rglob("*.smk")]:
        path.touch()
    assert "Nothing to be done" in done.dry().text


def test_a_changed_setting_trains_its_cells_and_draws_what_shows_them(done):
    done.edit("config/papers/first.yaml", "kind: adam_tf, rate: 1.0e-3", "kind: adam_tf, rate: 2.0e-3")
    said = done.dry()
    assert said.trained == {"lstm on first/adding"}
    assert said.jobs == {"train": 1, "table": 1, "page": 1, "claims": 1, "metrics": 1, "report": 1, "all": 1}


def test_changed_training_code_trains_the_cells_that_use_it(done):
    grown(done.code / "rnnrepro" / "updates" / "lstm.py", "\nCHANGED = True\n")
    assert done.dry().trained == LSTMS


def test_a_caption_and_a_reported_value_train_nothing(done):
    done.edit("config/papers/first.yaml", "caption: Loss by step.", "caption: The loss by step.")
    said = done.dry()
    assert said.trained == set() and said.jobs["figure"] == 1 and "table" not in said.jobs
    grown(
        done.place / "config" / "reported" / "second.csv",
        "fig_copying,digits/lstm,,accuracy,0.5,,,derived,,,made up,,higher\n",
    )
    said = done.dry("--", "second")
    assert said.trained == set() and said.jobs == {"table": 1, "page": 1, "second": 1}


def test_plotting_code_draws_the_figures_and_trains_nothing(done):
    grown(done.code / "rnnrepro" / "exhibits" / "figures" / "curves.py", "\nCHANGED = True\n")
    said = done.dry()
    assert said.trained == set() and said.jobs["figure"] == 2


def test_at_scale_paper_changed_code_trains_only_when_asked(done):
    target = "results/paper/runs/first/copying/nnrnn.parquet"
    grown(done.code / "rnnrepro" / "matrices" / "schur.py", "\nCHANGED = True\n")
    assert "Nothing to be done" in done.dry("--", target).text
    said = done.dry("--", "results/paper/first/fig_copying.html")
    assert said.jobs == {"figure": 1}  # which then says that the result is stale
    assert done.dry("--config", "retrain=stale", "--", target).trained == {"nnrnn on first/copying"}
    said = done.snakemake("--cores", "1", "--config", "retrain=stale", "--", target)
    assert said.status == 0, said.text
    assert "Nothing to be done" in done.dry("--", target).text
    assert "Nothing to be done" in done.dry("--config", "retrain=stale", "--", target).text


def test_an_added_seed_trains_that_seed_alone(done):
    cell = "first/adding/enrnn"
    target = f"results/quick/runs/{cell}.parquet"
    before = records.read(done.place / target)
    said = done.snakemake("--cores", "1", "--config", "seeds=3", "--", target)
    assert said.status == 0, said.text
    log = (done.place / f"logs/quick/train/{cell}.log").read_text()
    assert "seed 2" in log and "seed 0" not in log and "seed 1" not in log
    after = records.read(done.place / target)
    kept = after.frame().query("seed < 2").reset_index(drop=True)
    assert kept.equals(before.frame())


def test_another_pipeline_has_the_same_files_in_other_circumstances(finished, tmp_path, monkeypatch):
    elsewhere = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo", "OPENBLAS_NUM_THREADS": "3"}
    for name, value in {**elsewhere, "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem"}.items():
        monkeypatch.setenv(name, value)
    other = tiny_folder(tmp_path / "other", finished.code)
    said = other.snakemake("--cores", "1", "--config", "stack=1")
    assert said.status == 0, said.text
    one, two = (folder.place / "results" / "quick" for folder in (finished, other))
    kept = [
        path.relative_to(one) for path in sorted(one.rglob("*")) if path.suffix in (".csv", ".parquet", ".md")
    ]
    kept = [path for path in kept if path.parts[0] != "costs"]  # which say how long it took, and where
    assert len(kept) > 12
    assert [path for path in kept if (one / path).read_bytes() != (two / path).read_bytes()] == []
