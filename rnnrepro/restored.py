"""The runs of a results file, restored from its provenance alone: no configuration is read.

A file holds the settings of its first run, and of each run its seed, what is set otherwise for it (`set`, by dotted
key) and the digest of all its settings, which proves what is restored. Files of earlier code have no `set`: there the
grid point's label says what differs, and the digest tells which of its readings is the one that was trained.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rnnrepro.changes import flat
from rnnrepro.config import Experiment, Training
from rnnrepro.errors import Fault, nearest
from rnnrepro.plan import Cell, Run, digest
from rnnrepro.tasks.sizes import shape

Settings = dict[str, Any]
READINGS = 256
"""Most readings of a point's label that are tried; two values and two groups of rates have 36."""


def otherwise(settings: Mapping[str, Any], first: Mapping[str, Any]) -> Settings:
    """{dotted key: value} of what a run has set otherwise than the first of its cell; its seed is told apart."""
    before, after = flat(first), flat(settings)
    return {key: value for key, value in after.items() if key != "seed" and before.get(key, ...) != value}


def runs_of(provenance: Mapping[str, Any], where: str) -> list[Run]:
    """Every run of a cell's file, or the one of a run's record, with all its settings.

    Raises Fault, beginning with `where`, for settings that cannot be restored.
    """
    if "runs" not in provenance:
        return [_proven(where, [provenance["settings"]], "", provenance["digest"])]
    common = provenance["settings"]
    return [
        _proven(
            where,
            ({**found, "seed": run["seed"]} for found in _readings(common, run)),
            run["point"],
            run["digest"],
        )
        for run in provenance["runs"]
    ]


def cell_of(provenance: Mapping[str, Any], runs: Sequence[Run]) -> Cell:
    """The cell of these runs, with all that their training needs; of its experiment, what a file says."""
    task, batch = runs[0].settings["task"], runs[0].settings["training"]["batch"]
    experiment = Experiment(
        title=provenance.get("title", ""),
        seeds=len(runs),
        task=task,
        training=Training(batch=batch),
        models={},
    )
    alone = {
        "paper": "state",
        "experiment": "record",
        "arm": runs[0].digest,
    }  # of a run's record, which names none
    names = {name: provenance.get(name, alone.get(name, "")) for name in ("scale", *alone, "part")}
    return Cell(**names, settings=experiment, runs=tuple(runs), shape=shape(task, batch))


def chosen(runs: list[Run], where: str, seed: int | None, point: str | None) -> list[Run]:
    """The runs with that seed, at that grid point. Raises Fault, saying what there is, where there is none."""
    seeds = sorted({run.seed for run in runs})
    points = list(dict.fromkeys(run.point for run in runs))
    if seed is not None and seed not in seeds:
        raise Fault(f"{where}: no run with seed {seed}; its seeds are {', '.join(map(str, seeds))}")
    if point is not None and point not in points:
        known = ", ".join(name for name in points if name) or "none, for it has no grid"
        raise Fault(f"{where}: no run at {point!r}{nearest(point, points)}; its points are {known}")
    found = [run for run in runs if seed in (None, run.seed) and point in (None, run.point)]
    if not found:
        raise Fault(f"{where}: no run with seed {seed} at {point!r}")
    return found


def _proven(where: str, readings: Iterable[Settings], point: str, wanted: str) -> Run:
    for tried, settings in enumerate(readings):
        if tried == READINGS:
            raise Fault(f"{where}: the label {point[:80]!r} of a point has more than {READINGS} readings")
        if digest(settings) == wanted:
            return Run(settings["seed"], point, settings)
    what = f"of the runs at {point}" if point else "of a run"
    raise Fault(
        f"{where}: the settings {what} cannot be restored: none that the file allows has the digest {wanted}, "
        "so it is of earlier code that did not write them down, or it was changed; train its cell again"
    )


def _readings(common: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[Settings]:
    """All that the settings of a run may be, the likeliest first."""
    if "set" in run or not run["point"]:
        yield _with(common, run.get("set", {}))
        return
    pairs = [part.partition("=")[::2] for part in run["point"].split(",")]
    try:
        texts = [(key, float(value)) for key, value in pairs]
    except ValueError:
        return
    for values in itertools.product(*([v, int(v)] if v.is_integer() else [v] for _, v in texts)):
        keys = [key for key, _ in texts]
        yield from _at(common, dict(zip(keys, values, strict=True)))


def _at(common: Mapping[str, Any], point: Mapping[str, float]) -> Iterator[Settings]:
    """The settings at a point, where rates of groups may follow the main rate, exactly or by a ratio."""
    changes = {f"model.{key}": value for key, value in point.items() if key.partition(".")[0] != "rate"}
    rates = {
        key.partition(".")[2] or "main": v for key, v in point.items() if key.partition(".")[0] == "rate"
    }
    changes |= {f"optimiser.{group}.rate": value for group, value in rates.items()}
    before, now = common["optimiser"]["main"]["rate"], rates.get("main")
    others = {g: s["rate"] for g, s in common["optimiser"].items() if g not in rates} if now else {}
    ratios = [rate / before if before else 1.0 for rate in others.values()]
    follow = [
        [rate, now * ratio, now * float(f"{ratio:.9g}")]
        for rate, ratio in zip(others.values(), ratios, strict=True)
    ]
    for found in itertools.product(*follow):
        yield _with(common, changes | {f"optimiser.{g}.rate": v for g, v in zip(others, found, strict=True)})


def _with(common: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    """A copy of the settings with those of some dotted keys set otherwise."""
    settings = json.loads(json.dumps(common))
    for key, value in changes.items():
        *path, last = key.split(".")
        place = settings
        for name in path:
            place = place.setdefault(name, {})
        place[last] = value
    return settings
