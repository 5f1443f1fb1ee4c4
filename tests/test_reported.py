from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import published, reported, tables
from rnnrepro.errors import Fault
from rnnrepro.project import load
from rnnrepro.reported import COLUMNS, SPREADS, STATUSES, Reported, faults_of, read, write

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


@pytest.fixture(scope="module")
def convert():
    """The conversion script as a module."""
    spec = importlib.util.spec_from_file_location(
        "convert_reported", ROOT / "scripts" / "convert_reported.py"
    )
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up while it is being run
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts")
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


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
def test_values_are_those_of_the_cards(paper, exhibit, cell, part, value, spread, status):
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
    with pytest.raises(Fault, match=r"table1|Table 1"):
        write(tmp_path / "x.csv", [row(**settings)])
    assert not (tmp_path / "x.csv").exists()


def test_the_same_number_does_not_stand_there_twice(tmp_path):
    with pytest.raises(Fault, match=r"twice: table1 copying/lstm\.n63"):
        write(tmp_path / "x.csv", [row(), row(value=0.8)])
    write(tmp_path / "x.csv", [row(), row(value=0.8, quoted_from="others")])


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
    write(path, [row()])
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
    write(path, rows)
    assert read(path) == rows
    assert path.read_text(encoding="utf-8").partition("\n")[0] == ",".join(COLUMNS)


def test_part_reads_as_a_mapping():
    assert row(part="alpha=0.95,d=0").settings == {"alpha": "0.95", "d": "0"} and row().settings == {}


CARD = """
tables:
- id: supp_table4
  metric: accuracy_percent
  better: higher
  rows:
  - &first {model: rnn, task: ptb_char, hidden: 1024, setting: {bptt: 150, comparison: fixed_params}, value: 40.01,
            std: 0.026, std_kind: sem, status: seen, source: "a  long\\n line"}
  - {<<: *first, setting: {bptt: 150, comparison: fixed_hidden}}
  - {<<: *first, model: eurnn, hidden: 2048, setting: {bptt: 300}, value: 65.68, std: 0.002, std_status: recalled}
- id: digitised_psmnist
  metric: accuracy
  better: higher
  rows:
  - &digit {model: nnrnn, task: psmnist, hidden: 512, setting: {epoch: 70, split: validation}, value: 0.94,
            precision: 0.01, status: digitised, source: figure}
  - {<<: *digit, value: 0.945}
"""


def test_conversion_of_an_invented_card(convert):
    rnn, eurnn, nnrnn = convert.convert("nnrnn", yaml.safe_load(CARD))
    assert (rnn.exhibit, rnn.cell, rnn.metric) == ("table1_accuracy", "characters_150/rnn", "accuracy")
    assert (rnn.value, rnn.spread, rnn.spread_kind, rnn.status_spread) == (0.4001, 0.00026, "sem", "seen")
    assert rnn.source == "a long line"
    assert (eurnn.cell, eurnn.status, eurnn.status_spread) == (
        "characters_300/eurnn.n2048",
        "seen",
        "recalled",
    )
    assert (nnrnn.value, nnrnn.spread) == (
        0.94,
        None,
    ) and "0.945 where another figure repeats it" in nnrnn.note


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: supp_table4", "id: supp_table9", "has no place"),
        ("accuracy_percent", "accuracy_promille", "unknown metric"),
        ("task: ptb_char", "task: enwik8", "unknown task 'enwik8'"),
        ("better: higher", "better: lower", "for accuracy it is higher"),
        (
            "comparison: fixed_hidden}",
            "comparison: fixed_hidden}, value: 41.0",
            "stands twice: 0.4001 and 0.41",
        ),
    ],
)
def test_a_card_that_does_not_fit_is_a_fault(convert, old, new, message):
    with pytest.raises(Fault, match=message):
        convert.convert("nnrnn", yaml.safe_load(CARD.replace(old, new, 1)))


def test_the_script_writes_files_that_read_back(convert, tmp_path, capsys):
    (tmp_path / "nnrnn.yaml").write_text(CARD, encoding="utf-8")
    assert convert.main([str(tmp_path), "nnrnn", "--output", str(tmp_path)]) == 0
    assert len(read(tmp_path / "nnrnn.csv")) == 3 and "nnrnn: 3 values" in capsys.readouterr().out
    assert convert.main([str(tmp_path), "scornn", "--output", str(tmp_path)]) == 2


SPOKEN = """
tables:
- id: table2
  metric: masked MSE (dB^2)
  better: lower
  rows:
  - {model: LSTM, task: timit, hidden: 158, value: 9.37, std: 0.14, split: test, source: paper, status: recalled}
  - {model: LSTM, task: timit, hidden: 158, value: 9.3729, std: 0.137, split: test, derived: mean of minima,
     source: curves, status: seen}
  - {model: "LSTM (literature, X)", task: timit, hidden: 158, value: 12.62, split: test, source: paper, status: seen}
- id: table3
  metric: perplexity
  better: lower
  rows:
  - {model: SRLSTM, task: ptb_word, hidden: 1150, value: 58.83, std: 0.62, split: test, setting: {epsilon: 0.6},
     source: notebook (std recalled), status: seen}
"""


def test_what_a_card_says_beside_its_settings_or_in_words_arrives(convert):
    exact, quoted, words = convert.convert("momentumrnn", yaml.safe_load(SPOKEN))
    assert (exact.value, exact.spread, exact.spread_kind, exact.status) == (9.3729, 0.137, "sd", "derived")
    assert exact.note == "mean of minima; printed 9.37 ± 0.14 (recalled)" and exact.part == "split=core"
    assert (quoted.cell, quoted.quoted_from, quoted.value) == (exact.cell, "X", 12.62)
    assert (words.cell, words.metric) == ("words/restart_lstm", "cross_entropy")
    assert words.value == pytest.approx(math.log(58.83), abs=1e-4)
    assert words.spread == pytest.approx(0.62 / 58.83, abs=1e-4)
    assert (words.status, words.status_spread) == ("seen", "recalled") and "perplexity 58.83" in words.note


CURVES = """
training_curves:
- {model: LSTM, task: timit, hidden: 158, quantity: test loss per epoch, x_unit: epoch (0-based), seeds: [0, 1],
   points: [{x: 0, mean: 1545.0, std: 5.0}, {x: 10, mean: 583.0}], source: log, status: seen}
- {model: SRLSTM, task: ptb_word, hidden: 1150, quantity: validation loss per epoch (nats/word),
   x_unit: epoch (1-based), seeds: [0], points: [{x: 1, mean: 6.0, std: 0.1}], source: log, status: seen}
- {model: DTRIV, task: pmnist, quantity: training mini-batch loss, x_unit: optimiser step, seeds: [0], points: [],
   source: log, status: seen}
"""


def test_curves_of_a_card_are_those_of_our_arms_and_count_epochs_that_are_done(convert, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.setitem(sys.modules, "convert_reported", convert)
    curves = importlib.import_module("convert_curves")
    first, later, words = curves.convert(yaml.safe_load(CURVES))
    assert (first.experiment, first.model, first.split, first.metric) == ("timit", "lstm.n158", "core", "mse")
    assert [(p.x, p.x_kind, p.value, p.std, p.seeds) for p in (first, later)] == [
        (1, "epoch", 1545.0, 5.0, 2),
        (11, "epoch", 583.0, None, 2),
    ]
    assert (words.experiment, words.model, words.x) == ("words", "restart_lstm", 1)
    assert "number of units is not known" in capsys.readouterr().out


def test_every_published_curve_is_of_an_arm_at_the_papers_scale(project):
    points = published.read(ROOT / "config" / "reported" / "momentumrnn_curves.csv")
    for point in points:
        experiment = project.experiment("momentumrnn", point.experiment, "paper")
        known = point.model in experiment.models
        assert known and point.split in ("train", *experiment.training.splits), point.curve
    assert len(published.curves(points)) == 67


def test_every_unit_of_the_cards_leads_to_a_metric_of_the_project(convert):
    assert {metric for metric, _ in convert.METRICS.values()} <= set(tables.METRICS)
