"""The kernels as a GPU would get them: the interpreter runs what no compiler may take. Compiling needs no GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("compiled_gpu.py")
SHARED = 227 * 1024  # bytes that a program may take on an H100

CASES = [
    ("modrelu", 16, "ieee"),
    ("modrelu", 52, "ieee"),
    ("modrelu", 100, "ieee"),
    ("modrelu", 128, "ieee"),
    ("modrelu", 128, "tf32x3"),
    ("modrelu", 128, "tf32"),
    ("modrelu", 512, "ieee"),
    ("tanh", 128, "ieee"),
    ("relu", 100, "ieee"),
    ("elu", 128, "ieee"),
    ("lstm", 32, "ieee"),
    ("lstm", 64, "ieee"),
    ("lstm", 64, "tf32x3"),
    ("lstm", 128, "ieee"),
    ("bilevel_sgd", 64, "ieee"),
    ("bilevel_snag", 128, "ieee"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("update", "units", "precision"), CASES)
def test_kernels_compile_fit_in_a_multiprocessor_and_keep_their_registers(
    update: str, units: int, precision: str, tmp_path: Path
) -> None:
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, SCRIPT, update, str(units), precision],
        env=environment | {"PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kernels = json.loads(done.stdout)
    resident = units <= 128 and (update != "lstm" or units <= 64)
    assert ("resident forward" in kernels) == resident
    for name, taken in kernels.items():
        assert taken["shared"] <= SHARED, name
        # Two stages of 128 units spill a little; a product that does not fit in registers spills kilobytes.
        assert taken["stack"] <= 320, name
