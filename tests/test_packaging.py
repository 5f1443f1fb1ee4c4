"""One set of packages, however it is installed; and nothing of one machine in the tree."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.tracked import tracked

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"pytorch": "torch", "pysoundfile": "soundfile"}


def pinned() -> dict[str, str]:
    """{package: version} of requirements.txt."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return dict(exactly(line) for line in lines if line)


def exactly(line: str) -> tuple[str, str]:
    """The package and the version of a line of requirements.txt; a marker may follow."""
    requirement = Requirement(line)
    return requirement.name, str(requirement.specifier).removeprefix("==")


def conda_pins(path: Path) -> dict[str, str]:
    """{package by its name at PyPI: version} of a conda environment, Python and pip aside."""
    entries = yaml.safe_load(path.read_text())["dependencies"]
    pins = (re.fullmatch(r"([a-z0-9-]+)=([\d.]+)", entry) for entry in entries if isinstance(entry, str))
    found = {CONDA_NAMES.get(m[1], m[1]): m[2] for m in pins if m and m[1] != "python"}
    return found | dict(exactly(line) for e in entries if isinstance(e, dict) for line in e["pip"])


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_requirement_is_pinned_with_its_reason():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+==[\d.]+( ;[^#]+)? +# \S.*", line), line


def test_triton_is_the_one_that_torchs_cuda_build_asks_for():
    """torch 2.13.0 for CUDA 13 names triton==3.7.1 in its metadata; on a machine with such a build it shows."""
    installed = importlib.metadata.requires("torch") or []
    asked = [Requirement(line) for line in installed if Requirement(line).name == "triton"]
    assert {str(r.specifier) for r in asked} <= {f"=={pinned()['triton']}"}
    assert (pinned()["torch"], pinned()["triton"]) == ("2.13.0", "3.7.1")  # to be changed together


def test_torch_is_pinned_without_a_local_suffix_so_that_pip_may_choose_the_build():
    assert "+" not in pinned()["torch"]


def test_conda_users_get_the_same_set():
    assert conda_pins(ROOT / "environment.yml") == pinned()


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "envs").glob("*.yaml")), ids=lambda p: p.name)
def test_the_environments_of_the_rules_are_parts_of_it(path):
    pins = conda_pins(path)
    assert pins and pins.items() <= pinned().items()


def test_the_rules_environments_together_hold_what_the_jobs_import():
    training, exhibits = (
        conda_pins(ROOT / "workflow" / "envs" / f"{n}.yaml") for n in ("training", "exhibits")
    )
    library = {Requirement(r).name for r in project()["dependencies"]}
    assert library <= set(training)
    assert "torch" not in exhibits  # notebooks import no torch


def test_the_pins_are_all_within_the_bounds_of_the_package_and_none_is_missing():
    bounds = [Requirement(r) for r in project()["dependencies"]]
    bounds += [Requirement(r) for extra in project()["optional-dependencies"].values() for r in extra]
    pins = pinned()
    assert {r.name for r in bounds} == set(pins)
    for requirement in bounds:
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_the_library_alone_needs_no_pipeline():
    assert {Requirement(r).name for r in project()["dependencies"]} == {
        "torch",
        "numpy",
        "scipy",
        "numba",
        "soundfile",
        "pyarrow",
        "pyyaml",
    }


def test_the_package_imports_no_snakemake():
    code = "import sys, rnnrepro.plan, rnnrepro.project, rnnrepro.cli; assert 'snakemake' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    for path in (ROOT / "rnnrepro").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


def test_planning_imports_neither_torch_nor_pandas():
    code = (
        "import sys; from rnnrepro import plan, project; p = project.load('config');"
        "[plan.cells(p, s) for s in ('quick', 'small', 'paper')];"
        "sys.exit(', '.join({'torch', 'pandas', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_command_line_trains_with_the_library_alone(tmp_path):
    """What `pip install .` brings is enough: everything of the pipeline is made impossible to import."""
    pipeline = [Requirement(r).name for r in project()["optional-dependencies"]["pipeline"]]
    names = [{"scikit-learn": "sklearn"}.get(name, name) for name in pipeline]
    code = f"""
import sys
class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent)
from rnnrepro.cli import main
sys.exit(main(["train", "first/copying", "--model", "nnrnn", "--scale", "quick", "--seed", "0",
               "--config", "tests/workflow/config", "--state", {str(tmp_path)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "finished after 20 steps" in done.stdout


def test_citation_names_every_paper_of_the_configuration():
    references = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    cited = {value["value"].removeprefix("arXiv:") for r in references for value in r.get("identifiers", [])}
    cited |= {reference["title"] for reference in references}
    papers = [yaml.safe_load(p.read_text()) for p in (ROOT / "config" / "papers").glob("*.yaml")]
    assert {paper.get("arxiv", paper["title"]) for paper in papers} <= cited


def test_no_file_names_a_place_of_the_machine_it_was_written_on():
    # /opt/rnnrepro is where the containers have the project
    places = re.compile(rb"/(work|root|opt(?!/rnnrepro\b)|home/[a-z]+)/[A-Za-z]")
    for name in tracked():
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            assert not places.search(path.read_bytes()), name
