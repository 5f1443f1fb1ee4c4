"""How many runs of a grid end beyond a level of the loss: bars by model, beside the reported counts.

A reported count has the metric `successes` and says in its `part` of how many: `runs=462`. Grids differ, so counts are
compared as shares of all runs.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnrepro.claims import statistics, successes
from rnnrepro.exhibits import style
from rnnrepro.exhibits.figures import layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.numbers import Numbers, if_reported
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

Row = dict[str, Any]


def draw(view: View) -> Drawn:
    """One panel an experiment. Raises Fault where no run is there or the level is not known."""
    found = {
        experiment: [_row(view, cell) for cell in view.records_of(experiment)]
        for experiment in view.entry.experiments
        if view.records_of(experiment)
    }
    view.need(found, "no runs to count")
    with style.journal():
        drawn, axes = layout.panels(len(found), height_mm=66)
        for ax, (experiment, rows) in zip(axes, found.items(), strict=True):
            _panel(ax, rows)
            layout.title(ax, view.experiment_title(experiment), letters=36 if len(found) < 3 else 28)
        style.panel_letters(axes)
        _legend(view, drawn, [row for rows in found.values() for row in rows])
    rows = [row for rows in found.values() for row in rows]
    return Drawn(drawn, _numbers(rows), _notes(view, rows), _alt(rows))


def _row(view: View, cell: CellRecords) -> Row:
    entry, threshold = view.entry, view.option("threshold", successes.HALF)
    counts = {
        spec: sum(successes.of_cell(cell, entry.metric, entry.split, spec, threshold).values())
        for spec in dict.fromkeys((entry.statistic, "last", "best"))
    }
    runs, count = len(cell.status), counts[entry.statistic]
    return {
        "experiment": view.experiment_title(cell.provenance["experiment"]),
        "model": view.label(cell),
        "colour": style.colour(cell.provenance["model"]),
        "level": successes.level(cell, entry.metric, entry.statistic, threshold),
        "runs": runs,
        "settings": len({point for point, _ in cell.status}),
        "successes": count,
        "share": count / runs,
        "last": counts["last"],
        "least": counts["best"],
        "diverged": sum(status == "diverged" for status in cell.status.values()),
        **_reported(view, cell),
    }


def _reported(view: View, cell: CellRecords) -> Row:
    place = f"{cell.provenance['experiment']}/{cell.provenance['arm']}"
    for row in view.reported():
        if row.metric == "successes" and row.cell == place:
            runs = int(row.settings["runs"]) if "runs" in row.settings else None
            return {
                "reported": int(row.value),
                "reported_runs": runs,
                "reported_share": row.value / runs if runs else None,
                "status": row.status,
            }
    return dict.fromkeys(("reported", "reported_runs", "reported_share", "status"))


def _panel(ax: Axes, rows: list[Row]) -> None:
    for place, row in enumerate(rows):
        runs, colour = row["runs"], row["colour"]
        ax.bar(place, row["least"] / runs, 0.62, color="white", edgecolor=colour, linewidth=0.8, hatch="///")
        ax.bar(place, row["share"], 0.62, color=colour)
        ax.plot([place - 0.31, place + 0.31], [row["last"] / runs] * 2, color=style.INK, linewidth=1.4)
        if row["reported_share"] is not None:
            ax.plot(place, row["reported_share"], "o", markersize=5, color="white", zorder=4, clip_on=False)
            ax.plot(
                place,
                row["reported_share"],
                "o",
                markersize=5,
                markerfacecolor="none",
                color=style.INK,
                zorder=5,
                clip_on=False,
            )
        top = max(row["share"], row["least"] / runs, row["last"] / runs, row["reported_share"] or 0)
        ax.annotate(
            f"{row['successes']}/{runs}",
            (place, top),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
    ax.set_xticks(range(len(rows)), [row["model"].replace(" ", "\n", 1) for row in rows])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.6, len(rows) - 0.4)
    ax.set_ylim(0, 1.08)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "½", "", "1"])
    ax.set_ylabel("share of successful runs")


def _legend(view: View, drawn: Figure, rows: list[Row]) -> None:
    handles: list[Any] = [
        Patch(facecolor=style.GREY, label=statistics.in_words(view.entry.statistic)),
        Patch(facecolor="white", edgecolor=style.GREY, hatch="///", label="best evaluation"),
        Line2D([], [], color=style.INK, linewidth=1.4, label="last evaluation"),
    ]
    if any(row["reported_share"] is not None for row in rows):
        reported = Line2D([], [], color=style.INK, marker="o", markerfacecolor="none", linestyle="none")
        reported.set_label("reported")
        handles.append(reported)
    columns = 2 if len(handles) > 2 and drawn.get_figwidth() < 5 else len(handles)
    drawn.legend(handles=handles, loc="outside lower center", ncols=columns, handletextpad=0.5)


def _numbers(rows: list[Row]) -> Numbers:
    headings = {
        "experiment": "experiment",
        "model": "model",
        "settings": "settings",
        "runs": "runs",
        "successes": "successful",
        "share": "share",
        "last": "by the last evaluation",
        "least": "by the best evaluation",
        "diverged": "diverged",
        "reported": "reported",
        "reported_runs": "of",
        "reported_share": "share",
        "status": "status",
        "level": "level",
    }
    return Numbers(if_reported(headings, rows), rows)


def _notes(view: View, rows: list[Row]) -> list[str]:
    entry = view.entry
    levels = ", ".join(f"{level:.4g}" for level in dict.fromkeys(row["level"] for row in rows))
    half = view.option("threshold", successes.HALF) == successes.HALF
    said = [
        f"A run is successful if the {statistics.in_words(entry.statistic)} of its {entry.metric.replace('_', ' ')} on "
        f"{entry.split} is below {levels}{', half of what guessing gives' if half else ''}; a diverged run is not. "
        "Bars: share of all runs, over all settings and seeds."
    ]
    if any(row["reported_runs"] and row["reported_runs"] != row["runs"] for row in rows):
        said.append("The reported counts are of another grid, so shares are compared, not counts.")
    return said


def _alt(rows: list[Row]) -> str:
    said = [f"{row['model']} {row['successes']} of {row['runs']}" for row in rows]
    return f"Bars of the share of successful runs. {', '.join(said)}."
