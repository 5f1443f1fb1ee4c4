"""From a run's curve to one number, for every run of a cell.

A diverged run is a result: it keeps its place, and its number is worse than that of any other run. So is a
value that is not a number: it counts as the worst wherever it stands in a curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnrepro import config, tables
from rnnrepro.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from rnnrepro.records import CellRecords


@dataclass(frozen=True)
class RunValue:
    """One run's number. `value` is infinite, on the bad side, for a diverged run and for "never"; nan for a
    diverged run where neither side is bad."""

    point: str
    seed: int
    value: float
    diverged: bool = False


@dataclass(frozen=True)
class Curve:
    """The evaluations of one run: `steps` (n,) ascending, `values` (n,) and, if any, the validation curve."""

    steps: np.ndarray
    values: np.ndarray
    validation: Curve | None = None


def direction(metric: str, statistic: str) -> str | None:
    """`lower` or `higher`, whichever is better (None: neither): that of the metric, but few steps are good."""
    name, _ = config.statistic(statistic)
    return "lower" if name == "first_step_below" else tables.row("metric", metric).better


def worst(better: str | None) -> float:
    """The value that is worse than any other."""
    return {"lower": math.inf, "higher": -math.inf, None: math.nan}[better]


def of_cell(
    record: CellRecords, metric: str, split: str, statistic: str, better: str | None = None
) -> list[RunValue]:
    """`per_run` of a cell's records, with the status of each run from its provenance.

    `better` says which way is for a metric of which neither is.
    """
    import pyarrow.compute as pc

    wanted = pc.equal(record.table["metric"], metric)
    frame = record.table.filter(wanted).to_pandas()
    try:
        way = tables.row("metric", metric).better or better
        return per_run(frame, metric, split, statistic, way, record.status)
    except Fault as fault:
        raise Fault(f"{record.key}: {fault}") from None


def per_run(
    frame: pd.DataFrame,
    metric: str,
    split: str,
    statistic: str,
    better: str | None,
    status: Mapping[tuple[str, int], str] | None = None,
) -> list[RunValue]:
    """One number a run, in the order of `status` (or of the frame, where every run is then taken as finished).

    `frame` has the columns of a cell's records; `better` is the metric's direction. Raises Fault where a finished
    run has no such curve, where the metric is an array, or where the statistic cannot be had of the curve.
    """
    name, argument = config.statistic(statistic)
    rows = frame[frame["metric"] == metric]
    if (rows["index"] > 0).any():
        raise Fault(f"{metric} is an array, not a curve: no statistic of runs applies")
    curves = dict(_curves(rows[rows["split"] == split], better))
    chosen_on = next((s for s in config.VALIDATION if (rows["split"] == s).any()), config.VALIDATION[0])
    validation = dict(_curves(rows[rows["split"] == chosen_on], better))
    runs = status if status is not None else dict.fromkeys(curves, "finished")
    bad = worst("lower" if name == "first_step_below" else better)
    found = []
    for key, state in runs.items():
        if state == "diverged":
            found.append(RunValue(*key, bad, diverged=True))
            continue
        if key not in curves:
            raise Fault(f"no {metric} on split {split!r}; there is {_known(frame)}")
        curve = Curve(*curves[key], Curve(*validation[key]) if key in validation else None)
        found.append(RunValue(*key, _STATISTICS[name](curve, argument, better)))
    return found


def _curves(rows: pd.DataFrame, better: str | None):
    for (point, seed), part in rows.groupby(["point", "seed"], sort=False):
        part = part.sort_values("step", kind="stable")
        values = part["value"].to_numpy(dtype=float)
        yield (
            (str(point), int(seed)),
            (part["step"].to_numpy(), np.where(np.isnan(values), worst(better), values)),
        )


def _known(frame: pd.DataFrame) -> str:
    pairs = sorted(set(zip(frame["metric"], frame["split"], strict=True)))
    return ", ".join(f"{metric} on {split}" for metric, split in pairs) or "nothing of that metric"


def _last(curve: Curve, argument: float | None, better: str | None) -> float:
    return float(curve.values[-1])


def _place_of_best(curve: Curve, better: str | None) -> int:
    if better is None:
        raise Fault("a metric of which neither low nor high is better has no best value")
    return int(curve.values.argmin() if better == "lower" else curve.values.argmax())


def _best(curve: Curve, argument: float | None, better: str | None) -> float:
    return float(curve.values[_place_of_best(curve, better)])


def _median_last(curve: Curve, argument: float, better: str | None) -> float:
    return float(np.median(_tail(curve, argument)))


def _mean_last(curve: Curve, argument: float, better: str | None) -> float:
    return float(np.mean(_tail(curve, argument)))


def _tail(curve: Curve, argument: float) -> np.ndarray:
    """The last evaluations, all of them where a short budget has fewer than asked for."""
    if argument < 1 or argument != int(argument):
        raise Fault(f"the last {argument:g} evaluations: give a whole number of at least 1")
    return curve.values[-int(argument) :]


def _at_best_validation(curve: Curve, argument: float | None, better: str | None) -> float:
    if curve.validation is None:
        raise Fault("at_best_validation: the run has no validation curve of this metric")
    step = curve.validation.steps[_place_of_best(curve.validation, better)]
    places = np.flatnonzero(curve.steps == step)
    if not len(places):
        raise Fault(f"at_best_validation: best validation at step {step}, where the split was not evaluated")
    return float(curve.values[places[0]])


def _at_step(curve: Curve, argument: float, better: str | None) -> float:
    """The last evaluation at or before the step: budgets of different scales end on different grids."""
    places = np.flatnonzero(curve.steps <= argument)
    if not len(places):
        raise Fault(f"at_step({argument:g}): first evaluated at step {curve.steps[0]}")
    return float(curve.values[places[-1]])


def _first_step_below(curve: Curve, argument: float, better: str | None) -> float:
    if better != "lower":
        raise Fault("first_step_below is for metrics of which lower is better")
    places = np.flatnonzero(curve.values < argument)
    return float(curve.steps[places[0]]) if len(places) else math.inf


_STATISTICS: dict[str, Callable[[Curve, float, str | None], float]] = {
    "last": _last,
    "best": _best,
    "median_last": _median_last,
    "mean_last": _mean_last,
    "at_best_validation": _at_best_validation,
    "at_step": _at_step,
    "first_step_below": _first_step_below,
}


def in_words(statistic: str) -> str:
    """A statistic as a reader would say it."""
    name, argument = config.statistic(statistic)
    number = "" if argument is None else f"{argument:g}"
    return {
        "last": "last evaluation",
        "best": "best evaluation",
        "median_last": f"median of the last {number} evaluations",
        "mean_last": f"mean of the last {number} evaluations",
        "at_best_validation": "evaluation of best validation",
        "at_step": f"evaluation at step {number}",
        "first_step_below": f"first step below {number}",
    }[name]
