"""A bench of tiny sizes, measured once, and one that was invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnrepro.bench import store
from rnnrepro.cli import main

CASES = ("scan/tanh/3x20x60x120", "sweep/hidden/16", "stack/32", "step/bilevel-adding", "matrix/*")


@pytest.fixture(scope="session")
def measured(tmp_path_factory) -> Path:
    """The folder of a bench of tiny sizes."""
    folder = tmp_path_factory.mktemp("bench")
    assert main(["bench", "--quick", "--device", "cpu", *CASES, "gpu/lstm", "--output", str(folder)]) == 0
    return folder


@pytest.fixture
def whole(measured, tmp_path) -> Path:
    """The same as if it had been a whole bench of full sizes, with sweeps and stacks of some length."""
    bench = store.read(measured / store.NAME)
    rows = []
    for row in bench.rows:
        if row["group"] != "sweep":
            rows.append(dict(row))
            continue
        for n in (16, 64, 256):
            rows.append({**row, "case": f"sweep/hidden/{n}", "hidden": n, "time": 100})
            rows.append({**row, "case": f"sweep/time/{n}", "time": n})
    target = tmp_path / "results" / "bench"
    machine = {**bench.machine, "quick": False, "only": [], "device_name": "Invented(R) CPU @ 2.50GHz"}
    store.write(target / store.NAME, store.Bench(rows, machine))
    return target
