"""A table of results as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import csv as csv_module
import html as html_module
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from rnnrepro.exhibits.numbers import latex_text
from rnnrepro.exhibits.tables import Entry, Table
from rnnrepro.records import atomically

COLUMNS = (
    "scale",
    "experiment",
    "arm",
    "point",
    "chosen",
    "label",
    "hidden",
    "parameters",
    "metric",
    "split",
    "statistic",
    "select",
    "stand_in",
    "reported_value",
    "reported_spread",
    "reported_spread_kind",
    "reported_status",
    "reported_quoted_from",
    "n",
    "diverged",
    "mean",
    "sd",
    "median",
    "least",
    "greatest",
    "second_statistic",
    "second_mean",
    "second_sd",
    "difference",
    "steps",
    "device",
    "not_run",
)


def letters(index: int) -> str:
    """Footnote 0 is a, 25 z, 26 aa."""
    lead, place = divmod(index, 26)
    return (letters(lead - 1) if lead else "") + chr(ord("a") + place)


def csv(table: Table) -> str:
    """One line a model and experiment with plain values in all digits; the reader's texts are in the other formats."""
    text = io.StringIO()
    writer = csv_module.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None else v for k, v in record.items()} for record in table.records)
    return text.getvalue()


def markdown(table: Table) -> str:
    """A table of GitHub's Markdown; a column of an experiment is headed `experiment: column`, where there are two."""
    named = [group for group, span in table.groups for _ in range(span)]
    several = len({g for g in named if g}) > 1
    header = [
        f"{group}: {column}" if group and several else column
        for group, column in zip(named, table.header, strict=True)
    ]
    rule = ["---:" if number else "---" for number in _numeric(table)]
    body = [[f"{e.text}{_marks(e, '<sup>', '</sup>')}" for e in row] for row in table.rows]
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [header, rule, *body]
    ]
    notes = [f"<sup>{letters(i)}</sup> {note}" for i, note in enumerate(table.footnotes)]
    return "\n\n".join([f"**{table.title}**", "\n".join(lines), *table.remarks, *notes]) + "\n"


def latex(table: Table) -> str:
    """A tabular with the rules of booktabs, and the notes below it."""
    columns = "".join("r" if number else "l" for number in _numeric(table))
    body = [
        " & ".join(latex_text(e.text) + _marks(e, r"\textsuperscript{", "}") for e in row) + r" \\"
        for row in table.rows
    ]
    notes = [
        rf"\textsuperscript{{{letters(i)}}} {latex_text(note)}" for i, note in enumerate(table.footnotes)
    ]
    below = [rf"\par {{\footnotesize {note}}}" for note in [*map(latex_text, table.remarks), *notes]]
    return (
        "\n".join(
            [
                f"% {table.title}",
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                *_latex_spans(table),
                " & ".join(map(latex_text, table.header)) + r" \\",
                r"\midrule",
                *body,
                r"\bottomrule",
                r"\end{tabular}",
                *below,
            ]
        )
        + "\n"
    )


def _latex_spans(table: Table) -> Iterator[str]:
    cells = [rf"\multicolumn{{{span}}}{{c}}{{{latex_text(group)}}}" for group, span in table.groups]
    yield " & ".join(cells) + r" \\"
    ends = list(itertools.accumulate(span for _, span in table.groups))
    yield " ".join(
        rf"\cmidrule(lr){{{end - span + 1}-{end}}}"
        for (group, span), end in zip(table.groups, ends, strict=True)
        if group
    )


def html(table: Table) -> str:
    """A fragment: the table, which scrolls sideways on a narrow screen, and its notes."""
    escape = html_module.escape
    numeric = _numeric(table)
    spans = "".join(
        f'<th scope="colgroup" colspan="{span}">{escape(group)}</th>' for group, span in table.groups
    )
    header = "".join(
        f'<th scope="col"{_class(number)}>{escape(column)}</th>'
        for column, number in zip(table.header, numeric, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_html_cell(e, i == 0) for i, e in enumerate(row)) + "</tr>" for row in table.rows
    )
    remarks = "".join(f'<p class="note">{escape(remark)}</p>\n' for remark in table.remarks)
    notes = "".join(
        f'<p class="note"><sup>{letters(i)}</sup> {escape(note)}</p>\n'
        for i, note in enumerate(table.footnotes)
    )
    return (
        f'<div class="scroll"><table>\n<caption>{escape(table.title)}</caption>\n'
        f"<thead><tr>{spans}</tr>\n<tr>{header}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
        f"{remarks}{notes}"
    )


def _html_cell(entry: Entry, first: bool) -> str:
    tag, scope = ("th", ' scope="row"') if first else ("td", "")
    text = html_module.escape(entry.text) + _marks(entry, "<sup>", "</sup>")
    return f"<{tag}{scope}{_class(entry.number and not first)}>{text}</{tag}>"


def _class(number: bool) -> str:
    return ' class="n"' if number else ""


def _numeric(table: Table) -> list[bool]:
    if not table.rows:
        return [False] * len(table.header)
    return [any(e.number and e.text != "–" for e in column) for column in zip(*table.rows, strict=True)]


def _marks(entry: Entry, before: str, after: str) -> str:
    return f"{before}{','.join(letters(i) for i in entry.notes)}{after}" if entry.notes else ""


def write(table: Table, prefix: str | Path) -> None:
    """`prefix`.csv, .md and .tex, each put in place whole."""
    texts: Sequence[tuple[str, str]] = (("csv", csv(table)), ("md", markdown(table)), ("tex", latex(table)))
    for ending, text in texts:
        atomically(f"{prefix}.{ending}", lambda part, text=text: part.write_text(text, encoding="utf-8"))
