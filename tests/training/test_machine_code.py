"""Machine code on disk that is not what was written there is compiled again, never run."""

from __future__ import annotations

import importlib.util

import pytest
from numba.core import caching

from rnnrepro.training import machine_code

TEXT = "from numba import njit\n\n@njit(cache=True)\ndef twice(x):\n    return 2 * x\n"


@pytest.fixture
def twice(tmp_path, monkeypatch):
    """`twice()`: the function of a module in `tmp_path`, as a process would have it that starts now."""
    monkeypatch.setattr(caching, "IndexDataCacheFile", caching.IndexDataCacheFile)
    machine_code.check()
    path = tmp_path / "doubling.py"
    path.write_text(TEXT)

    def load():
        spec = importlib.util.spec_from_file_location("doubling", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.twice(21) == 42
        return module.twice.stats

    return load


def kept(folder, ending: str):
    (path,) = folder.rglob(f"*{ending}")
    return path


def flip(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_one_process_compiled_the_next_loads(twice):
    assert sum(twice().cache_hits.values()) == 0
    assert sum(twice().cache_hits.values()) == 1


@pytest.mark.parametrize("ending", [".nbi", ".nbc", ".nbi.sha256", ".nbc.sha256"])
@pytest.mark.parametrize(
    "damage",
    [flip, lambda path: path.write_bytes(path.read_bytes()[:9]), lambda path: path.unlink()],
    ids=["flipped", "truncated", "gone"],
)
def test_what_is_damaged_is_compiled_again_and_kept_again(twice, tmp_path, ending, damage):
    twice()
    damage(kept(tmp_path, ending))
    assert sum(twice().cache_hits.values()) == 0
    assert sum(twice().cache_hits.values()) == 1


def test_bytecode_of_generated_modules_goes_and_machine_code_stays(twice, tmp_path):
    twice()
    bytecode = kept(tmp_path, ".nbc").with_name("doubling.cpython-311.pyc")
    bytecode.write_bytes(b"anything")
    machine_code.drop_bytecode(tmp_path)
    assert not bytecode.exists() and kept(tmp_path, ".nbc")
