from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import published, reported
from rnnrepro.errors import Fault
from rnnrepro.project import load
from rnnrepro.reported import COLUMNS, SPREADS, STATUSES, Reported, faults_of, read
from tests import csv_files

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(p for p in (ROOT / "config" / "reported").glob("*.csv") if not p.name.endswith("_curves.csv"))


def row(**settings) -> Reported:
    plain = {
        "exhibit": "table1",
        "cell": "copying/lstm.n63",
        "metric": "accuracy",
        "value": 0.9,
        "status": "seen",
        "source": "memory",
        "better": "higher",
    }
    return Reported(**{**plain, **settings})


@pytest.fixture(scope="module")
def project():
    return load(ROOT / "config")


def test_every_paper_has_its_file_of_reported_values(project):
    assert [path.stem for path in FILES] == sorted(project.papers)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_row_resolves(path, project):
    rows = read(path)
    assert reported.unresolved(project, path.stem, rows) == []
    shown = {entry.reported or name for name, entry in project.paper(path.stem).exhibits.items()}
    assert {r.exhibit for r in rows} <= shown


@pytest.mark.parametrize(
    ("paper", "exhibit", "cell", "part", "value", "spread", "status"),
    [
        ("nnrnn", "table1", "characters_150/rnn", "", 2.89, 0.002, "seen"),
        ("nnrnn", "table1", "characters_300/eurnn.n2048", "", 1.62, 0.001, "seen"),
        ("nnrnn", "table1", "characters_150/eurnn", "", 1.69, 0.001, "seen"),
        ("nnrnn", "table1", "characters_300/exprnn", "", 1.55, 0.001, "recalled"),
        ("nnrnn", "table1", "characters_150/exprnn.n1386", "", 1.49, 0.008, "seen"),
        ("nnrnn", "table1", "characters_150/lstm.n475", "", 1.41, 0.005, "seen"),
        ("nnrnn", "table1_accuracy", "characters_150/rnn", "", 0.4001, 0.00026, "seen"),
        ("nnrnn", "table1_accuracy", "characters_300/exprnn", "", 0.6689, 0.00024, "seen"),
        ("nnrnn", "table1_updated", "characters_300_updated/nnrnn", "", 1.42, 0.003, "seen"),
        (
            "nnrnn",
            "table1_updated_accuracy",
            "characters_150_updated/exprnn.n1386",
            "",
            0.6902,
            5e-06,
            "seen",
        ),
        (
            "nnrnn",
            "fig2_mnist_permuted",
            "mnist_permuted/lstm.n257",
            "split=validation,epoch=70",
            0.89,
            None,
            "digitised",
        ),
        ("nnrnn", "fisher_table", "", "alpha=1.05,beta=0.005,d=0.2", 20.4, None, "seen"),
        ("nnrnn", "rerun_mnist_permuted", "mnist_permuted/rnn", "epochs=70,seed=101", 0.0982, None, "seen"),
        ("nonnormal", "table1", "words/chain", "", 6.514, 0.001, "seen"),
        ("nonnormal", "table1", "enwik8/lstm_merity", "", 1.232, None, "seen"),
        ("nonnormal", "table2_psmnist", "psmnist/orthogonal", "", 2.72, 0.08, "seen"),
        ("nonnormal", "table3", "characters/lstm.mixed", "", 1.227, 0.0, "seen"),
        ("nonnormal", "fig3d", "copy/chain", "runs=462", 46.0, None, "seen"),
        ("nonnormal", "fig1_totals", "", "net=fbchain,alpha=0.99,beta=0.07", 6.807, None, "derived"),
        ("scornn", "table_mnist", "mnist/scornn.n360", "", 0.983, None, "recalled"),
        ("scornn", "table_mnist", "mnist_permuted/urnn_rc.n512", "", 0.945, None, "recalled"),
        ("scornn", "table_mnist", "mnist_permuted/scornn.n512", "", 0.966, None, "seen"),
        ("scornn", "table_timit", "timit/urnn_fc.n192", "split=core", 14.5, None, "recalled"),
        ("scornn", "table_timit", "timit/scornn.n425", "split=dev", 7.97, None, "recalled"),
        ("scornn", "rerun_mnist", "mnist/lstm.n128", "", 0.819, None, "seen"),
        ("scurnn", "table_mnist", "mnist_permuted/scurnn.n116", "", 0.949, None, "recalled"),
        ("scurnn", "table_mnist", "mnist/urnn_fc.n512", "", 0.974, None, "recalled"),
        ("scurnn", "table_timit", "timit/lstm.n158", "split=core", 12.62, None, "recalled"),
        ("sbornn", "benchmark_mnist", "mnist/sbornn", "ln_params_per_1000=2.73", 0.9885, None, "seen"),
        ("sbornn", "benchmark_har2", "har2/irnn", "ln_params_per_1000=1.73", 0.963, None, "seen"),
        (
            "sbornn",
            "benchmark_words",
            "words/fastrnn",
            "ln_params_per_1000=3.97",
            4.8502,
            None,
            "seen",
        ),  # 127.76
        ("sbornn", "har2_few", "har2_1/sbo_sgd", "", 0.87, None, "digitised"),
        ("sbornn", "har2_few", "har2_10/lstm", "", 0.92, None, "digitised"),
        (
            "sbornn",
            "adding_steps",
            "adding_100/sbo_snag_sparse",
            "",
            4500.0,
            None,
            "digitised",
        ),  # 0.9 of 5,000
        ("sbornn", "adding_steps", "adding_500/sbo_sgd", "", 1750.0, None, "digitised"),
        ("momentumrnn", "table1", "mnist/momentum_lstm.n256", "", 0.9908, 0.0005, "seen"),
        (
            "momentumrnn",
            "table1",
            "mnist_permuted/restart_lstm_released.n256",
            "",
            0.9382,
            0.0185,
            "recalled",
        ),
        ("momentumrnn", "table2", "timit/momentum_lstm.n158", "split=core", 5.8744, 0.1466, "derived"),
        ("momentumrnn", "table2", "timit/momentum_lstm.n158", "split=dev", 5.86, 0.14, "recalled"),
        ("momentumrnn", "table3", "words/momentum_lstm", "split=test", 4.0711, 0.0038, "seen"),  # ln 58.62
        ("momentumrnn", "table3", "words/restart_lstm", "split=validation", 4.1128, 0.011, "derived"),
        ("momentumrnn", "table4", "mnist_permuted_dtriv/restart_dtriv.n512", "", 0.9702, 0.0009, "recalled"),
        ("momentumrnn", "table5", "timit_dtriv/dtriv.n322", "split=core", 1.9051, 0.218, "derived"),
        ("momentumrnn", "heat_mnist", "heat_mnist/momentum_lstm", "mu=0,epsilon=0.1", 0.3739, None, "seen"),
        ("momentumrnn", "heat_timit", "heat_timit/momentum_lstm", "mu=0.9,epsilon=0.1", 121.07, None, "seen"),
        ("momentumrnn", "heat_words", "heat_words/momentum_lstm", "mu=0,epsilon=1", 4.0895, None, "seen"),
    ],
)
def test_values_are_those_that_were_read(paper, exhibit, cell, part, value, spread, status):
    rows = read(ROOT / "config" / "reported" / f"{paper}.csv")
    own = [r for r in rows if (r.exhibit, r.cell, r.part) == (exhibit, cell, part)]
    (found,) = [r for r in own if not r.quoted_from] or own
    assert (found.value, found.spread, found.status) == (value, spread, status)


def test_what_is_not_the_papers_own_says_whose_it_is():
    rows = [r for path in FILES for r in read(path)]
    assert {r.quoted_from for r in rows if r.exhibit.startswith("rerun_")} >= {
        "Wisdom et al. 2016",
        "projUNN",
    }
    assert all(r.quoted_from for r in rows if r.exhibit.startswith("rerun_"))
    printed = [r for r in rows if r.exhibit in ("table1", "table_mnist", "table_timit")]
    quoted = {r.cell.partition("/")[2]: r.quoted_from for r in printed if r.quoted_from}
    assert quoted == {
        "lstm_merity": "Merity et al. 2018",
        "lstm.n128": "a second work",
        "lstm.n256": "a second work",
    }


def test_a_spread_may_be_less_sure_than_its_value():
    rows = read(ROOT / "config" / "reported" / "nnrnn.csv")
    (found,) = [r for r in rows if (r.exhibit, r.cell) == ("table1", "characters_150/nnrnn")]
    assert (found.value, found.status, found.spread_kind, found.status_spread) == (
        1.47,
        "seen",
        "sem",
        "recalled",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "acuracy", "better": ""}, "did you mean 'accuracy'"),
        ({"status": "sen"}, "did you mean 'seen'"),
        ({"value": 96.0}, "not a fraction"),
        ({"value": float("nan")}, "not finite"),
        ({"spread": 0.1}, "go together"),
        ({"spread_kind": "sem"}, "go together"),
        ({"spread": 0.1, "spread_kind": "se", "status_spread": "seen"}, "unknown spread_kind"),
        ({"spread": -0.1, "spread_kind": "sd", "status_spread": "seen"}, "at least 0"),
        ({"spread": 0.1, "spread_kind": "sd", "status_spread": "sen"}, "unknown status_spread"),
        ({"cell": "copying"}, "not experiment/arm"),
        ({"part": "core"}, "not key=value"),
        ({"exhibit": "Table 1"}, "is no key"),
        ({"source": ""}, "no source"),
        ({"better": "lower"}, "for accuracy it is 'higher'"),
    ],
)
def test_each_fault_of_a_row_is_named(settings, message, tmp_path):
    assert any(message in fault for fault in faults_of(row(**settings)))
    csv_files.write(tmp_path / "x.csv", Reported, [row(**settings)])
    with pytest.raises(Fault, match=f"row 2: .*{message}"):
        read(tmp_path / "x.csv")


def test_the_same_number_does_not_stand_there_twice(tmp_path):
    csv_files.write(tmp_path / "x.csv", Reported, [row(), row(value=0.8)])
    with pytest.raises(Fault, match=r"twice: table1 copying/lstm\.n63"):
        read(tmp_path / "x.csv")
    csv_files.write(tmp_path / "x.csv", Reported, [row(), row(value=0.8, quoted_from="others")])
    assert len(read(tmp_path / "x.csv")) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.9", "high", "row 2: could not convert"),
        ("seen", "heard", "row 2: unknown status 'heard'"),
        (",memory", "", "row 2: expected 13 fields"),
        ("exhibit,", "table,", "the columns must be"),
    ],
)
def test_a_file_that_was_edited_wrongly_says_where(tmp_path, old, new, message):
    path = tmp_path / "x.csv"
    csv_files.write(path, Reported, [row()])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(Fault, match=message):
        read(path)


def test_a_missing_file_is_a_fault_but_a_paper_may_have_none(tmp_path, project):
    with pytest.raises(Fault, match="cannot be read"):
        read(tmp_path / "none.csv")
    assert reported.of_paper(project, "no_such_paper") == []


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20)
rows_of_any_kind = st.builds(
    row,
    value=st.floats(0, 1),
    note=words,
    quoted_from=words,
    source=words.filter(bool),
    status=st.sampled_from(list(STATUSES)),
    part=st.sampled_from(["", "split=core", "alpha=0.95,d=0"]),
) | st.builds(
    row,
    metric=st.just("bpc"),
    better=st.just("lower"),
    value=st.floats(-1e9, 1e9),
    spread=st.floats(0, 1e9),
    spread_kind=st.sampled_from(list(SPREADS)),
    status_spread=st.sampled_from(list(STATUSES)),
    cell=st.just(""),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of_any_kind, max_size=4, unique_by=lambda r: r.identity))
def test_rows_survive_their_file(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "x.csv"
    csv_files.write(path, Reported, rows)
    assert read(path) == rows
    assert path.read_text(encoding="utf-8").partition("\n")[0] == ",".join(COLUMNS)


def test_part_reads_as_a_mapping():
    assert row(part="alpha=0.95,d=0").settings == {"alpha": "0.95", "d": "0"} and row().settings == {}


def test_every_published_curve_is_of_an_arm_at_the_papers_scale(project):
    points = published.read(ROOT / "config" / "reported" / "momentumrnn_curves.csv")
    for point in points:
        experiment = project.experiment("momentumrnn", point.experiment, "paper")
        known = point.model in experiment.models
        assert known and point.split in ("train", *experiment.training.splits), point.curve
    assert len(published.curves(points)) == 67
