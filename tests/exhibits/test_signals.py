"""Figures of how networks learn signals, from the third invented paper: rules, periods, intervals and paths."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnrepro import exhibits, plan, records
from rnnrepro.exhibits.view import open_view
from rnnrepro.project import load

from .conftest import provenance

SIGNALS = Path(__file__).parent / "signals"
CHANCE = 21 / 64
ENDS = {"bptt": 2e-4, "rflo": 2e-3, "local": 6e-3, "random": 3e-4}
RANK = {"bptt": 6, "rflo": 2, "local": 2, "random": 5}
FIGURES = ("learning", "four", "alignment", "by_length", "traces", "change", "peaks", "paths", "relation")


def write_cell(results: Path, cell: plan.Cell) -> None:
    """The cell's results file, with invented numbers that are always the same."""
    parts, runs = [], []
    settings = cell.runs[0].settings
    for run in cell.runs:
        lost = cell.experiment == "long" and cell.arm.endswith(".rflo") and run.seed == 4
        last = 400 if lost else run.settings["training"]["steps"]
        identity = {"paper": cell.paper, "experiment": cell.experiment, "model": cell.model}
        identity |= {"slice": cell.slice, "point": run.point, "seed": run.seed}
        parts.append((identity, records.rows(sorted(history(cell, run, last, lost)))))
        status = "diverged" if lost else "finished"
        told = {"seed": run.seed, "point": run.point, "status": status, "steps": last}
        runs.append({**told, "digest": run.digest, "fingerprint": cell.fingerprint})
    made = provenance(cell, runs) | {"chance": {"half_squared_error": CHANCE}, "settings": settings}
    records.write(results / cell.path, records.assembled(parts), made)


def history(cell, run, last, lost):
    draw = np.random.default_rng([run.seed, zlib.crc32(f"{cell.key}{run.point}".encode())])
    kind, T = cell.slice, run.settings["task"].get("length", 200)
    end = ENDS[kind] * (T / 200) ** (0.2 if kind in ("bptt", "random") else 2.0)
    end *= math.exp(0.4 * draw.standard_normal()) * (3 if run.point == "rate=0.01" else 1)
    reach = 0.8 * (200 / T) ** 0.4 if kind in ("rflo", "random") else 0.15
    start = 0.12 * draw.standard_normal()
    for step in range(0, last + 1, 50):
        fallen = end + (0.4 - end) / (1 + (step / 30) ** 2)
        if step:
            value = math.inf if lost and step == last else fallen * math.exp(0.1 * draw.standard_normal())
            yield step, "test", "half_squared_error", 0, value
        if "alignment" in cell.settings.analyses:
            grown = start + (reach - start) * (1 - math.exp(-step / 300))
            yield step, "analysis", "alignment", 0, grown
            if kind != "bptt":
                yield step, "analysis", "credit_angle", 0, 0.7 * grown + 0.03 * draw.standard_normal()
    W = draw.standard_normal((12, 12))
    for step in (0, *([] if lost else [last])):
        for name, array in arrays_of(cell, run, draw, W, step > 0).items():
            yield from ((step, "analysis", name, i, float(v)) for i, v in enumerate(np.ravel(array)))


def arrays_of(cell, run, draw, W, trained):
    found, kind = {}, cell.slice
    poor = {"bptt": 0.05, "random": 0.08}.get(kind, 0.25)
    if "weight_change" in cell.settings.analyses:
        left, right = draw.standard_normal((2, 12, RANK[kind]))
        moved = W + (0.3 * left @ right.T + 1e-3 * draw.standard_normal((12, 12)) if trained else 0)
        found |= {"recurrent_weight": moved, "recurrent_shape": moved.shape}
    if "outputs" in cell.settings.analyses:
        target = path() if cell.experiment == "reach" else period(run.settings["task"]["length"])
        shaken = target * (1 - poor * draw.random()) + poor * np.roll(target, 9, 1) * draw.standard_normal()
        shape = target.shape
        started = 0.1 * np.sin(np.arange(shape[1]) / 40 + draw.random())[None, :, None] * np.ones(shape)
        found |= {"output": shaken if trained else started, "target": target, "output_shape": shape}
    if "peak_times" in cell.settings.analyses:
        delays = np.arange(30, 151, 10.0)
        slope = 1.0 if kind == "bptt" else 0.6
        times = np.round(slope * (delays - 90) + 90 + 4 * draw.standard_normal(delays.shape))
        times = times if trained else 10 + 0 * delays
        found |= {"peak_delay": delays, "peak_time": times, "peak_error": abs(times - delays).mean()}
    return found


def period(T):
    phase = 2 * np.pi * np.arange(1, T + 1) / T
    return (np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(4 * phase))[None, :, None]


def path():
    speed = np.r_[0.5 * (1 - np.cos(2 * np.pi * np.arange(1, 21) / 20)), np.zeros(20)]
    ways = ((1, 0), (0, 1), (-1, 0), (0, -1))
    return np.concatenate([np.multiply.outer(speed, way) for way in ways])[None]


@pytest.fixture(scope="session")
def signals(tmp_path_factory) -> Path:
    """The results folder of the invented paper at scale quick."""
    folder = tmp_path_factory.mktemp("signals") / "quick"
    for cell in plan.cells(load(SIGNALS), "quick"):
        write_cell(folder, cell)
    return folder


@pytest.fixture
def view_of(signals, tmp_path):
    def view(name, **options):
        found = open_view(SIGNALS, "quick", "gamma", name, signals, tmp_path / name)
        entry = replace(found.entry, options={**found.entry.options, **options})
        return found.with_entry(entry, found.records)

    return view


@pytest.mark.parametrize("name", FIGURES)
def test_every_kind_draws_its_figure_with_numbers_legend_and_description(view_of, tmp_path, name):
    drawn = exhibits.draw(view_of(name))
    drawn.write(tmp_path / name)
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".csv", ".md", ".pdf", ".png", ".tex"]
    assert drawn.numbers.rows and drawn.notes and len(drawn.alt) > 20
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in drawn.figure.axes)
    latex = (tmp_path / f"{name}.tex").read_text(encoding="utf-8")
    assert all(ord(letter) < 128 for letter in latex), {c for c in latex if ord(c) > 127}


def line_of(ax, colour):
    (found,) = [line for line in ax.lines if line.get_color() == colour and len(line.get_xdata()) > 5]
    return found
