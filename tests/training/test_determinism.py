"""The same settings on the same kind of processor give the same rows, byte for byte, whatever goes on around them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rnnrepro import environment
from rnnrepro.training import apart

REACH = {"move": 6, "hold": 4}
MORE = {
    "adding": {
        "momentum_lstm": {"hidden": 5},  # a drive with a filter
        "adam_lstm": {"hidden": 5},  # a drive compiled in the package itself
        "exprnn": {"hidden": 6, "groups": {"orthogonal": {"rate": 1.0e-3}}},  # an exponential of a matrix
    },
    "reaches": {  # a learning rule of its own, and a later phase
        "title": "Reaches",
        "seeds": 2,
        "scales": {"quick": {}},
        "models": {
            "loop": {
                "model": "leaky_rnn",
                "hidden": 12,
                "start": {"init": "constant(0.1)", "trained": False},
                "readout": {"bias": None},
                "rule": {"kind": "rflo"},
                "optimiser": {"kind": "sgd", "rate": 0.02},
                "grid": {"rate": [0.02, 1.0e30]},
            }
        },
        "training": {"batch": 1, "steps": 10, "evaluate_every": 5, "splits": ["test"], "record_every": 3},
        "task": {"kind": "reach", **REACH},
        "phases": [
            {
                "title": "The loop",
                "task": {"kind": "reach_loop", **REACH},
                "rule": {"kind": "hebbian", "rate": 0.1, "explore": 0.2},
                "steps": 12,
                "evaluate_every": 4,
            }
        ],
        "analyses": ["spectrum"],
    },
}
CELLS = (
    "adding/lstm", "adding/exprnn", "adding/momentum_lstm", "adding/rnn", "language/lstm", "reaches/loop",
)  # fmt: skip

TRAIN = """
import sys
from rnnrepro.cli import main
config, state, output, cells, *options = sys.argv[1:]
for cell in cells.split(","):
    experiment, model = cell.split("/")
    words = ["train", f"made_up/{experiment}", "--model", model, "--config", config, "--state", state, *options]
    words += [] if "--seed" in options else ["--output", f"{output}/{experiment}.{model}.parquet"]
    while (code := main(words)) == 75:
        pass
    assert code == 0
"""
STRANGE = {
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OPENBLAS_CORETYPE": "Nehalem",
    "ATEN_CPU_CAPABILITY": "default",
    "NUMBA_OPT": "0",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_DISABLE_JIT": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
REVERSED = tuple(reversed(CELLS))
CIRCUMSTANCES = {
    "another hash seed, locale, time zone, order of cells": (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo"},
        REVERSED,
        [],
    ),
    "threads asked for": (dict.fromkeys(THREADS, "3") | {"MKL_DYNAMIC": "FALSE"}, CELLS, []),
    "libraries told to compute otherwise": (STRANGE, CELLS, []),
    "one run at a time, stopped many times": ({}, REVERSED, ["--set", "stack=1", "--minutes", "0.0006"]),
    "two at a time, stopped now and then": ({}, CELLS, ["--set", "stack=2", "--minutes", "0.004"]),
}


@pytest.fixture
def config(folder: Path) -> Path:
    """The made-up paper with models of every kind."""
    path = folder / "papers" / "made_up.yaml"
    paper = yaml.safe_load(path.read_text())
    optimiser = {"kind": "rmsprop_tf", "rate": 1.0e-2}
    models = paper["experiments"]["adding"]["models"]
    models |= {name: {"optimiser": optimiser, **arm} for name, arm in MORE["adding"].items()}
    paper["experiments"]["reaches"] = MORE["reaches"]
    path.write_text(yaml.safe_dump(paper))
    return folder


def start(
    config: Path, place: Path, cells: tuple[str, ...], options: list[str], environment: dict
) -> subprocess.Popen:
    """A process that trains the cells, with its state and results below `place`."""
    words = [str(config), str(place / "state"), str(place), ",".join(cells), *options]
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen) -> str:
    """What it said, once it has ended well."""
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def files(place: Path) -> dict[str, bytes]:
    """{name: content} of the results files."""
    return {path.name: path.read_bytes() for path in sorted(place.glob("*.parquet"))}


@pytest.mark.slow
def test_files_are_the_same_byte_for_byte_in_all_circumstances(config, tmp_path):
    ended(start(config, tmp_path / "plain", CELLS, [], {}))
    plain = files(tmp_path / "plain")
    assert len(plain) == len(CELLS)
    for name, (variables, cells, options) in CIRCUMSTANCES.items():
        place = tmp_path / name
        said = ended(start(config, place, cells, options, variables))
        assert files(place) == plain, name
        assert ("removed from the environment" in said) == (variables is STRANGE)
    # Two jobs on one state folder, each with a seed of its own, the last seed first.
    place = tmp_path / "two jobs"
    both = [
        start(config, place, cells, ["--seed", seed], {}) for cells, seed in ((CELLS, "1"), (REVERSED, "0"))
    ]
    for process in both:
        ended(process)
    ended(start(config, place, CELLS, [], {}))
    assert files(place) == plain


@pytest.mark.slow
def test_the_process_that_has_a_scan_compiled_trains_as_those_that_find_it_compiled(config, tmp_path):
    kept = {"RNNREPRO_CACHE": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    cells = ("adding/lstm", "adding/adam_lstm")
    found = []
    for name in ("first", "second"):
        said = ended(start(config, tmp_path / name, cells, [], kept))
        assert (
            ("compiled rnnrepro_scan_" in said)
            == ("compiled rnnrepro.drives.compiled" in said)
            == (name == "first")
        )
        found.append(files(tmp_path / name))
    assert len(found[0]) == 2
    assert found[0] == found[1]


@pytest.fixture
def double(tmp_path, monkeypatch):
    """A function as the package's compiled ones are, in a module that no process has compiled."""
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path))
    path = tmp_path / "rnnrepro_made_up.py"
    path.write_text(
        "from numba import njit\n\n\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n", encoding="utf-8"
    )
    spec = importlib.util.spec_from_file_location("rnnrepro_made_up", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "rnnrepro_made_up", module)
    spec.loader.exec_module(module)
    return module.double


def test_what_is_not_on_the_disk_is_compiled_by_another_process_and_loaded(double):
    said: list[str] = []
    with apart.only_loaded(set()):
        with pytest.raises(apart.NotCompiled, match=r"rnnrepro_made_up\.double") as refused:
            double(1.5)
        apart.compile_apart(refused.value.wanted, said.append)
        assert double(1.5) == 3
    assert len(said) == 1 and said[0].startswith("compiled rnnrepro_made_up in")
    assert sum(double.stats.cache_hits.values()) == 1


def test_what_no_other_process_can_compile_is_compiled_here_and_that_is_said(double, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(sys, "executable", sys.executable + "-that-is-not-there")
    with pytest.raises(apart.NotCompiled) as refused, apart.only_loaded(set()):
        double(1.5)
    apart.compile_apart(refused.value.wanted, said.append)
    assert "could not be compiled apart" in said[0] and "may differ" in said[0]
    with apart.only_loaded({refused.value.wanted}):
        assert double(1.5) == 3


def test_a_training_has_its_own_arithmetic_and_one_thread(monkeypatch):
    for name, value in STRANGE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert environment.settle(2) == sorted(STRANGE)
    assert os.environ["MKL_CBWR"] == environment.MKL_CBWR
    assert [os.environ[name] for name in (*environment.THREADS, "OPENBLAS_NUM_THREADS")] == ["2", "2", "1"]
    assert os.environ["NUMBA_CACHE_DIR"] == "/somewhere"
    assert not set(STRANGE) - {"MKL_CBWR"} & set(os.environ)
