"""Numbers on the command line and in settings: what is not finite, or too small, is refused with one sentence."""

from __future__ import annotations

import argparse

import pytest

from rnnrepro import cli, project
from rnnrepro.cli import numbers
from rnnrepro.errors import Fault

TINY = "tests/workflow/config"
TRAIN = ["train", "first/adding", "--model", "lstm"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*TRAIN, "--threads", "0"], "argument --threads: expected a whole number of 1 or more, found '0'"),
        ([*TRAIN, "--threads", "1.5"], "found '1.5'"),
        ([*TRAIN, "--minutes", "nan"], "argument --minutes: expected a finite number above 0, found 'nan'"),
        ([*TRAIN, "--minutes", "0"], "found '0'"),
        ([*TRAIN, "--until", "inf"], "argument --until: expected a finite number, 0 or more, found 'inf'"),
        (["status", "--watch", "-1"], "argument --watch: expected a finite number above 0, found '-1'"),
        (["status", "--watch", "nan"], "found 'nan'"),
        (["clean", "--days", "-5"], "argument --days: expected a finite number, 0 or more, found '-5'"),
        (["clean", "--days", "1e400"], "found '1e400'"),
    ],
)
def test_a_number_that_means_nothing_is_refused_before_any_work(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2 and said in capsys.readouterr().err.splitlines()[-1]


def test_numbers_that_mean_something_are_taken():
    assert (numbers.count("2"), numbers.positive("0.5"), numbers.not_negative("0")) == (2, 0.5, 0.0)
    with pytest.raises(argparse.ArgumentTypeError):
        numbers.count("inf")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_setting_that_is_not_finite_is_a_fault_whoever_has_read_it(value):
    with pytest.raises(Fault, match=r"^--config minutes: .*expected a finite number, found"):
        project.load(TINY, overrides={"minutes": value}, by="--config")
