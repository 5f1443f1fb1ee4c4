"""Settings that nobody has thought of: each is read, planned and shown, or is one Fault, in little time."""

from __future__ import annotations

import copy
import shutil
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnrepro import plan, project
from rnnrepro.config import SCALES
from rnnrepro.errors import Fault

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "config"
SECONDS = 10.0  # of the processor: a busy machine gives less of it a second
MANY = 600

NUMBERS = st.sampled_from(
    [
        0,
        -1,
        1,
        2,
        3.5,
        -0.0,
        1e-320,
        1e308,
        10**9,
        -(10**12),
        2**62,
        2**63,
        10**40,
        float("inf"),
        float("nan"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "../..", "/etc/passwd", "a;touch x", "$(id)", "<script>", "{scale}", "é" * 9, "x" * 9999]
    )
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def places(tree, at=()):
    """The paths to all values within nested mappings and lists."""
    yield at
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield from places(inner, (*at, key))
    elif isinstance(tree, list):
        for number, inner in enumerate(tree):
            yield from places(inner, (*at, number))


def changed(tree, at, how, value):
    """A copy of the tree with one place dropped, replaced, copied to another name, or something added to it."""
    tree = copy.deepcopy(tree)
    if not at:
        return value
    home = tree
    for key in at[:-1]:
        home = home[key]
    key = at[-1]
    if how == "drop":
        del home[key]
    elif how == "replace":
        home[key] = value
    elif how == "rename" and isinstance(home, dict):
        home[value if isinstance(value, str) else "name"] = home.pop(key)
    elif isinstance(home[key], dict):
        home[key][str(value)[:20]] = value
    elif isinstance(home[key], list):
        home[key] = home[key] * 2 + [value]
    else:
        home[key] = [home[key], value]
    return tree


@st.composite
def mutated(draw, tree):
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(sorted(places(tree), key=str)))
        tree = changed(tree, at, draw(st.sampled_from(["drop", "replace", "rename", "add"])), draw(TREES))
        if not isinstance(tree, (dict, list)):
            return tree
    return tree


def planned(folder: Path) -> None:
    """All that is made of settings before anything is trained; only a Fault may come of it, and soon."""
    began = time.process_time()
    try:
        found = project.load(folder)
        found.check()
        for scale in SCALES:
            for cell in plan.cells(found, scale, list(found.papers)):
                assert cell.key and cell.digest and cell.estimate.runs
    except Fault as fault:
        assert str(fault).strip()
    assert time.process_time() - began < SECONDS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with the tiny configuration, and its settings and papers as trees."""
    folder = tmp_path_factory.mktemp("fuzz") / "config"
    shutil.copytree(TINY, folder)
    return folder, {
        name: yaml.safe_load((folder / name).read_text())
        for name in ("config.yaml", "papers/first.yaml", "papers/second.yaml")
    }


def check_mutated(tiny, name, data):
    folder, trees = tiny
    (folder / name).write_text(yaml.safe_dump(data.draw(mutated(trees[name]))), encoding="utf-8")
    try:
        planned(folder)
    finally:
        (folder / name).write_text(yaml.safe_dump(trees[name]))


FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", ["config.yaml", "papers/first.yaml", "papers/second.yaml"])
@given(data=st.data())
@FEW
def test_settings_with_anything_changed_are_planned_or_a_fault(tiny, name, data):
    check_mutated(tiny, name, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.yaml", "papers/first.yaml", "papers/second.yaml"])
@given(data=st.data())
@settings(FEW, max_examples=MANY)
def test_settings_with_anything_changed_are_planned_or_a_fault_many_times(tiny, name, data):
    check_mutated(tiny, name, data)
