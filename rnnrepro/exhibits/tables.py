"""A table of results: the reported value with its status beside ours with its spread, and what each number is.

`build` needs nothing but settings, records and reported values. A difference is shown as it is; what it means is
for the claims to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnnrepro import plan, tables
from rnnrepro.claims.statistics import in_words
from rnnrepro.config import Exhibit, Experiment
from rnnrepro.digits import formatter
from rnnrepro.exhibits.table_rows import Block, Group, Line, Sources, groups, lines
from rnnrepro.exhibits.table_words import mean_words, printed_notes, printed_words, signed
from rnnrepro.reported import Reported

if TYPE_CHECKING:
    from rnnrepro.exhibits.view import View
    from rnnrepro.records import CellRecords

SELECTION = {
    "last": "nothing is selected",
    "best_validation": "the epoch is selected on validation data",
    "best_test": "the paper selects the epoch on test data",
}


@dataclass(frozen=True)
class Entry:
    """The text of one place of a table, the footnotes to it (from 0), and whether it is a number."""

    text: str
    notes: tuple[int, ...] = ()
    number: bool = True


@dataclass(frozen=True)
class Table:
    """A table as a reader sees it.

    `groups` spans the columns: (heading, number of columns), headings empty for the columns that belong to none.
    `records` has a mapping of plain values for each model and experiment, for the CSV.
    """

    title: str
    groups: Sequence[tuple[str, int]]
    header: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    footnotes: Sequence[str]
    remarks: Sequence[str]
    records: Sequence[Mapping[str, Any]]

    def write(self, prefix: str) -> None:
        """`prefix`.csv, .md and .tex, each put in place whole."""
        from rnnrepro.exhibits import table_formats

        table_formats.write(self, prefix)

    def _repr_html_(self) -> str:
        from rnnrepro.exhibits import table_formats

        return table_formats.html(self)


@dataclass
class Notes:
    """Footnotes in the order of their first use, each once."""

    texts: dict[str, int] = field(default_factory=dict)

    def mark(self, text: str) -> tuple[int, ...]:
        """The number of the footnote `text`; none for an empty one."""
        return (self.texts.setdefault(text, len(self.texts)),) if text else ()


def of_view(view: View) -> Table:
    """The table of an exhibit at a scale."""
    experiments = {n: view.project.experiment(view.paper_key, n, view.scale) for n in view.entry.experiments}
    reasons = {n: plan.lacking(view.project, e) if e else "" for n, e in experiments.items()}
    own = {n: view.project.experiment(view.paper_key, n, "paper") for n in view.entry.experiments}
    return build(
        view.entry,
        experiments,
        {k.partition("/")[2]: r for k, r in view.records.items()},
        view.reported(),
        scale=view.scale,
        own={n: e for n, e in own.items() if e},
        lacking={n: why for n, why in reasons.items() if why},
    )


def build(
    exhibit: Exhibit,
    experiments: Mapping[str, Experiment | None],
    records: Mapping[str, CellRecords],
    reported: Sequence[Reported],
    *,
    scale: str,
    own: Mapping[str, Experiment] | None = None,
    lacking: Mapping[str, str] | None = None,
) -> Table:
    """The table of an exhibit.

    `experiments` as they are run at `scale`, by name (None: not run there); `records` by `experiment/arm`;
    `reported` the exhibit's rows; `own` the experiments at the paper's own scale, for the rows that are not run;
    `lacking` why experiments have no results, where it is for data that only the user can supply.
    """
    sources = Sources(exhibit, scale, experiments, records, reported, own or {}, lacking or {})
    notes, shown = Notes(), groups(sources)
    found = lines(sources, shown)
    columns = {(g.name, g.split): _columns(g, found) for g in shown}
    header = [
        "Model",
        "N",
        "Parameters",
        *(c for g in shown for c in columns[g.name, g.split]),
        "Scale",
        "Device",
    ]
    rows = [
        (
            *_left(line, notes),
            *(e for g in shown for e in _entries(exhibit, g, line, columns[g.name, g.split], notes)),
            Entry(scale, number=False),
            Entry(_devices(line), number=False),
        )
        for line in found
    ]
    spans = [("", 3), *((g.title, len(columns[g.name, g.split])) for g in shown), ("", 2)]
    return Table(
        title=exhibit.title,
        groups=spans,
        header=header,
        rows=rows,
        footnotes=tuple(notes.texts),
        remarks=tuple(_remarks(sources, shown, found)),
        records=[r for line in found for g in shown if (r := _record(sources, g, line))],
    )


def _columns(group: Group, found: Sequence[Line]) -> list[str]:
    blocks = [
        line.blocks[group.name, group.split] for line in found if (group.name, group.split) in line.blocks
    ]
    printed, ours = any(b.reported for b in blocks), any(b.ours for b in blocks)
    columns = ["Reported"] * printed + ["Ours"]
    if ours:
        columns += ["Median", "Min to max"]
        columns += [{"best": "Best epoch", "last": "Last epoch"}[group.second]] if group.second else []
        columns += ["Difference"] * printed + ["Steps"]
    return columns


def _left(line: Line, notes: Notes) -> Iterator[Entry]:
    marks = tuple(
        m for text in (line.extra and f"Extra row: {line.extra}.", line.note) for m in notes.mark(text)
    )
    yield Entry(line.label, marks, number=False)
    yield Entry(" / ".join(map(str, line.hidden)) or "–")
    yield Entry(" / ".join(f"{p:,}".replace(",", "\u202f") for p in line.parameters) or "–")


def _entries(exhibit: Exhibit, group: Group, line: Line, columns: Sequence[str], notes: Notes) -> list[Entry]:
    block = line.blocks.get((group.name, group.split))
    if block is None:
        return [Entry("–") for _ in columns]
    return [_entry(column, exhibit, group, block, notes) for column in columns]


def _entry(column: str, exhibit: Exhibit, group: Group, block: Block, notes: Notes) -> Entry:
    ours = block.ours
    if column == "Reported":
        marks = [m for text in printed_notes(block.reported) for m in notes.mark(text)]
        return Entry(printed_words(block.reported), tuple(marks))
    if ours is None:
        return Entry(f"not run: {block.reason}", number=False) if column == "Ours" else Entry("–")
    if column == "Ours":
        if not ours.n:
            return Entry(block.chosen, number=False)
        return Entry(mean_words(ours), notes.mark(_protocol(exhibit, group, block, exhibit.statistic)))
    if column in ("Best epoch", "Last epoch"):
        return Entry(mean_words(block.second), notes.mark(_protocol(exhibit, group, block, group.second)))
    if column == "Steps":
        return Entry(f"{block.provenance['steps']:,}".replace(",", "\u202f"))
    if ours.mean is None:
        return Entry("–")
    write = formatter(ours.mean, ours.sd)
    return Entry(
        {
            "Median": lambda: write(ours.median),
            "Min to max": lambda: f"{write(ours.least)} to {write(ours.greatest)}",
            "Difference": lambda: "–" if block.difference is None else signed(write, block.difference),
        }[column]()
    )


def _protocol(exhibit: Exhibit, group: Group, block: Block, statistic: str) -> str:
    """Under a number of ours: seeds, what is read where, how the epoch is chosen, augmentation."""
    experiment, n = group.experiment, block.ours.n
    augmented = experiment.task.get("augmentation")
    parts = [
        f"Ours, {group.title}: {n} {_what(block, n)}, mean ± standard deviation over them",
        f"{in_words(statistic)} on {group.split}",
        *([block.chosen] if block.chosen else []),
        *(
            []
            if block.chosen.startswith("best") and experiment.select == "last"
            else [SELECTION[experiment.select]]
        ),
        f"augmentation: {augmented}" if augmented else "no augmentation",
    ]
    return "; ".join(parts) + "." + (f" {experiment.protocol.strip()}" if experiment.protocol else "")


def _what(block: Block, count: int) -> str:
    runs = "run" if "successful" in block.chosen else "seed"
    return runs if count == 1 else f"{runs}s"


def _devices(line: Line) -> str:
    return (
        ", ".join(dict.fromkeys(b.provenance["device"] for b in line.blocks.values() if b.provenance)) or "–"
    )


def _remarks(s: Sources, shown: Sequence[Group], found: Sequence[Line]) -> Iterator[str]:
    """What holds of the table as a whole."""
    metric = tables.row("metric", s.exhibit.metric)
    unit = "" if metric.unit == "1" or metric.unit in metric.about else f", in {metric.unit}"
    good = f"; {metric.better} is better" if metric.better else ""
    yield f"{s.exhibit.metric.replace('_', ' ')}: {metric.about}{unit}{good}."
    blocks = [b for line in found for b in line.blocks.values()]
    for group in {g.name: g for g in shown}.values():
        if group.experiment and group.experiment.stand_in:
            yield f"{group.title}: {group.experiment.stand_in}; no reported value is comparable."
    if s.scale != "paper" and any(b.ours and b.reported for b in blocks):
        yield (
            f"At scale {s.scale} budgets and sizes are reduced; the reported values are for the paper's own "
            "protocol."
        )
    if any(b.ours and b.ours.diverged for b in blocks):
        yield "Diverged runs are counted and left out of mean, standard deviation, median and range."
    if any(b.ours for b in blocks):
        names = dict.fromkeys(b.provenance.get("device_name") for b in blocks if b.provenance)
        yield f"Scale {s.scale}; trained on {', '.join(filter(None, names)) or 'an unnamed device'}."


def _record(s: Sources, group: Group, line: Line) -> dict[str, Any] | None:
    """The plain values of one row in one group."""
    block = line.blocks.get((group.name, group.split))
    if block is None:
        return None
    first = block.reported[0] if block.reported else None
    values = {
        "scale": s.scale,
        "experiment": group.name,
        "arm": line.arm,
        "point": line.point,
        "chosen": block.chosen or None,
        "label": line.label,
        "hidden": next(iter(line.hidden), None),
        "parameters": block.provenance.get("parameters"),
        "metric": s.exhibit.metric,
        "split": group.split,
        "statistic": s.exhibit.statistic,
        "select": group.experiment.select if group.experiment else None,
        "stand_in": group.experiment.stand_in if group.experiment else None,
    }
    for name in ("value", "spread", "spread_kind", "status", "quoted_from"):
        values[f"reported_{name}"] = getattr(first, name) if first else None
    for name in ("n", "diverged", "mean", "sd", "median", "least", "greatest"):
        values[name] = getattr(block.ours, name) if block.ours else None
    values["second_statistic"] = group.second
    values["second_mean"], values["second_sd"] = (
        (block.second.mean, block.second.sd) if block.second else (None, None)
    )
    return {
        **values,
        "difference": block.difference,
        "steps": block.provenance.get("steps"),
        "device": block.provenance.get("device"),
        "not_run": block.reason or None,
    }
