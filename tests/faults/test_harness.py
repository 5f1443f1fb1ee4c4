"""The judge of the fault suite: a planted wrong result is called wrong, a planted loss lost, and nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rnnrepro import records

from . import compare, harness, runner, started, table
from .harness import Ending, Kind, Missed, Outcome
from .losses import losses
from .session import Session

RUN = "results/quick/runs/first/copying/enrnn.parquet"
STATE = "state/quick/aaaa-ffff"
GOOD = started.Said(0, "9 of 9 steps done")


@pytest.fixture
def session(tmp_path) -> Session:
    """A session whose undisturbed pipeline is a handful of files: one finished run, one with a checkpoint."""
    found = Session(tmp_path / "session")
    for stage in ("half", "done"):
        _results(found.stage(stage))
    found.expected = compare.found(found.stage("done"))
    return found


def _results(place: Path, value: float = 0.5) -> None:
    rows = records.rows([(1, "test", "loss", 0, value), (2, "test", "loss", 0, 0.25)])
    records.write(place / RUN, rows, {"key": "first/copying/enrnn"})
    records.write(place / STATE / "record.parquet", rows, {})
    (place / "state/quick/bbbb-ffff").mkdir(parents=True, exist_ok=True)
    (place / "state/quick/bbbb-ffff/checkpoint").write_bytes(b"a checkpoint")
    (place / "results/quick/claims.csv").write_text("claim,verdict\nlearns,yes\n")
    (place / "results/quick/report.html").write_text("<html></html>\n")
    (place / "results/quick/table.ipynb").write_text("{}")


def judged(session: Session, tmp_path: Path, disturb, said: started.Said = GOOD, mend=None) -> Outcome:
    """How a trial ends that does `disturb` to a finished pipeline, which then says `said`."""

    def run(pipeline, _rng):
        disturb(pipeline.begin("done"))
        return pipeline.settle(said, "at a moment", mend)

    return harness.trial(Kind("planted", "", run), session, tmp_path / "home", random.Random(0))


def test_what_nothing_has_touched_is_right_at_once(session, tmp_path):
    found = judged(session, tmp_path, lambda pipeline: None)
    assert (found.ending, found.moment, found.bad) == (Ending.AT_ONCE, "at a moment", False)


def other_value(pipeline):
    _results(pipeline.place, 0.5 + 1e-15)


def other_provenance(pipeline):
    one = records.read(pipeline.place / RUN)
    records.write(pipeline.place / RUN, one.table, {"key": "another"})


def rewrite(name: str, text: str):
    def disturb(pipeline):
        (pipeline.place / "results/quick" / name).write_text(text)

    return disturb


@pytest.mark.parametrize(
    "disturb",
    [
        other_value,
        other_provenance,
        lambda pipeline: (pipeline.place / RUN).unlink(),
        lambda pipeline: (pipeline.place / RUN).write_bytes((pipeline.place / RUN).read_bytes()[:-9]),
        rewrite("claims.csv", "claim,verdict\nlearns,no\n"),
        rewrite("report.html", "<html>"),
        rewrite("table.ipynb", "{"),
    ],
    ids=["a value", "provenance", "missing", "truncated", "a claim", "half a page", "half a notebook"],
)
def test_a_planted_wrong_result_is_called_wrong(session, tmp_path, disturb):
    assert judged(session, tmp_path, disturb).ending is Ending.WRONG


def test_what_python_says_when_interrupted_before_any_program_is_not_the_programs():
    start = (
        "Fatal Python error: init_import_site: Failed to import the site module\n"
        'Traceback (most recent call last):\n  File "<frozen site>", line 616, in <module>\nKeyboardInterrupt\n'
    )
    harness._check_text(started.Said(1, f"log:\n{start}"))
    with pytest.raises(harness._Bad):
        harness._check_text(
            started.Said(1, f"{start}Traceback (most recent call last):\nKeyboardInterrupt\n")
        )


def test_a_traceback_is_wrong_whatever_the_results(session, tmp_path):
    said = started.Said(0, "Traceback (most recent call last):\n  ...")
    assert judged(session, tmp_path, lambda pipeline: None, said).ending is Ending.WRONG


@pytest.mark.parametrize("text", ["something failed", "error: the one\nerror: the other"])
def test_a_fault_that_needs_a_mend_is_said_in_one_error(session, tmp_path, text):
    found = judged(session, tmp_path, lambda pipeline: None, started.Said(1, text), mend=lambda: None)
    assert found.ending is Ending.WRONG and "`error:`" in found.detail


@pytest.mark.parametrize(
    ("text", "well"), [("error: a full\nerror: b full", True), ("error: a full\nerror: b", False)]
)
def test_several_errors_are_one_where_all_name_the_one_cause(text, well):
    if well:
        harness._check_error(started.Said(1, text), "full")
        return
    with pytest.raises(harness._Bad):
        harness._check_error(started.Said(1, text), "full")


@pytest.mark.parametrize(
    ("mended", "status", "ending"),
    [(True, 0, Ending.MENDED), (False, 0, Ending.AGAIN), (True, 1, Ending.LOST), (False, 1, Ending.LOST)],
)
def test_what_fails_is_run_again_once(session, tmp_path, monkeypatch, mended, status, ending):
    done = []
    monkeypatch.setattr(harness.Pipeline, "launch", lambda self: started.Said(status, "said"))
    mend = (lambda: done.append("mended")) if mended else None
    found = judged(session, tmp_path, lambda pipeline: None, started.Said(1, "error: one\nerror: one"), mend)
    assert (found.ending, done) == (ending, ["mended"] * mended)


def events(*lines: str):
    """A trace with these lines."""

    def disturb(pipeline):
        pipeline.trace.write_text("".join("\t".join(line.split()) + "\n" for line in lines))

    return disturb


AGAIN = events("7 begun aaaa", f"7 placed /x/{STATE}/record.parquet")
AFRESH = events("7 begun bbbb", "7 placed /x/state/quick/bbbb-ffff/checkpoint")


@pytest.mark.parametrize("disturb", [AGAIN, AFRESH], ids=["trained again", "checkpoint not used"])
def test_a_planted_loss_is_called_lost(session, tmp_path, disturb):
    assert judged(session, tmp_path, disturb).ending is Ending.LOST


def test_a_run_that_goes_on_from_its_checkpoint_is_no_loss(session, tmp_path):
    trace = events(
        "7 begun bbbb",
        "7 restored 9 bbbb",
        "7 placed /x/bbbb-ffff/checkpoint",
        "7 placed /x/bbbb-ffff/record.parquet",
    )
    assert judged(session, tmp_path, trace).ending is Ending.AT_ONCE


def test_what_the_fault_itself_destroys_may_be_trained_again(tmp_path):
    _results(tmp_path)
    again = [("7", "placed", f"/x/{STATE}/record.parquet")]
    afresh = [("7", "begun", "bbbb"), ("7", "placed", "/x/bbbb-ffff/checkpoint")]
    assert len(losses([*again, *afresh], tmp_path)) == 2
    assert losses([*again, *afresh], tmp_path, ["aaaa-ffff"], ["bbbb-ffff"]) == []


def test_what_is_stuck_is_lost_and_ended(session, tmp_path):
    def run(pipeline, _rng):
        pipeline.begin("done")
        process = started.begin(
            ["sleep", "60"], pipeline.home, session.environment(pipeline.trace), pipeline.home
        )
        assert pipeline.processes()
        pipeline.ended(process, limit=0.2)

    home = tmp_path / "home"
    found = harness.trial(Kind("stuck", "", run), session, home, random.Random(0))
    assert found.ending is Ending.LOST and not harness.Pipeline(session, home).processes()


def test_a_fault_that_finds_nothing_is_drawn_again_and_at_last_counts_as_wrong(session, monkeypatch):
    drawn = []

    def run(pipeline, rng):
        drawn.append(rng.random())
        raise Missed

    monkeypatch.setitem(harness.KINDS, "missing", Kind("missing", "", run))
    found = runner.one(runner.Trial("missing", 3), session)
    assert found.outcome.ending is Ending.WRONG and len(set(drawn)) == runner.DRAWS


def test_trials_are_drawn_by_their_seed_over_all_kinds():
    trials = runner.drawn("abc", 7, seed=5)
    assert trials == runner.drawn("abc", 7, seed=5) != runner.drawn("abc", 7, seed=6)
    assert {trial.kind for trial in trials[:3]} == set("abc") and [t.seed for t in trials] == list(
        range(5, 12)
    )


def test_every_kind_is_found_and_the_table_counts_what_is_bad():
    kinds = runner.load_kinds()
    assert {"SIGKILL pipeline", "two pipelines", "inside training", "orphaned trainer"} <= set(kinds)
    endings = [Ending.AT_ONCE, Ending.WRONG, Ending.LOST]
    done = [
        runner.Done(runner.Trial("two pipelines", i), Outcome(e, "m"), 1.0) for i, e in enumerate(endings)
    ]
    text = table.markdown(done, kinds, seed=0, commit="abc1")
    assert "commit abc1: 1 wrong, 1 lost" in text and "| m (3) | 3 | 1 |  |  | 1 | 1 |" in text
