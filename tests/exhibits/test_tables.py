from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnrepro import records
from rnnrepro.config import Arm, Exhibit, Experiment, Training
from rnnrepro.digits import formatter
from rnnrepro.exhibits import table_formats
from rnnrepro.exhibits.tables import build
from rnnrepro.reported import Reported


def arm(label: str | None, hidden: int = 64, **settings) -> Arm:
    return Arm(hidden=hidden, optimiser={"kind": "sgd", "rate": 0.1}, label=label, **settings)


def experiment(models: dict[str, Arm], title: str = "Plain digits", **settings) -> Experiment:
    return Experiment(
        title=title, seeds=3, task={"kind": "pixels"}, training=Training(batch=1), models=models, **settings
    )


def cell(
    values: dict[tuple[str, int], list[float]],
    *,
    split="test",
    metric="accuracy",
    diverged=(),
    parameters=16_415,
    device="cpu",
) -> records.CellRecords:
    """A cell with the given evaluations of each (grid point, seed)."""
    who = {"paper": "alpha", "experiment": "task", "model": "m", "slice": ""}
    table = records.assembled(
        [
            (
                {**who, "point": point, "seed": seed},
                records.rows([(i, split, metric, 0, v) for i, v in enumerate(curve)]),
            )
            for (point, seed), curve in values.items()
        ]
    )
    runs = [
        {"point": point, "seed": seed, "status": "diverged" if seed in diverged else "finished"}
        for point, seed in values
    ]
    return records.CellRecords(
        table,
        {
            "key": "alpha/task/m",
            "runs": runs,
            "parameters": parameters,
            "steps": 35_000,
            "device": device,
            "device_name": "An invented processor",
        },
    )


def printed(cell: str, value: float, **settings) -> Reported:
    plain = {
        "exhibit": "t",
        "metric": "accuracy",
        "status": "recalled",
        "source": "memory",
        "better": "higher",
    }
    return Reported(**{**plain, "cell": cell, "value": value, **settings})


EXHIBIT = Exhibit(title="Pixels", kind="table", metric="accuracy", split="test", statistic="last")
RUNS = {("", 0): [0.5, 0.93], ("", 1): [0.97, 0.95], ("", 2): [0.6, 0.94]}


def place(table, row: int, column: str, nth: int = 0):
    """The entry in the nth column of that name."""
    return table.rows[row][[i for i, name in enumerate(table.header) if name == column][nth]]


def column(table, name: str) -> list[str]:
    return [place(table, i, name).text for i in range(len(table.rows))]


@pytest.fixture
def plain():
    known = experiment({"scornn": arm("scoRNN")}, protocol="Five epochs.")
    rows = [
        printed("task/scornn", 0.973, spread=0.002, spread_kind="sem", status_spread="seen", note="one size")
    ]
    return build(EXHIBIT, {"task": known}, {"task/scornn": cell(RUNS)}, rows, scale="quick")


def test_a_row_sets_the_reported_value_with_its_status_beside_ours_with_its_spread(plain):
    assert [e.text for e in plain.rows[0]] == [
        "scoRNN",
        "64",
        "16\u202f415",
        "0.973 ± 0.002 (recalled)",
        "0.940 ± 0.010 (n = 3)",
        "0.940",
        "0.930 to 0.950",
        "−0.033",
        "35\u202f000",
        "quick",
        "cpu",
    ]
    assert plain.header == [
        "Model",
        "N",
        "Parameters",
        "Reported",
        "Ours",
        "Median",
        "Min to max",
        "Difference",
        "Steps",
        "Scale",
        "Device",
    ]
    assert list(plain.groups) == [("", 3), ("Plain digits", 6), ("", 2)]


def test_each_number_has_its_protocol_and_each_reported_value_its_source_as_a_footnote(plain):
    (source,), (protocol,) = place(plain, 0, "Reported").notes, place(plain, 0, "Ours").notes
    assert plain.footnotes[source] == (
        "Reported: recalled (from memory of the paper); memory; ± is the standard error of the mean (seen); one size."
    )
    assert plain.footnotes[protocol] == (
        "Ours, Plain digits: 3 seeds, mean ± standard deviation over them; last evaluation on test; "
        "nothing is selected; no augmentation. Five epochs."
    )


def test_a_reduced_scale_and_the_device_are_named_below_the_table(plain):
    text = " ".join(plain.remarks)
    assert "At scale quick budgets and sizes are reduced" in text and "An invented processor" in text
    assert "higher is better" in text


def test_each_footnote_stands_once_and_is_used(plain):
    known = experiment({f"m.n{n}": arm(None, n) for n in (1, 2)})
    rows = [printed("task/m.n1", 0.9), printed("task/m.n2", 0.8), printed("task/m.n3", 0.7)]
    table = build(
        EXHIBIT, {"task": known}, {"task/m.n1": cell(RUNS), "task/m.n2": cell(RUNS)}, rows, scale="quick"
    )
    used = {i for row in table.rows for entry in row for i in entry.notes}
    assert used == set(range(len(table.footnotes))) and len(set(table.footnotes)) == len(table.footnotes) == 2


def test_absent_models_stand_there_with_the_reason_and_the_reported_value():
    known = experiment({"scornn": arm("scoRNN")}, absent={"urnn_fc": "not built yet", "eurnn": "no layers"})
    rows = [printed("task/urnn_fc.n116", 0.947), printed("task/urnn_fc.n512", 0.974)]
    table = build(EXHIBIT, {"task": known}, {"task/scornn": cell(RUNS)}, rows, scale="quick")
    assert column(table, "Model") == ["scoRNN", "urnn_fc, N = 116", "urnn_fc, N = 512", "eurnn"]
    assert column(table, "N") == ["64", "116", "512", "–"]
    assert column(table, "Ours")[1:] == [
        "not run: not built yet",
        "not run: not built yet",
        "not run: no layers",
    ]
    assert column(table, "Reported") == ["–", "0.947 (recalled)", "0.974 (recalled)", "–"]
    assert column(table, "Difference") == ["–"] * 4


def test_a_cell_that_is_still_to_be_trained_says_so():
    known = experiment({"scornn": arm("scoRNN"), "lstm": arm("LSTM")})
    table = build(EXHIBIT, {"task": known}, {"task/scornn": cell(RUNS)}, [], scale="quick")
    assert column(table, "Ours") == ["0.940 ± 0.010 (n = 3)", "not run: no results yet"]
    assert "Reported" not in table.header and "Difference" not in table.header


def test_an_experiment_that_is_not_run_at_the_scale_still_shows_what_is_reported():
    own = experiment({"scornn.n170": arm("scoRNN, N = 170", 170), "lstm.n8": arm("LSTM", 8)})
    exhibit = Exhibit(**{**vars(EXHIBIT), "missing": {"quick": "no MNIST here"}})
    table = build(
        exhibit, {"task": None}, {}, [printed("task/scornn.n170", 0.973)], scale="quick", own={"task": own}
    )
    assert [[e.text for e in row][:5] for row in table.rows] == [
        ["scoRNN, N = 170", "170", "–", "0.973 (recalled)", "not run: no MNIST here"]
    ]
    assert "Steps" not in table.header


def test_sizes_of_the_paper_that_a_scale_leaves_out_are_told():
    own = experiment({"scornn.n170": arm("scoRNN, N = 170", 170)})
    known = experiment({"scornn": arm("scoRNN", 96)})
    table = build(
        EXHIBIT,
        {"task": known},
        {"task/scornn": cell(RUNS)},
        [printed("task/scornn.n170", 0.973)],
        scale="small",
        own={"task": own},
    )
    assert column(table, "Ours") == ["0.940 ± 0.010 (n = 3)", "not run: not at scale small"]


def test_an_exhibit_without_experiments_shows_reported_values_by_split():
    exhibit = Exhibit(title="Speech", kind="table", metric="mse", missing={"quick": "licensed"})
    rows = [
        printed(f"timit/{m}", v, metric="mse", better="lower", part=f"split={s}")
        for m, v, s in (("lstm.n84", 15.42, "dev"), ("lstm.n84", 14.3, "core"))
    ]
    table = build(exhibit, {}, {}, rows, scale="quick")
    assert [e.text for e in table.rows[0]] == [
        "lstm, N = 84",
        "84",
        "–",
        "15.42 (recalled)",
        "not run: licensed",
        "14.3 (recalled)",
        "not run: licensed",
        "quick",
        "–",
    ]
    assert list(table.groups) == [("", 3), ("timit, dev", 2), ("timit, core", 2), ("", 2)]


def test_diverged_runs_are_counted_and_left_out_of_the_numbers():
    known = experiment({"rnn": arm("RNN"), "lstm": arm("LSTM")})
    some = cell({("", i): [v] for i, v in enumerate([0.5, 0.4, 0.9, 0.6, 0.9])}, diverged=(2, 4))
    every = cell({("", 0): [0.1], ("", 1): [0.1]}, diverged=(0, 1))
    table = build(
        EXHIBIT,
        {"task": known},
        {"task/rnn": some, "task/lstm": every},
        [printed("task/lstm", 0.9)],
        scale="quick",
    )
    assert column(table, "Ours") == ["0.50 ± 0.10 (n = 3); 2 of 5 diverged", "2 of 2 diverged"]
    assert column(table, "Min to max") == ["0.40 to 0.60", "–"] and column(table, "Difference") == ["–", "–"]
    assert any("Diverged runs are counted" in remark for remark in table.remarks)


def test_runs_that_never_reach_a_level_are_counted_too():
    known = experiment({"rnn": arm("RNN")})
    exhibit = Exhibit(title="Steps", kind="table", metric="mse", statistic="first_step_below(0.2)")
    record = cell({("", 0): [0.5, 0.1], ("", 1): [0.5, 0.4]}, metric="mse")
    table = build(exhibit, {"task": known}, {"task/rnn": record}, [], scale="quick")
    assert column(table, "Ours") == ["1.000 (n = 1); 1 of 2 without a finite value"]


def test_a_stand_in_never_stands_beside_a_reported_value():
    known = experiment({"scornn": arm("scoRNN")}, stand_in="8×8 digits in place of MNIST")
    table = build(
        EXHIBIT, {"task": known}, {"task/scornn": cell(RUNS)}, [printed("task/scornn", 0.973)], scale="quick"
    )
    assert "Reported" not in table.header and "Difference" not in table.header
    assert "0.973" not in table_formats.markdown(table) + table_formats.csv(table)
    assert any("8×8 digits in place of MNIST; no reported value is comparable" in r for r in table.remarks)


@pytest.mark.parametrize(
    ("statistic", "header", "first", "second"),
    [
        ("last", "Best epoch", "0.940 ± 0.010 (n = 3)", "0.947 ± 0.021 (n = 3)"),
        ("best", "Last epoch", "0.947 ± 0.021 (n = 3)", "0.940 ± 0.010 (n = 3)"),
    ],
)
def test_best_and_last_epoch_stand_side_by_side_where_the_paper_selects_on_test(
    statistic, header, first, second
):
    known = experiment({"scornn": arm("scoRNN")}, select="best_test")
    exhibit = Exhibit(**{**vars(EXHIBIT), "statistic": statistic})
    table = build(exhibit, {"task": known}, {"task/scornn": cell(RUNS)}, [], scale="paper")
    assert (column(table, "Ours"), column(table, header)) == ([first], [second])
    notes = [table.footnotes[i] for i in place(table, 0, header).notes]
    assert all("the paper selects the epoch on test data" in note for note in notes) and notes


def test_several_experiments_have_a_group_of_columns_each():
    first = experiment({"scornn": arm("scoRNN", 64), "lstm": arm("LSTM", 28)})
    second = experiment({"scornn": arm("scoRNN", 90)}, title="Permuted digits")
    found = {
        "plain/scornn": cell(RUNS),
        "plain/lstm": cell(RUNS),
        "mixed/scornn": cell(RUNS, parameters=20_000),
    }
    table = build(EXHIBIT, {"plain": first, "mixed": second}, found, [], scale="quick")
    assert list(table.groups) == [("", 3), ("Plain digits", 4), ("Permuted digits", 4), ("", 2)]
    assert (
        column(table, "N") == ["64 / 90", "28"]
        and column(table, "Parameters")[0] == "16\u202f415 / 20\u202f000"
    )
    assert (
        place(table, 1, "Ours", 1).text == "–" and place(table, 0, "Ours", 1).text == "0.940 ± 0.010 (n = 3)"
    )
    assert "Permuted digits: Ours" in table_formats.markdown(table)


def test_a_grid_has_a_row_for_each_point():
    known = experiment({"rnn": arm("RNN", grid={"rate": [0.1, 0.2]})})
    runs = cell(
        {("rate=0.1", 0): [0.1], ("rate=0.1", 1): [0.3], ("rate=0.2", 0): [0.5], ("rate=0.2", 1): [0.7]}
    )
    table = build(EXHIBIT, {"task": known}, {"task/rnn": runs}, [], scale="quick")
    assert column(table, "Model") == ["RNN (rate 0.1)", "RNN (rate 0.2)"]
    assert column(table, "Ours") == ["0.20 ± 0.14 (n = 2)", "0.60 ± 0.14 (n = 2)"]


def test_the_exhibit_chooses_and_orders_the_models():
    known = experiment({"a": arm("A"), "b": arm("B"), "c": arm("C")})
    exhibit = Exhibit(**{**vars(EXHIBIT), "models": ["c", "a"]})
    table = build(exhibit, {"task": known}, {f"task/{m}": cell(RUNS) for m in "abc"}, [], scale="quick")
    assert column(table, "Model") == ["C", "A"]


def test_extra_rows_and_remarks_are_footnotes_of_the_model():
    known = experiment({"lstm": arm("LSTM, tuned", extra="later work reaches 0.95", note="twice the steps")})
    table = build(EXHIBIT, {"task": known}, {"task/lstm": cell(RUNS)}, [], scale="quick")
    assert [table.footnotes[i] for i in table.rows[0][0].notes] == [
        "Extra row: later work reaches 0.95.",
        "twice the steps",
    ]


def test_several_reported_values_are_listed_and_no_difference_is_taken():
    known = experiment({"rnn": arm("RNN")})
    rows = [
        printed("task/rnn", 0.89, part="seed=1", quoted_from="a re-run"),
        printed("task/rnn", 0.1, part="seed=2", quoted_from="a re-run", note="diverged"),
        printed("task/rnn", 0.7, status="digitised"),
        printed("task/rnn", 7.0, metric="bpc", better="lower"),
    ]
    table = build(EXHIBIT, {"task": known}, {"task/rnn": cell(RUNS)}, rows, scale="paper")
    assert column(table, "Reported") == ["0.7 (digitised); 0.89, 0.1 (recalled)"]
    assert column(table, "Difference") == ["–"]
    notes = [table.footnotes[i] for i in place(table, 0, "Reported").notes]
    assert "not the paper's own number but of a re-run; seed 1; seed 2; diverged." in notes[1]


def test_reported_values_of_other_steps_are_left_out():
    known = experiment({"rnn": arm("RNN")})
    rows = [printed("task/rnn", v, part=f"step={s}") for v, s in ((0.8, 50), (0.9, 100))]
    exhibit = Exhibit(**{**vars(EXHIBIT), "statistic": "at_step(100)"})
    table = build(exhibit, {"task": known}, {"task/rnn": cell(RUNS)}, rows, scale="paper")
    assert column(table, "Reported") == ["0.9 (recalled)"]


@pytest.mark.parametrize(
    ("mean", "sd", "value", "text"),
    [
        (0.9537, 0.0112, 0.9537, "0.954"),
        (1.4712, 0.0031, 1.4712, "1.4712"),
        (0.06, 0.05, 0.06, "0.060"),
        (1234.5, 56.0, 1234.5, "1234"),
        (0.9537, None, 0.9537, "0.9537"),
        (12.345, None, 12.345, "12.35"),
        (0.0, None, 0.0, "0.000"),
        (-0.5, 0.1, -0.5, "−0.50"),
        (3.04e-7, 1.2e-8, 3.04e-7, "3.04e-7"),
        (3.04e-7, None, 3.04e-7, "3.040e-7"),
        (0.5, 0.0, 0.5, "0.5000"),
        (-9.2e-4, 0.172, -9.2e-4, "0.00"),
        (5e-4, 0.002, 0.002, "0.0020"),
    ],
)
def test_numbers_have_two_digits_of_their_spread_or_four_of_their_own(mean, sd, value, text):
    assert formatter(mean, sd)(value).replace("−7", "-7") == text


@given(st.floats(1e-3, 1e5), st.floats(1e-4, 1e3))
def test_a_written_number_is_the_number_to_a_tenth_of_its_spread(mean, sd):
    assert abs(float(formatter(mean, sd)(mean)) - mean) <= 0.0501 * sd + 5.1e-7


HOSTILE = "<b>A & B_50%</b> $x$ #1 {y} ~^\\"


def hostile_table():
    known = experiment({"m": arm(HOSTILE, note=HOSTILE)}, title=HOSTILE)
    rows = [printed("task/m", 0.9, source=HOSTILE)]
    return build(
        Exhibit(**{**vars(EXHIBIT), "title": HOSTILE}),
        {"task": known},
        {"task/m": cell(RUNS)},
        rows,
        scale="quick",
    )


class Tags(HTMLParser):
    """Balanced tags and the text between them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_well_formed_takes_text_as_text_and_spans_its_columns():
    table, tags = hostile_table(), Tags()
    tags.feed(table_formats.html(table))
    assert tags.open == [] and tags.text.count(HOSTILE) >= 4 and ("b", {}) not in tags.seen
    spans = [int(a["colspan"]) for tag, a in tags.seen if "colspan" in a]
    cells = [tag for tag, a in tags.seen if a.get("scope") in ("row",) or tag == "td"]
    assert sum(spans) == len(table.header) == len(cells)
    assert table._repr_html_() == table_formats.html(table)


def test_latex_escapes_everything_and_has_as_many_columns_as_it_says():
    table = hostile_table()
    text = table_formats.latex(table)
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1]
    assert len(columns) == len(table.header) and all(
        f"\\{rule}rule" in text for rule in ("top", "mid", "bottom")
    )
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    assert len(re.findall(r"(?<!\\)&", body)) == len(table.header) - 1
    assert not re.search(r"(?<!\\)[%#]|(?<!\\)_(?!\{)", text.partition("\n")[2])
    assert r"$\pm$" in text and "±" not in text.partition("\n")[2]
    assert r"\cmidrule(lr){4-9}" in text


def test_markdown_has_equally_many_cells_in_each_line():
    text = table_formats.markdown(hostile_table())
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(lines) == 3 and len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "<sup>a</sup>" in text


def test_a_bar_in_a_name_does_not_split_a_cell_of_markdown():
    known = experiment({"m": arm("a | b")})
    table = build(EXHIBIT, {"task": known}, {"task/m": cell(RUNS)}, [], scale="quick")
    assert r"| a \| b |" in table_formats.markdown(table)


def test_csv_has_plain_values_in_all_digits(plain):
    (row,) = csv.DictReader(io.StringIO(table_formats.csv(plain)))
    assert float(row["mean"]) == pytest.approx(0.94, rel=1e-12) and float(row["difference"]) == pytest.approx(
        -0.033
    )
    assert (row["n"], row["diverged"], row["reported_value"], row["reported_status"]) == (
        "3",
        "0",
        "0.973",
        "recalled",
    )
    assert (row["experiment"], row["arm"], row["steps"], row["not_run"]) == ("task", "scornn", "35000", "")
    assert set(plain.records[0]) == set(table_formats.COLUMNS)


def test_written_files_are_the_formats(plain, tmp_path: Path):
    plain.write(str(tmp_path / "t"))
    assert (tmp_path / "t.csv").read_text() == table_formats.csv(plain)
    assert (tmp_path / "t.md").read_text() == table_formats.markdown(plain)
    assert (tmp_path / "t.tex").read_text() == table_formats.latex(plain)


def test_a_table_without_rows_is_still_a_table():
    table = build(EXHIBIT, {}, {}, [], scale="quick")
    assert table.rows == [] and table_formats.html(table) and table_formats.latex(table)


def test_footnotes_are_lettered_like_columns_of_a_sheet():
    expected = {0: "a", 25: "z", 26: "aa", 27: "ab", 52: "ba", 701: "zz", 702: "aaa"}
    assert {i: table_formats.letters(i) for i in expected} == expected
