"""The numbers that the papers print, as rows of `config/reported/<paper>.csv`.

One schema for all papers: models and tasks by the project's keys, metrics in the units of `tables.METRICS`
(accuracy as a fraction), each number with where and how it was read.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rnnrepro import csv_rows, tables
from rnnrepro.config import SCALES, Experiment
from rnnrepro.errors import nearest

if TYPE_CHECKING:
    from rnnrepro.project import Project

STATUSES = {
    "seen": "read at its source",
    "recalled": "from memory of the paper",
    "digitised": "read off a figure",
    "derived": "computed from what was read",
}
SPREADS = {"sem": "standard error of the mean", "sd": "standard deviation", "range": "least to greatest"}
_CELL = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(\.[a-z0-9_]+)?")
_NAME = re.compile(r"[a-z0-9_]+")
_PART = re.compile(r"[a-z_0-9]+=[^=,]+(,[a-z_0-9]+=[^=,]+)*")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One printed number.

    `cell` is `experiment/arm`, empty for theory; `part` what else tells it from its neighbours (`split=core`,
    `alpha=1,d=0.2`); `quoted_from` is set where the number is not the paper's own; `spread` is in the unit of the
    value, or None.
    """

    exhibit: str
    cell: str = ""
    part: str = ""
    metric: str
    value: float
    spread: float | None = None
    spread_kind: str = ""
    status: str
    status_spread: str = ""
    quoted_from: str = ""
    source: str
    note: str = ""
    better: str = ""

    @cached_property
    def settings(self) -> dict[str, str]:
        """`part` as a mapping."""
        return dict(entry.split("=", 1) for entry in self.part.split(",") if entry)

    @property
    def identity(self) -> tuple[str, ...]:
        """What no two rows may share."""
        return self.exhibit, self.cell, self.part, self.metric, self.quoted_from


COLUMNS = tuple(f.name for f in dataclasses.fields(Reported))


def faults_of(row: Reported) -> list[str]:
    """What is wrong with a row."""
    known_better = tables.METRICS[row.metric].better if row.metric in tables.METRICS else None
    checks = {
        f"exhibit {row.exhibit!r} is no key": not _NAME.fullmatch(row.exhibit),
        f"cell {row.cell!r} is not experiment/arm": row.cell and not _CELL.fullmatch(row.cell),
        f"part {row.part!r} is not key=value,key=value": row.part and not _PART.fullmatch(row.part),
        f"unknown metric {row.metric!r}{nearest(row.metric, tables.METRICS)}": row.metric
        not in tables.METRICS,
        f"value {row.value!r} is not finite": not math.isfinite(row.value),
        f"accuracy {row.value} is not a fraction": row.metric == "accuracy" and not 0 <= row.value <= 1,
        f"unknown status {row.status!r}{nearest(row.status, STATUSES)}": row.status not in STATUSES,
        f"unknown spread_kind {row.spread_kind!r}": row.spread_kind not in ("", *SPREADS),
        f"unknown status_spread {row.status_spread!r}": row.status_spread not in ("", *STATUSES),
        f"spread {row.spread!r} is not a number of at least 0": row.spread is not None
        and not (math.isfinite(row.spread) and row.spread >= 0),
        "spread, spread_kind and status_spread go together": len(
            {row.spread is not None, bool(row.spread_kind), bool(row.status_spread)}
        )
        > 1,
        "no source": not row.source,
        f"better is {row.better!r}, but for {row.metric} it is {known_better!r}": row.better
        != (known_better or ""),
    }
    return [message for message, wrong in checks.items() if wrong]


def read(path: str | Path) -> list[Reported]:
    """The rows of one file. Raises Fault with everything that is wrong, by line."""
    return csv_rows.read(path, COLUMNS, _row, faults_of, _twice)


def _row(entry: dict[str, str]) -> Reported:
    numbers = {"value": float(entry["value"]), "spread": float(entry["spread"]) if entry["spread"] else None}
    return Reported(**{**entry, **numbers})


def _twice(rows: Iterable[Reported]) -> list[str]:
    seen: set[tuple[str, ...]] = set()
    again = [row.identity for row in rows if row.identity in seen or seen.add(row.identity)]
    return [f"twice: {' '.join(filter(None, identity))}" for identity in again]


def of_paper(project: Project, paper: str) -> list[Reported]:
    """The paper's rows; none where it has no file."""
    path = project.folder / "reported" / f"{paper}.csv"
    return read(path) if path.exists() else []


def of_exhibit(rows: Iterable[Reported], key: str) -> list[Reported]:
    """The rows of one exhibit."""
    return [row for row in rows if row.exhibit == key]


def absence(experiment: Experiment, arm: str) -> str | None:
    """Why the experiment does not run `arm`; the reason for a model holds for every slice of it."""
    return experiment.absent.get(arm) or experiment.absent.get(arm.partition(".")[0])


def unresolved(project: Project, paper: str, rows: Iterable[Reported]) -> list[str]:
    """Rows whose cell is neither run at some scale nor absent with a reason.

    An exhibit that names no experiment shows reported values alone, and its rows need none.
    """
    known = project.paper(paper)
    alone = {e.reported or name for name, e in known.exhibits.items() if not e.experiments and e.missing}
    at = {
        name: [e for scale in SCALES if (e := project.experiment(paper, name, scale))]
        for name in known.experiments
    }
    faults = []
    for row in rows:
        name, _, arm = row.cell.partition("/")
        if not row.cell or row.exhibit in alone:
            continue
        if name not in at:
            faults.append(f"{paper}: {row.exhibit}: unknown experiment {name!r}{nearest(name, at)}")
        elif not any(arm in e.models or absence(e, arm) for e in at[name]):
            arms = {a for e in at[name] for a in (*e.models, *e.absent)}
            faults.append(f"{paper}: {row.exhibit}: {name} has no arm {arm!r}{nearest(arm, arms)}")
    return list(dict.fromkeys(faults))
