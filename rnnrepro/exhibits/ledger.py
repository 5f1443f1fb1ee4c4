"""The table of all claims that opens the report: who is behind each row, how the verdicts are counted and grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnrepro.claims.ours import BETWEEN
from rnnrepro.claims.verdicts import VERDICTS, Verdict
from rnnrepro.config import Exhibit
from rnnrepro.exhibits import unmade
from rnnrepro.exhibits.html import Link
from rnnrepro.project import Project

NOT_RUN = "not run"


@dataclass(frozen=True)
class Line:
    """A claim with a verdict, and the exhibit that shows its numbers, if one was made."""

    verdict: Verdict
    exhibit: Link | None

    @property
    def ours(self) -> list[str]:
        """What our runs measure, a text a model."""
        return [words for words in self.verdict.ours.split(BETWEEN) if words]

    @property
    def measured(self) -> str:
        """What the numbers are: `cross entropy, test`, or that successes are counted."""
        what = self.verdict.metric.replace("_", " ")
        return (
            f"successful runs by {what}"
            if self.verdict.kind == "more_successes"
            else f"{what}, {self.verdict.split}"
        )


@dataclass(frozen=True)
class Group:
    """The claims of one paper: those with a verdict, and the others by the reason why they have none."""

    key: str
    title: str
    lines: Sequence[Line]
    not_run: Mapping[str, Sequence[Verdict]]
    counts: Mapping[str, int]
    few_seeds: int

    @property
    def total(self) -> int:
        """The number of all its claims."""
        return sum(self.counts.values())


def groups(project: Project, scale: str, results: Path, verdicts: Sequence[Verdict]) -> list[Group]:
    """One group a chosen paper that has claims, in the order of the papers."""
    found = []
    for key in project.chosen:
        own = [verdict for verdict in verdicts if verdict.paper == key]
        if not own:
            continue
        judged = [verdict for verdict in own if verdict.verdict != NOT_RUN]
        reasons: dict[str, list[Verdict]] = {}
        for verdict in own:
            if verdict.verdict == NOT_RUN:
                reasons.setdefault(verdict.detail, []).append(verdict)
        lines = [Line(verdict, exhibit_of(project, scale, results, verdict)) for verdict in judged]
        few = sum(verdict.few_seeds for verdict in judged)
        found.append(Group(key, project.paper(key).title, lines, reasons, counted(own), few))
    return found


def counted(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many there are of each verdict, none included."""
    return {kind: sum(verdict.verdict == kind for verdict in verdicts) for kind in VERDICTS}


def exhibit_of(project: Project, scale: str, results: Path, verdict: Verdict) -> Link | None:
    """The exhibit made at this scale that is nearest to the claim: of its experiment, then of its metric and split."""
    made = [
        (name, entry)
        for name, entry in project.paper(verdict.paper).exhibits.items()
        if verdict.experiment in entry.experiments
        and scale in entry.scales
        and not unmade(project, scale, verdict.paper, name)
        and (results / verdict.paper / f"{name}.html").exists()
    ]
    if not made:
        return None
    name, entry = max(made, key=lambda each: _nearness(each[1], verdict))
    return Link(f"{verdict.paper}/{name}.html", name, entry.title)


def _nearness(entry: Exhibit, verdict: Verdict) -> tuple[bool, bool, bool]:
    """Ordered by what matters; `max` takes the first of equal ones."""
    arms = not entry.models or set(verdict.n) <= set(entry.models)
    return entry.metric == verdict.metric, arms, entry.split == verdict.split
