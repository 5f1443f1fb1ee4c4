"""The compact table of a figure: what a reader sees, and files that other programs read."""

from __future__ import annotations

import csv
import io
import math

import pytest

from rnnrepro.exhibits.numbers import Numbers, latex_text, shown

TABLE = Numbers(
    {"panel": "experiment", "model": "model", "mean": "mean", "n": "seeds"},
    [
        {"panel": "copying", "model": "a_b | <c>", "mean": 0.123456789, "n": 5},
        {"panel": "copying", "model": "d & e", "mean": None, "n": 3},
    ],
    notes=["5 % of <all>"],
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.123"),
        (12.3456, "12.3"),
        (1234.5, "1234"),
        (0.00012345, "1.23e−4"),
        (5, "5"),
        (-0.5, "−0.500"),
        (18953, "18\u202f953"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        ("text", "text"),
        (0.0, "0"),
    ],
)
def test_numbers_are_shown_with_three_significant_digits(value, text):
    assert shown(value) == text


def test_the_csv_has_every_column_and_all_digits():
    rows = list(csv.DictReader(io.StringIO(TABLE.csv())))
    assert float(rows[0]["mean"]) == 0.123456789 and rows[0]["panel"] == "copying" and rows[1]["mean"] == ""


def test_a_text_that_is_the_same_in_every_row_is_left_to_the_csv():
    assert "copying" not in TABLE.markdown() and "copying" not in TABLE.html()


def test_markdown_keeps_its_columns_whatever_the_text():
    lines = TABLE.markdown().splitlines()
    assert all(line.replace("\\|", "").count("|") == 4 for line in lines if line.startswith("|"))
    assert "5 % of <all>" in TABLE.markdown()


def test_html_and_latex_escape_what_they_would_read_as_their_own():
    assert (
        "a_b | &lt;c&gt;" in TABLE.html()
        and "d &amp; e" in TABLE.html()
        and "5 % of &lt;all&gt;" in TABLE.html()
    )
    assert r"a\_b" in TABLE.latex() and r"d \& e" in TABLE.latex()
    assert latex_text("50 % of $x_1$") == r"50 \% of \$x\_1\$"


def test_files_are_written_in_three_formats(tmp_path):
    TABLE.write(tmp_path / "made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.csv", "made.md", "made.tex"]
