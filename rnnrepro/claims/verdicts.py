"""From a claim and the records of its cells to a verdict.

Better than. A pair of arms with four or more runs each: *supported* where a one-sided permutation test on the
difference of means (or medians) is significant at 5 % and the difference is at least the margin; *not supported*
where the same test the other way round, with the margin given to the first arm as a handicap, is significant: the
difference is clearly smaller than the margin, or the other arm is ahead. Fewer runs: *supported* where every run
of the first arm beats every run of the other by the margin, *not supported* where the opposite holds, and marked
`few seeds`. Equal within. *Supported* where two one-sided Welch t-tests against the margin are significant at 5 %,
*not supported* where the difference is significantly larger than the margin. Reaches, fails. *Supported* where all
runs are on the side of the threshold that the claim says (beyond it by the margin, if it has one), *not supported*
where an arm has no run there. More successes. Runs over all grid points and seeds that end beyond a level (half of
the task's chance unless the claim gives one; a diverged run is a failure): *supported* where Fisher's exact test,
one-sided, is significant at 5 %, *not supported* where it is the other way round; `few seeds` below four seeds, since
runs of one seed share their data. Widens. The factors by which the first arm is ahead of the other, run by run, in the
experiment against those in the one that the claim says `since`: as better than, on their logarithms. Everything else
is *inconclusive*. A claim on several arms, or several grid points, is supported where it holds of each pair and not
supported where it is not supported of any; one on the best points takes of each arm the point with the best mean of
the same numbers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnnrepro.claims import comparisons, ours, statistics, widening
from rnnrepro.claims.comparisons import FEW, Arms, Comparison
from rnnrepro.config import SCALES, Claim, Experiment
from rnnrepro.reported import Reported, absence
from rnnrepro.typed import Reader

if TYPE_CHECKING:
    from rnnrepro.records import CellRecords

VERDICTS = ("supported", "not supported", "inconclusive", "not run")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What our runs say of one claim at one scale.

    `n` is the number of runs of each arm. `p` (None: nothing was tested) and `effect` are those of the comparison
    that says least for the claim: by how much the first arm is better than the other, or the runs are beyond the
    threshold, in units of the metric. `ours` is what each arm measures, with its spread (`claims.ours`); `detail` says
    in words what decides, `note` what else a reader must know.
    """

    paper: str
    claim: str
    text: str
    source: str
    scale: str
    kind: str
    verdict: str
    few_seeds: bool = False
    experiment: str | None = None
    metric: str = ""
    split: str = ""
    statistic: str = ""
    n: Mapping[str, int] = field(default_factory=dict)
    p: float | None = None
    effect: float | None = None
    margin: float | None = None
    threshold: float | None = None
    ours: str = ""
    detail: str = ""
    note: str = ""


def at_scale(claim: Claim, scale: str, where: str = "claim") -> Claim | None:
    """The claim with the scale's changes, or None where it is not evaluated there. Raises Fault for bad changes."""
    if scale not in claim.scales:
        return None
    reader = Reader(f"{where} at scale {scale}")
    changed = reader.read(Claim, {**dataclasses.asdict(claim), **(claim.scales[scale] or {})})
    reader.finish()
    for message in _lacking(changed):
        reader.fault("", message)
    reader.finish()
    return changed


def _lacking(claim: Claim) -> list[str]:
    pair = claim.kind in ("better", "equal", "more_successes", "widens")
    needs = {
        "name the experiment": claim.experiment,
        "name the arms that it is about": claim.arms,
        f"a claim of kind {claim.kind!r} needs `than`": claim.than or not pair,
        f"a claim of kind {claim.kind!r} needs a threshold": pair or claim.threshold is not None,
        "a claim of kind 'equal' needs a margin above 0": claim.margin > 0 or claim.kind != "equal",
        "`since` goes with a claim of kind 'widens'": bool(claim.since) == (claim.kind == "widens"),
        f"neither low nor high {claim.metric} is better: give the claim a direction": (
            statistics.direction(claim.metric, claim.statistic) or claim.direction
        ),
    }
    return [] if claim.not_run else [message for message, there in needs.items() if not there]


def evaluate(
    paper: str,
    name: str,
    claim: Claim,
    scale: str,
    experiment_of: Callable[[str], Experiment | None],
    record_of: Callable[[str], CellRecords | None],
    reported: Sequence[Reported] = (),
    lacking: Callable[[str], str] = lambda experiment: "",
) -> Verdict:
    """The verdict on `claim` at `scale`.

    `experiment_of(name)` gives the experiment as it is run at the scale (None: it is not), `record_of(key)` the
    records of the cell `paper/experiment/arm` (None: no results), `lacking(name)` the data that the experiment lacks
    here, in words. Raises Fault for a claim that cannot be read.
    """
    here = at_scale(claim, scale, f"{paper}: claims.{name}")
    reason = claim.not_run or ("" if here else _elsewhere(claim, scale)) or here.not_run
    found: dict[str, tuple[Experiment, Arms]] = {}
    for place in () if reason else filter(None, (here.experiment, here.since)):
        experiment = experiment_of(place)
        one = dataclasses.replace(here, experiment=place)
        records, why = _records(paper, one, scale, experiment, record_of)
        reason = reason or lacking(place) or why
        if not reason:
            found[place] = experiment, comparisons.arms_of(one, experiment, records)
    common = {
        "paper": paper,
        "claim": name,
        "text": (here or claim).text,
        "source": (here or claim).source,
        "scale": scale,
        "kind": (here or claim).kind,
    }
    if reason:
        return Verdict(**common, verdict="not run", detail=reason)
    experiment, arms = found[here.experiment]
    if here.kind == "widens":
        titles = {place: own.title for place, (own, _) in found.items()}
        judged, gaps = widening.as_better(here, {place: own for place, (_, own) in found.items()}, titles)
        return Verdict(**common, **_summary(judged, gaps, comparisons.compare(judged, gaps)))
    made = comparisons.compare(here, arms)
    return Verdict(**common, **_summary(here, arms, made), note=_note(here, experiment, arms, reported))


def _elsewhere(claim: Claim, scale: str) -> str:
    """At which scales a claim is evaluated that is not at this one."""
    others = [name for name in SCALES if name in claim.scales]
    if not others:
        return f"not evaluated at scale {scale}"
    return f"evaluated at scale{'s' * (len(others) > 1)} {' and '.join(others)} alone"


def _records(
    paper: str, claim: Claim, scale: str, experiment: Experiment | None, record_of: Callable
) -> tuple[dict[str, CellRecords], str]:
    """The records by arm, and the reason why the claim cannot be evaluated, or ""."""
    if experiment is None:
        return {}, f"experiment {claim.experiment} is not run at scale {scale}"
    records = {}
    for arm in (*claim.arms, *claim.than):
        if arm not in experiment.models:
            why = absence(experiment, arm)
            return {}, f"{arm}: {why}" if why else f"{arm} is not run in {claim.experiment} at scale {scale}"
        records[arm] = record_of(f"{paper}/{claim.experiment}/{arm}")
        if records[arm] is None:
            return {}, f"no results of {paper}/{claim.experiment}/{arm} yet"
    return records, ""


def _summary(claim: Claim, arms: Arms, found: Sequence[Comparison]) -> dict:
    verdicts = {c.verdict for c in found}
    verdict = (
        "not supported"
        if "not supported" in verdicts
        else "inconclusive"
        if "inconclusive" in verdicts
        else "supported"
    )
    # The pair that decides is one of those with the verdict; among them the one that says least for the claim.
    deciding = [c for c in found if c.verdict == verdict]
    weakest = min(deciding, key=lambda c: (-math.inf if c.p is None else -c.p, c.effect))
    return {
        "verdict": verdict,
        "few_seeds": any(c.fewest < FEW for c in found),
        "experiment": claim.experiment,
        "metric": claim.metric,
        "split": claim.split,
        "statistic": claim.statistic,
        "n": {arm: len(values) for arm, values in arms.runs.items()},
        "p": weakest.p,
        "effect": weakest.effect,
        "margin": claim.margin,
        "threshold": arms.level,
        "ours": ours.in_words(claim, arms),
        "detail": _detail(claim, arms, found, weakest),
    }


def _detail(claim: Claim, arms: Arms, found: Sequence[Comparison], weakest: Comparison) -> str:
    which = "" if len(found) == 1 else f" (of {len(found)} comparisons the one that says least for it)"
    diverged = [
        f"{sum(v.diverged for v in values)} of {len(values)} runs of {arms.labels[arm]} diverged"
        for arm, values in arms.runs.items()
        if any(v.diverged for v in values)
    ]
    what = f"{claim.metric} on {claim.split}, {statistics.in_words(claim.statistic)}"
    return "; ".join([f"{what}: {weakest.sentence}{which}", *diverged]) + "."


def _note(claim: Claim, experiment: Experiment, arms: Arms, reported: Sequence[Reported]) -> str:
    """Which baselines do better here than every value reported of them."""
    if (
        claim.kind == "more_successes"
        or experiment.stand_in
        or claim.statistic.startswith("first_step_below")
    ):
        return ""
    said = []
    for arm in claim.than:
        known = [
            row.value
            for row in reported
            if row.cell == f"{claim.experiment}/{arm}"
            and row.metric == claim.metric
            and row.settings.get("split", claim.split) == claim.split
        ]
        ours = comparisons.centre([v.value for v in arms.runs[arm]], "mean")
        best = (min if arms.better == "lower" else max)(known) if known else None
        if known and (ours < best if arms.better == "lower" else ours > best):
            said.append(f"baseline better than reported: {arms.labels[arm]} {ours:.3g}, reported {best:.3g}")
    return "; ".join(said)
