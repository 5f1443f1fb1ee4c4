"""What stands beside a figure of curves: its numbers, its notes, and the figure in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnrepro.claims import statistics, successes
from rnnrepro.exhibits import chosen, series
from rnnrepro.exhibits.figures import beside
from rnnrepro.exhibits.figures.axis_labels import in_a_line
from rnnrepro.exhibits.figures.beside import Beside
from rnnrepro.exhibits.figures.lines import Line, Panel
from rnnrepro.exhibits.numbers import Numbers, if_reported
from rnnrepro.exhibits.table_rows import summary
from rnnrepro.exhibits.view import View


def numbers(view: View, found: Sequence[Panel], published: Mapping[str, Beside]) -> Numbers:
    """One row a line: the exhibit's statistic over seeds, and where its published curve ends."""
    rows = []
    for panel in found:
        for line in panel.lines:
            ours = summary(v for v in view.statistic(line.records) if v.point == line.point)
            rows.append(
                {
                    "panel": panel.title,
                    "arm": line.records.provenance["arm"],
                    "point": line.point,
                    "metric": view.entry.metric,
                    "model": line.label,
                    "seeds": ours.n,
                    "diverged": ours.diverged,
                    "mean": ours.mean,
                    "sd": ours.sd,
                    "median": ours.median,
                    "min": ours.least,
                    "max": ours.greatest,
                    **_reported(view, line),
                    **beside.columns(published.get(panel.experiment), line.records.provenance["arm"]),
                    "chance": successes.chance(line.records, view.entry.metric),
                }
            )
        arms = {line.records.provenance["arm"] for line in panel.lines}
        rows += beside.rows(published.get(panel.experiment), panel.title, arms)
    headings = {
        "panel": "experiment",
        "model": "model",
        "seeds": "seeds",
        "diverged": "diverged",
        "mean": "mean",
        "sd": "sd",
        "median": "median",
        "min": "min",
        "max": "max",
        "reported": "reported",
        "status": "status",
        **(beside.HEADINGS if published else {}),
        "chance": "guessing",
    }
    if view.option("panels", "experiment") == "arm":
        headings |= {"panel": "model", "model": "experiment"}
    headings = if_reported(headings, rows)
    what = f"{in_a_line(view.entry.metric, view.entry.split)}, {statistics.in_words(view.entry.statistic)} of a run"
    told = [f"Numbers: {what}; diverged runs are counted but not in the mean."]
    return Numbers(headings, rows, notes=told, plain=("arm", "point", "metric"))


def _reported(view: View, line: Line) -> dict[str, Any]:
    """The printed number of the end of this curve; those of other places along it have a step in their `part`."""
    made = line.records.provenance
    for row in view.reported():
        place = {k: v for k, v in row.settings.items() if k != "epoch"}
        if (
            row.cell == f"{made['experiment']}/{made['arm']}"
            and row.metric == view.entry.metric
            and place in ({}, {"split": view.entry.split})
        ):
            return {"reported": row.value, "status": row.status}
    return {"reported": None, "status": None}


def notes(view: View, found: Sequence[Panel]) -> list[str]:
    """What a reader must know to read the lines."""
    counts = sorted({len(line.runs) for panel in found for line in panel.lines})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    band = series.BANDS[view.choice("band", tuple(series.BANDS))]
    said = [f"Lines: {view.choice('middle', series.MIDDLES)} over {seeds} seeds; bands: {band} over seeds."]
    if counts == [1]:
        said = ["Lines: one seed."]
    if view.option("points", None) == chosen.BEST:
        what = f"{statistics.in_words(view.entry.statistic)} on {view.entry.split}"
        said.append(f"Each model is shown at its best setting, by the mean over seeds of the {what}.")
    if view.entry.smooth > 1:
        said.append(f"Each run is smoothed by a running median over {view.entry.smooth} recorded points.")
    for panel in found:
        for line in panel.lines:
            lost = sum(run.diverged for run in line.runs)
            if lost:
                said.append(f"{panel.title}: {lost} of {len(line.runs)} seeds of {line.label} diverged (×).")
    return said


def alt(view: View, found: Sequence[Panel]) -> str:
    """The figure in words, for those who do not see it."""
    parts = [f"{panel.title}: {', '.join(line.label for line in panel.lines)}" for panel in found]
    what = in_a_line(view.entry.metric, view.entry.split)
    return f"Line plot of {what} against {view.entry.x}. {'; '.join(parts)}."
