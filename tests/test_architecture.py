"""The house rules that no single module can hold: imports point downwards, and no paper is known to the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from rnnrepro.tables import MODELS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rnnrepro"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))
}

# Lower may not import higher. A module belongs to the layer of its longest matching prefix.
LAYERS = [
    {
        "environment",
        "locks",
        "errors",
        "sense",
        "checksums",
        "bounded",
        "provenance_form",
        "duration",
        "digits",
        "typed",
        "metrics",
        "initialiser_names",
    },
    {"tables"},
    {"config", "names", "own_folder", "safe_yaml", "fingerprint", "streams", "reduce", "widths"},
    {"datasets"},
    {"tasks.shapes", "tasks.sizes", "tasks.shares", "tasks.windows", "tasks.signal_sizes"},
    {
        "project",
        "checks",
        "compared",
        "cost",
        "footprint",
        "plan",
        "run_settings",
        "changes",
        "reported",
        "published",
        "csv_rows",
        "records",
        "arms",
        "restored",
        "differences",
        "site",
        "slurm",
    },
    {"heartbeat", "watching", "refusals"},
    {"initialisers"},
    {"tasks", "matrices", "drives", "updates", "scan", "rules", "optim"},
    {"models"},
    {"alike", "stacking"},
    {"analysis", "conformance"},
    {"training"},
    {"bench"},
    {"claims"},
    {"exhibits"},
    {"cli", "__main__"},
]
ALLOWED = {
    ("rnnrepro.project", "rnnrepro.models"),
    ("rnnrepro.project", "rnnrepro.models.plugins"),
    ("rnnrepro.__init__", "rnnrepro.own_folder"),
    ("rnnrepro.__init__", "rnnrepro.stacking"),
    ("rnnrepro.__init__", "rnnrepro.environment"),
}  # only when asked for: a user's plugin where one is named, rnnrepro.stack where it is used; what must be set first


def layer(name: str) -> int:
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        for level, members in enumerate(LAYERS):
            if ".".join(parts[:length]) in members:
                return level
    return -1


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name in MODULES or name.startswith(("snakemake", "papermill"))}


def test_every_module_has_a_layer():
    assert [
        name for name in MODULES if name != "rnnrepro.__init__" and layer(name.removesuffix(".__init__")) < 0
    ] == []


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downwards_and_never_to_snakemake(name):
    here = layer(name.removesuffix(".__init__"))
    for other in imports(MODULES[name]):
        assert not other.startswith("snakemake"), other
        if other.startswith("rnnrepro.") and (name, other) not in ALLOWED:
            assert layer(other) <= here, f"{name} imports {other}"


@pytest.mark.parametrize("name", MODULES)
def test_no_module_branches_on_the_name_of_a_paper_or_a_model(name):
    known = {path.stem for path in (ROOT / "config" / "papers").glob("*.yaml")} | set(MODELS)
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, (ast.If, ast.IfExp, ast.Compare, ast.Match)):
            words = {
                leaf.value
                for leaf in ast.walk(node.test if hasattr(node, "test") else node)
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            }
            assert not words & known, f"{name}:{node.lineno} branches on {words & known}"


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_stay_short(name):
    text = MODULES[name].read_text()
    assert text.count("\n") <= 320, f"{name} is {text.count(chr(10))} lines: split it"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 60, f"{name}: {node.name} is too long to read at a glance"
