"""Each rule's jobs run with the packages of its environment file alone: every other package is hidden from Python.

No conda is needed for it, and none has solved these files.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def beside(name: str, place: Path):
    spec = importlib.util.spec_from_file_location(name, place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


only = beside("only", ROOT / "tests" / "only.py")
packaging_tests = beside("packaging_tests", ROOT / "tests" / "test_packaging.py")


def environment(tmp_path: Path, name: str) -> dict[str, str]:
    pins = packaging_tests.conda_pins(ROOT / "workflow" / "envs" / f"{name}.yaml")
    hook = only.hook(tmp_path / name, pins)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join([str(hook), str(ROOT)])}


def command(work: Path, environment: dict[str, str], *words: str) -> None:
    """`rnnrepro WORDS`, as the rules call it."""
    done = subprocess.run(
        ["python", "-m", "rnnrepro", *words], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def test_what_an_environment_lacks_is_hidden(tmp_path):
    found = environment(tmp_path, "exhibits")
    code = "import numpy, pandas, papermill, zmq, rnnrepro.plan\nimport torch"
    done = subprocess.run(["python", "-c", code], env=found, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No module named 'torch' in this environment" in done.stderr


@pytest.mark.parametrize("name", ["training", "exhibits"])
def test_each_environment_can_plan(tmp_path, name):
    """Every job finds its cells in the plan, which reads checksums of data that come with packages."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "tests" / "workflow" / "config", work / "config")
    command(work, environment(tmp_path, name), "plan", "--scale", "quick")


def test_every_rule_that_runs_a_job_names_an_environment():
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            named = re.findall(r'conda:\s*"\.\./envs/(\w+)\.yaml"', rule)
            trains = rule.split(":")[0] in ("train", "fetch")
            assert named == ["training" if trains else "exhibits"], rule.split(":")[0]


@pytest.mark.slow
def test_jobs_import_nothing_but_the_packages_of_their_rule(tmp_path):
    work = tmp_path / "work"
    shutil.copytree(ROOT / "tests" / "workflow" / "config", work / "config")
    training, exhibits = (environment(tmp_path, name) for name in ("training", "exhibits"))
    from rnnrepro import plan, project
    from rnnrepro.exhibits import made

    found = project.load(work / "config")
    results = work / "results" / "quick"
    for cell in plan.cells(found, "quick"):
        place = ["--output", str(results / cell.path), "--costs", str(results / cell.cost_path)]
        words = [
            f"{cell.paper}/{cell.experiment}",
            "--model",
            cell.name,
            "--scale",
            "quick",
            "--device",
            "cpu",
        ]
        command(work, training, "train", *words, "--state", "state/quick", *place)
    for paper in found.papers:
        for exhibit in made(found, "quick", paper):
            command(work, exhibits, "exhibit", paper, exhibit, "--scale", "quick")
    out = str(results / "out")
    command(work, exhibits, "claims", "--scale", "quick", "--output", str(results / "claims.csv"))
    command(work, exhibits, "metrics", "--scale", "quick", "--output", out)
    for paper in found.papers:
        page = str(results / paper / "index.html")
        command(work, exhibits, "page", paper, "--scale", "quick", "--output", page)
    command(work, exhibits, "report", "--scale", "quick", "--output", out)
