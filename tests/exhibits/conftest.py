"""Results of an invented paper, made without training: curves, arrays and costs that look like real ones."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnrepro import plan, records
from rnnrepro.exhibits.view import open_view
from rnnrepro.project import load

CONFIG = Path(__file__).parent / "config"
GRIDS = Path(__file__).parent / "grids"
PICTURES = Path(__file__).parent / "pictures"
LEVEL = {"cross_entropy": 0.1733, "mse": 1 / 6, "bpc": 5.0}
ENDS = {
    "nnrnn": 0.3,
    "exprnn": 0.28,
    "rnn_orth": 0.55,
    "rnn_orth.haar": 1.08,
    "rnn": 1.15,
    "lstm": 1.5,
    "enrnn": 0.3,
    "scornn": 0.9,
    "chain": 0.2,
    "orthogonal": 0.7,
    "identity": 0.95,
}


def write_cell(results: Path, cell: plan.Cell) -> None:
    """The results file and the cost table of `cell`, filled with invented numbers that are always the same."""
    parts, runs = [], []
    diverged = cell.arm == "rnn" and cell.experiment == "copying"
    for run in cell.runs:
        lost = diverged and run.seed == 1
        history = sorted(_history(cell, run, 230 if lost else None))
        identity = {
            "paper": cell.paper,
            "experiment": cell.experiment,
            "model": cell.model,
            "slice": cell.slice,
            "point": run.point,
            "seed": run.seed,
        }
        parts.append((identity, records.rows(history)))
        runs.append(
            {
                "seed": run.seed,
                "point": run.point,
                "status": "diverged" if lost else "finished",
                "steps": history[-1][0],
                "digest": run.digest,
                "fingerprint": cell.fingerprint,
            }
        )
    records.write(results / cell.path, records.assembled(parts), provenance(cell, runs))
    records.write_costs(
        results / cell.cost_path,
        [
            {
                **who,
                "steps": 400,
                "seconds": 12.5 + who["seed"],
                "peak_memory_mb": 512.0,
                "stack": 5,
                "device": "cpu",
                "host": "elsewhere",
                "finished": "2020-01-01T00:00:00+00:00",
            }
            for who, _ in parts
        ],
        scale=cell.scale,
        key=cell.key,
    )


def provenance(cell: plan.Cell, runs: list[dict]) -> dict:
    """As the trainer writes it."""
    experiment, arm = cell.settings, cell.settings.models[cell.arm]
    metric = _metric(cell)
    return {
        "scale": cell.scale,
        "key": cell.key,
        "paper": cell.paper,
        "experiment": cell.experiment,
        "arm": cell.arm,
        "model": cell.model,
        "slice": cell.slice,
        "part": cell.part,
        "row": cell.model,
        "label": arm.label or cell.arm,
        "title": experiment.title,
        "task": cell.runs[0].settings["task"],
        "data": cell.runs[0].settings["data"],
        "settings": {},
        "hidden": arm.hidden,
        "steps": cell.runs[0].settings["training"]["steps"],
        "select": experiment.select,
        "protocol": experiment.protocol,
        "stand_in": experiment.stand_in,
        "extra": arm.extra,
        "note": arm.note,
        "fingerprint": cell.fingerprint,
        "runs": runs,
        "modules": {},
        "versions": {"rnnrepro": "0.1.0", "python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.6"},
        "device": "cpu",
        "device_name": "An invented processor",
        "backend": "plain",
        "threads": 1,
        "parameters": 18_953,
        "chance": {metric: LEVEL[metric]},
        "steps_per_epoch": None,
        "metrics": [metric],
    }


def _metric(cell: plan.Cell) -> str:
    return {"adding": "mse", "text": "bpc"}.get(cell.experiment, "cross_entropy")


def _history(cell, run, stop):
    draw = np.random.default_rng([run.seed, zlib.crc32(f"{cell.key}{run.point}".encode())])
    metric, training = _metric(cell), run.settings["training"]
    level, end = LEVEL[metric], ENDS.get(cell.arm, 1.0) * math.exp(0.12 * draw.standard_normal())
    end *= {"matrix.gain=0.96": 2.0, "matrix.gain=1.02": 0.6}.get(run.point, 1.0)
    last = min(training["steps"], stop or training["steps"])

    def value(step: int, noise: float) -> float:
        fall = end + (1.6 - end) * math.exp(-4.5 * step / training["steps"])
        return level * fall * math.exp(noise * draw.standard_normal())

    if "test" not in training["splits"] and "validation" not in training["splits"]:
        yield from ((t, "train", metric, 0, value(t, 0.18)) for t in range(1, last + 1))
    for split in training["splits"]:
        every = training["evaluate_every"]
        yield from ((t, split, metric, 0, value(t, 0.05)) for t in range(every, last + 1, every))
    orthogonal = cell.model not in ("rnn", "rnn_orth", "lstm", "chain", "orthogonal", "identity")
    yield from (
        (
            t,
            "train",
            "residual",
            0,
            3e-7 * math.sqrt(t) * math.exp(0.2 * draw.standard_normal()) if orthogonal else 0.0,
        )
        for t in range(50, last + 1, 50)
    )
    ends = [] if stop else [last]
    if "gradient_history" in cell.settings.analyses:
        looks = range(0, last + 1, training["evaluate_every"])
        yield from (row for step in looks for row in _flow(cell, step / training["steps"], step, draw))
    for step in (0, *ends):
        for name, array in _arrays(cell, draw, step > 0).items():
            yield from ((step, "analysis", name, i, float(v)) for i, v in enumerate(np.ravel(array)))


def _flow(cell, done, step, draw):
    """Gradients that reach further back as training goes on, with momentum more than without."""
    reach = {"rnn": 4.0, "lstm": 15.0, "momentum_lstm": 40.0}[cell.arm] * (0.4 + done)
    norms = 0.04 * (1 - 0.6 * done) * np.exp(-np.arange(50)[::-1] / reach + 0.1 * draw.standard_normal())
    yield from ((step, "analysis", "gradient_norm", i, float(v)) for i, v in enumerate(norms))
    yield step, "analysis", "gradient_h0", 0, float(norms[0])


def _arrays(cell, draw, trained):
    size = cell.settings.models[cell.arm].hidden
    if "gradient_flow" in cell.settings.analyses:
        slope = {"rnn": 0.12, "lstm": 0.08}.get(cell.model, 0.004) * (0.6 if trained else 1.0)
        norms = 0.02 * np.exp(-slope * np.arange(121)[::-1] + 0.2 * draw.standard_normal())
        yield_ = {"gradient_norm": norms, "gradient_h0": norms[:1]}
    else:
        yield_ = {}
    if "schur_form" in cell.settings.analyses and cell.model == "nnrnn":
        yield_ |= _schur(size, draw, trained)
    if "spectrum" in cell.settings.analyses and cell.model == "enrnn":
        short = 1.02 * np.sqrt(draw.random(20)) * (1 if trained else 0.9)
        for part, moduli in {"long_": np.ones(32), "short_": np.minimum(short, 1)}.items():
            angle = draw.uniform(0, math.pi, len(moduli) // 2).repeat(2) * np.tile([1, -1], len(moduli) // 2)
            yield_ |= {
                f"{part}eigenvalue_real": moduli * np.cos(angle),
                f"{part}eigenvalue_imaginary": moduli * np.sin(angle),
                f"{part}henrici_relative": np.array([0.3 if part == "short_" else 0.0]),
            }
    if "forgetting" in cell.settings.analyses and cell.model in ("enrnn", "scornn"):
        lags = np.arange(90)
        slow, fast = 0.9 * np.exp(-lags / 400), np.exp(-lags / (25 if trained else 8))
        yield_ |= (
            {"forgetting": slow}
            if cell.model == "scornn"
            else {"forgetting": slow, "long_forgetting": slow * 1.3, "short_forgetting": fast}
        )
    if "hidden_chain" in cell.settings.analyses:
        for gate in ("_i", "_f", "_o", "_g") if cell.model == "lstm" else ("",):
            yield_ |= _chain(size, draw, trained, gate, 1.0 if cell.model == "identity" and not gate else 0.0)
    if "nonnormality" in cell.settings.analyses and cell.experiment == "grid":
        yield_ |= {"henrici": np.array([2.5 + 0.3 * draw.standard_normal() if trained else 0.0])}
    if "modrelu_gain" in cell.settings.analyses:
        poor = 3.0 if cell.slice else 1.05
        norms = 0.02 * poor ** np.arange(121)[::-1] * np.exp(0.1 * draw.standard_normal(121))
        gains = poor * np.exp(0.1 * draw.standard_normal(120))
        yield_ |= {"modrelu_gain": gains, "gradient_norm": norms, "gradient_h0": norms[:1]}
    return yield_


def _chain(size, draw, trained, gate, diagonal):
    k = np.arange(1 - size, size)
    noise = 0.01 * draw.standard_normal(2 * size - 1) / np.sqrt(size - np.abs(k))
    curve = noise + (0.06 * np.exp(-((k - 2.0) ** 2) / 6) if trained and gate in ("", "_g") else 0.0005 * k)
    curve[size - 1] += diagonal
    near = curve[size : size + 5].mean() - curve[size - 6 : size - 1].mean()
    return {f"chain_profile{gate}": curve, f"chain_asymmetry{gate}": np.array([near])}


def _schur(size, draw, trained):
    angle = draw.uniform(0, math.pi, size // 2)
    theta = np.zeros((size, size))
    even = np.arange(0, size, 2)
    theta[even, even] = theta[even + 1, even + 1] = np.cos(angle)
    theta[even, even + 1], theta[even + 1, even] = -np.sin(angle), np.sin(angle)
    triangle = np.tril(0.02 * draw.standard_normal((size, size)), -1) + 0.05 * np.eye(size, k=-2)
    theta = theta + (triangle if trained else 0)
    profile = [np.abs(np.diagonal(theta, -k)).mean() for k in range(1, size)]
    return {
        "theta": theta,
        "theta_angle": angle,
        "theta_radius": 1 + 0.01 * draw.standard_normal(size // 2),
        "theta_profile": profile,
        "theta_profile_absolute": profile,
        "theta_triangle_ratio": np.linalg.norm(triangle) / math.sqrt(size) if trained else 0.0,
    }


@pytest.fixture(scope="session")
def config() -> Path:
    """The settings of the invented paper."""
    return CONFIG


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """The results folder of scale quick, as training would have left it."""
    folder = tmp_path_factory.mktemp("results") / "quick"
    for cell in plan.cells(load(CONFIG), "quick"):
        write_cell(folder, cell)
    return folder


@pytest.fixture(scope="session")
def grids() -> Path:
    """The settings of the invented paper of grids, chains and circles."""
    return GRIDS


@pytest.fixture(scope="session")
def grid_results(tmp_path_factory) -> Path:
    """Its results folder of scale quick."""
    folder = tmp_path_factory.mktemp("grids") / "quick"
    for cell in plan.cells(load(GRIDS), "quick"):
        write_cell(folder, cell)
    return folder


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The settings of the invented paper of grids over two keys, published curves and gradients."""
    return PICTURES


@pytest.fixture(scope="session")
def picture_results(tmp_path_factory) -> Path:
    """Its results folder, with the scales quick and paper below it."""
    folder = tmp_path_factory.mktemp("pictures")
    for scale in ("quick", "paper"):
        for cell in plan.cells(load(PICTURES), scale):
            if cell.experiment != "real":
                write_cell(folder / scale, cell)
    return folder


def viewer(config: Path, paper: str, results: Path, folder: Path):
    """`view(name, **options)` of an invented paper's exhibits, with options laid over its own."""

    def view(name: str, **options):
        found = open_view(config, "quick", paper, name, results, folder / name)
        entry = replace(found.entry, options={**found.entry.options, **options})
        return found.with_entry(entry, found.records)

    return view


@pytest.fixture
def view_of(config, results, tmp_path):
    """`viewer` of the invented paper."""
    return viewer(config, "alpha", results, tmp_path)


@pytest.fixture
def grid_view(grids, grid_results, tmp_path):
    """`viewer` of the invented paper of grids, chains and circles."""
    return viewer(grids, "beta", grid_results, tmp_path)


def drawn_whole(drawn, folder: Path, name: str) -> None:
    """What every figure must have: its files, numbers, a legend in words, a description, and axes with names."""
    drawn.write(folder / name)
    assert sorted(path.suffix for path in folder.iterdir()) == [".csv", ".md", ".pdf", ".png", ".tex"]
    assert drawn.numbers.rows and drawn.notes and len(drawn.alt) > 20
    panels = [ax for ax in drawn.figure.axes if ax.get_label() != "<colorbar>"]
    assert all(
        ax.get_xlabel()
        or len(ax.get_shared_x_axes().get_siblings(ax)) > 1
        or ax.get_xticklabels()[0].get_text()  # categories name themselves
        for ax in panels
    )
    named = [ax.get_ylabel() or len(ax.get_shared_y_axes().get_siblings(ax)) > 1 for ax in panels]
    assert all(named) or name in ("fisher_table", "memory_table")  # their rows are named one by one
    latex = (folder / f"{name}.tex").read_text(encoding="utf-8")
    assert all(ord(letter) < 128 for letter in latex), {letter for letter in latex if ord(letter) > 127}
