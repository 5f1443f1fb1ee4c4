"""The typed settings: what a user may write, in `config/config.yaml` and `config/papers/<paper>.yaml`.

Plain dataclasses, no torch and no pandas: a whole configuration is read, checked and planned in an instant.
Three layers: the defaults here, an experiment (the paper's own protocol), a scale's changes to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from rnnrepro import tables
from rnnrepro.typed import setting

SCALES = ("quick", "small", "paper")
SPLITS = ("validation", "test", "dev", "core")
VALIDATION = ("validation", "dev")
"""The splits that the best evaluation is chosen on, the first one that there is."""
BACKENDS = ("auto", "plain", "cpu", "gpu")
CLAIM_KINDS = ("better", "equal", "reaches", "fails", "more_successes", "widens")
POINTS = ("all", "best")
SELECTIONS = ("last", "best_validation", "best_test")
AVERAGINGS = ("none", "nonmonotonic")
STATISTICS = ("last", "best", "median_last", "mean_last", "at_best_validation", "at_step", "first_step_below")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")  # it becomes a link of a page: no `javascript:`
_ARXIV = re.compile(r"[\w.-]+(/\w+)?")
_STATISTIC = re.compile(r"(?P<name>[a-z_]+)(\((?P<argument>[-+.\de]+)\))?")


def statistic(spec: str) -> tuple[str, float | None]:
    """`median_last(4)` -> ("median_last", 4.0). Raises ValueError for anything else than a known statistic."""
    match = _STATISTIC.fullmatch(spec)
    if not match or match["name"] not in STATISTICS:
        raise ValueError(f"unknown statistic {spec!r}; known: {', '.join(STATISTICS)}")
    argument = None if match["argument"] is None else float(match["argument"])
    if (argument is None) != (match["name"] in ("last", "best", "at_best_validation")):
        raise ValueError(
            f"statistic {spec!r}: {match['name']} {'takes no' if argument is not None else 'needs a'} number"
        )
    return match["name"], argument


def _check_statistic(spec: str) -> str | None:
    try:
        statistic(spec)
    except ValueError as error:
        return str(error)
    return None


def _check_address(text: str) -> str | None:
    return None if _ADDRESS.fullmatch(text) else f"expected an address of the web, found {text[:80]!r}"


def _check_number(text: str) -> str | None:
    return None if _ARXIV.fullmatch(text) else f"expected a number such as 1905.12080, found {text[:80]!r}"


@dataclass(frozen=True, kw_only=True)
class UserSettings:
    """What a user edits or gives to `--config`."""

    scale: str = setting("quick", help="what `all` and the named targets mean", choices=lambda: SCALES)
    papers: list[str] = setting([], help="papers to reproduce, by key; empty: all of them")
    seeds: int | None = setting(
        None, help="number of seeds of every experiment, in place of its own", minimum=1
    )
    device: str = setting(
        "auto", help="where to train; auto: a GPU if there is one", choices=lambda: ("auto", "cpu", "cuda")
    )
    backend: str = setting(
        "auto",
        help="form of the loop over time; auto: the compiled one of the device, where it serves the model",
        choices=lambda: BACKENDS,
    )
    stack: int | Literal["auto"] = setting(
        "auto",
        help="most runs trained together in one process; auto: all that fit into memory",
        minimum=1,
    )
    minutes: float | None = setting(
        None, help="time budget of one training job in minutes: it stops cleanly, resumable", minimum=0
    )
    mirror: str | None = setting(None, help="folder read before any download; RNNREPRO_MIRROR says the same")
    data: str = setting("resources", help="folder in which downloaded data are kept")
    corpora: dict[str, str] = setting(
        {},
        help="folders of licensed data that you have, by data set, such as {timit: FOLDER}: read, never copied",
    )
    plugins: list[str] = setting([], help="files that add models of your own")
    compare: dict[str, dict[str, dict]] = setting(
        {}, help="models to put beside a paper's: {paper/experiment: {model: settings}}"
    )
    retrain: str = setting(
        "changed",
        help="changed: quick and small follow changed code, paper does not; stale: paper does too",
        choices=lambda: ("changed", "stale"),
    )


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a run is trained and when it is looked at."""

    batch: int = setting(help="sequences a step, B", minimum=1)
    steps: int | None = setting(None, help="optimiser steps", minimum=1)
    epochs: int | None = setting(None, help="passes through the data, in place of steps", minimum=1)
    evaluate_every: int | None = setting(
        None, help="steps between evaluations; null: once an epoch or at the end", minimum=1
    )
    record_every: int = setting(1, help="the training loss is recorded every so many steps", minimum=1)
    splits: list[str] = setting([], help="evaluated splits", choices=lambda: SPLITS)
    schedule: str = setting("constant", help="learning-rate schedule", choices=lambda: tables.SCHEDULES)
    milestones: list[int] = setting([], help="for the schedule drop: after how many epochs the rates fall")
    drop_factor: float = setting(10.0, help="for the schedule drop: what the rates are divided by", minimum=1)
    activation_penalty: float = setting(
        0.0,
        help="times the mean square of the last layer's output after dropout, added to the loss",
        minimum=0,
    )
    temporal_penalty: float = setting(
        0.0,
        help="times the mean square of that output's change from step to step, added to the loss",
        minimum=0,
    )
    averaging: str = setting(
        "none",
        help="nonmonotonic: once the validation loss stops falling, the average of all later weights is evaluated",
        choices=lambda: AVERAGINGS,
    )
    averaging_window: int = setting(
        5, help="evaluations that may pass without a new best before averaging begins", minimum=1
    )
    clip: float | None = setting(None, help="largest global gradient norm of a run", minimum=0)
    clip_value: float | None = setting(None, help="largest absolute gradient entry", minimum=0)
    stop_below: float | None = setting(
        None, help="a run ends at an evaluation whose loss on the first split is below this", minimum=0
    )


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What follows an experiment's own training in the same runs; the steps go on counting."""

    title: str = setting(help="what is learned in it, in a few words")
    task: dict = setting(help="kind and arguments of the task, with as many inputs and outputs as before")
    rule: dict = setting({}, help="kind and arguments of the learning rule; empty: the arm's own goes on")
    steps: int = setting(help="steps of this phase", minimum=1)
    evaluate_every: int | None = setting(None, help="steps between evaluations; null: at the end", minimum=1)
    record_every: int = setting(1, help="the training metrics are recorded every so many steps", minimum=1)
    splits: list[str] = setting(["test"], help="evaluated splits", choices=lambda: SPLITS)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One model of an experiment: its size, parts, initialisers and rates."""

    model: str | None = setting(None, help="row of the model table; null: the arm's own name")
    hidden: int = setting(help="hidden size N", minimum=1)
    matrix: dict = setting({}, help="arguments of the recurrent matrix")
    drive: dict = setting({}, help="arguments of the drive")
    update: dict = setting({}, help="arguments of the update")
    readout: dict = setting({}, help="initialisers of the read-out")
    start: dict = setting({}, help="initialiser of h_0 and whether it is trained; empty: the model's own")
    embedding: dict = setting({}, help="size and initialiser of an embedding; empty: none")
    network: dict = setting({}, help="number of recurrent layers, width of the last one, tied read-out")
    dropout: dict = setting({}, help="probabilities: input, hidden, output, embedding, recurrent")
    rule: dict = setting(
        {}, help="learning rule: kind, initialiser of its feedback, which parameters it trains"
    )
    optimiser: dict = setting(help="kind, rate and arguments, for the group `main`")
    groups: dict = setting({}, help="parameter groups with an optimiser, rate or weight decay of their own")
    grid: dict = setting({}, help="per-run settings with lists of values; runs are their product")
    slices: list[str] = setting([], help="keys of the grid; each of their values is a cell of its own")
    training: dict = setting({}, help="training settings of this model alone")
    seeds: int | None = setting(None, help="number of seeds of this model alone", minimum=1)
    label: str | None = setting(None, help="name in tables and figures")
    extra: str | None = setting(None, help="why this row stands here although the paper has none")
    note: str | None = setting(None, help="remark under the row")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A paper's task with its protocol and the models compared on it, at one scale."""

    title: str = setting(help="what is trained on what, in a few words")
    seeds: int = setting(help="number of seeds", minimum=1)
    first_seed: int = setting(0, help="the first seed; the others follow it")
    task: dict = setting(help="kind and arguments of the task")
    training: Training = setting(help="how it is trained")
    phases: list[Phase] = setting([], help="what follows that training in the same runs, in order")
    models: dict[str, Arm] = setting(help="the models compared, by `name` or `name.slice`")
    absent: dict[str, str] = setting({}, help="models of the paper that are not run, with the reason")
    labels: dict[str, str] = setting({}, help="how the models of `absent` are named in tables")
    select: str = setting("last", help="which epoch the number is read at", choices=lambda: SELECTIONS)
    protocol: str = setting("", help="what a reader must know of the number: seeds, split, augmentation")
    source: str = setting("", help="where the protocol stands")
    early_warning: str = setting("", help="what the loss should be part-way")
    analyses: list[str] = setting(
        [], help="what is measured on the trained network", choices=lambda: tables.ANALYSES
    )
    stand_in: str | None = setting(None, help="set where the data stand in for others: what they are")


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One table or figure."""

    title: str = setting(help="what it shows")
    kind: str = setting(help="notebook template")
    number: str | None = setting(None, help="the paper's own number, with how sure it is")
    experiments: list[str] = setting([], help="experiments whose cells it reads")
    models: list[str] = setting([], help="arms shown, in order; empty: all")
    metric: str = setting("cross_entropy", help="what is shown", choices=lambda: tables.METRICS)
    split: str = setting("test", help="train, validation, test, dev, core or analysis")
    statistic: str = setting("last", help="how a run's curve becomes a number", check=_check_statistic)
    scales: list[str] = setting(list(SCALES), help="scales at which it is drawn", choices=lambda: SCALES)
    caption: str = setting("", help="what to see in it")
    reported: str | None = setting(None, help="key of the reported values; null: its own name")
    x: str = setting(
        "step",
        help="horizontal axis; trial: sequences learned from",
        choices=lambda: ("step", "epoch", "trial"),
    )
    log: bool = setting(False, help="logarithmic vertical axis")
    smooth: int = setting(1, help="running median over so many recorded points", minimum=1)
    chance: bool = setting(True, help="draw the chance level")
    missing: dict[str, str] = setting({}, help="scale or part that cannot be shown, with the reason")
    options: dict = setting({}, help="settings of the template")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of the paper as a predicate over metrics."""

    text: str = setting(help="the sentence")
    source: str = setting(help="where it stands, and its status")
    kind: str = setting(help="what is compared", choices=lambda: CLAIM_KINDS)
    arms: list[str] = setting([], help="the models the sentence is about")
    than: list[str] = setting([], help="the models compared with")
    experiment: str | None = setting(None, help="experiment")
    since: str | None = setting(
        None, help="for widens: the experiment in which the first arm is ahead by a smaller factor"
    )
    metric: str = setting("cross_entropy", help="metric", choices=lambda: tables.METRICS)
    split: str = setting("test", help="split")
    statistic: str = setting("last", help="how a run's curve becomes a number", check=_check_statistic)
    compare: str = setting("mean", help="what the test compares", choices=lambda: ("mean", "median"))
    points: str = setting(
        "all",
        help="all: every grid point of an arm; best: the one with the best mean",
        choices=lambda: POINTS,
    )
    margin: float = setting(0.0, help="least difference that counts, or largest for `equal`", minimum=0)
    direction: str | None = setting(
        None,
        help="which way is better, for a metric of which neither is",
        choices=lambda: ("lower", "higher"),
    )
    threshold: float | None = setting(
        None, help="for reaches and fails: the level; for more_successes: of a success, null: half of chance"
    )
    scales: dict = setting({}, help="scales at which it is evaluated, each with changes to the above")
    not_run: str | None = setting(None, help="why it cannot be evaluated at all yet")


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Where we knowingly differ from the paper or the authors' code."""

    what: str = setting(help="what differs")
    why: str = setting(help="why, and what it may do to the numbers")
    bears_on: list[str] = setting([], help="claims that it bears on")
    shown_in: list[str] = setting([], help="exhibits in which its effect can be seen")


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Everything known of one publication, but its reported values."""

    paper: str = setting(help="key")
    title: str = setting(help="title")
    authors: list[str] = setting(help="authors")
    year: int = setting(help="year")
    venue: str = setting(help="where it appeared")
    arxiv: str | None = setting(None, help="arXiv number", check=_check_number)
    code: str | None = setting(None, help="the authors' code", check=_check_address)
    claim: str = setting(help="what the paper says, in a paragraph")
    experiments: dict[str, dict[str, Any]] = setting(help="experiments with their scales")
    exhibits: dict[str, Exhibit] = setting(help="tables and figures")
    claims: dict[str, Claim] = setting({}, help="claims")
    deviations: list[Deviation] = setting([], help="deviations")
    not_run: dict[str, str] = setting({}, help="parts of the paper that are not here, with the reason")
