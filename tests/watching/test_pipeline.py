"""What a pipeline says while it runs, and its last words."""

from __future__ import annotations

import time

import pytest

from rnnrepro.watching import pipeline as module
from rnnrepro.watching.pipeline import Pipeline

NNRNN, LSTM = "first/copying/nnrnn", "first/adding/lstm"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def pipeline(working, said) -> Pipeline:
    found = Pipeline(
        working.project, "quick", ["python", "launch.py", "--config", "papers=[first]"], said.append
    )
    found.began -= 5
    return found


def test_at_a_good_end_it_counts_runs_and_verdicts_and_warns(pipeline, working, said):
    working.results(NNRNN, diverged=1)
    (working.place.results / "claims.csv").write_text(
        "paper,verdict\nfirst,supported\nfirst,not run\nx,supported\n"
    )
    pipeline.ends(well=True)
    text = "\n".join(said)
    assert said[0].startswith("Scale quick: 2 of 14 runs done (14 %), 1 diverged")
    assert "Claims: 2 supported, 1 not run" in text and "1 run diverged" in text
    assert "To go on" not in text


def test_at_a_bad_end_it_says_what_failed_with_its_log_and_the_command_to_go_on(pipeline, working, said):
    working.job(LSTM, ended="failed: memory ran out")
    log = working.log(LSTM, "error: memory ran out\n")
    working.job(NNRNN, ended="stopped: time budget of 3 minutes used")
    fetch = working.folder / "logs" / "fetch" / "mnist.log"
    fetch.parent.mkdir(parents=True)
    fetch.write_text("error: no network\n")
    pipeline.ends(well=False)
    text = " ".join(" ".join(said).split())
    assert f"{LSTM} failed: memory ran out" in text and log.name in text
    assert f"{NNRNN} stopped: time budget of 3 minutes used" in text
    assert "failed: no network" in text and "logs/fetch/mnist.log" in text
    assert said[-1] == "  python launch.py --config 'papers=[first]'"


def test_what_failed_before_this_pipeline_is_none_of_its_last_words(pipeline, working, said):
    working.job(LSTM, ended="failed: long ago", updated=1000)
    pipeline.ends(well=False)
    assert "long ago" not in "\n".join(said)


def test_it_speaks_of_another_scale_that_it_worked_on(pipeline, at_paper, said):
    at_paper.job(NNRNN, ended="failed: x")
    pipeline.ends(well=False)
    assert any(line.startswith("Scale paper: 0 of") for line in said)


def test_its_last_words_raise_nothing(pipeline, said, monkeypatch):
    monkeypatch.setattr(module, "page", lambda *a, **k: 1 / 0)
    pipeline.ends(well=True)
    assert said == [
        "What happened could not be put together (ZeroDivisionError: division by zero): rnnrepro status"
    ]


def test_while_it_runs_it_says_how_far_it_is_when_that_has_changed(pipeline, working, said, monkeypatch):
    for name in ("_FIRST_SECONDS", "_SELDOM_SECONDS", "_COST"):
        monkeypatch.setattr(module, name, 0.02)
    pipeline.begins()
    end = time.monotonic() + 300
    while not said and time.monotonic() < end:
        time.sleep(0.01)
    working.results(NNRNN)
    while "2 of 14" not in said[-1] and time.monotonic() < end:
        time.sleep(0.01)
    pipeline.over.set()
    assert "0 of 14 runs done" in said[0] and "2 of 14 runs done" in said[-1]
    assert len(said) == len(set(said))
