"""The container recipes and the CI workflow: their form, and that what they name is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.tracked import tracked

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "container" / "Dockerfile"
RECIPE = ROOT / "container" / "rnnrepro.def"
RUN = ROOT / "container" / "run.sh"
INSTRUCTIONS = {"ARG", "FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "USER", "ENTRYPOINT", "CMD"}
SECTIONS = {"arguments", "files", "post", "environment", "runscript", "test", "labels", "help"}


def instructions() -> list[tuple[str, str]]:
    """(instruction, what follows it) of the Dockerfile, lines that go on joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(" ", 1)) for line in joined.splitlines()]


def sections() -> dict[str, list[str]]:
    """The lines of each section of Apptainer's recipe; "" is its header."""
    here: list[str] = []
    found = {"": here}
    for line in RECIPE.read_text().splitlines():
        if line.startswith("%"):
            found[line[1:].strip()] = here = []
        elif line.strip() and not line.startswith("#"):
            here.append(line.strip())
    return found


def copied_by_docker() -> dict[str, str]:
    return {words[0]: words[1] for name, rest in instructions() if name == "COPY" for words in _pairs(rest)}


def _pairs(rest: str) -> list[tuple[str, str]]:
    *sources, target = rest.split()
    return [(source, target) for source in sources]


def parses_as_shell(text: str, shell: str = "bash") -> None:
    done = subprocess.run([shell, "-n"], input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_dockerfile_has_known_instructions_in_a_form_that_docker_reads():
    names = [name for name, _ in instructions()]
    assert set(names) == INSTRUCTIONS
    assert names[:2] == ["ARG", "FROM"]
    for name, rest in instructions():
        if name == "RUN":
            parses_as_shell(rest)
        if name in ("ENTRYPOINT", "CMD"):
            assert rest[0] + rest[-1] == "[]" and isinstance(yaml.safe_load(rest), list)
        if name == "ENV":
            assert all("=" in word for word in shlex.split(rest))


def test_the_image_runs_as_a_user_who_cannot_change_the_code():
    found = instructions()
    order = [name for name, _ in found]
    assert ("USER", "1000") in found
    assert any("useradd --create-home --uid 1000 " in rest for name, rest in found if name == "RUN")
    assert order.index("USER") > max(i for i, name in enumerate(order) if name in ("RUN", "COPY"))
    assert not any("chown" in rest and "/opt" in rest for _, rest in found)


def test_apptainers_recipe_has_a_header_and_known_sections():
    found = sections()
    assert [line.split(":")[0] for line in found[""]] == ["Bootstrap", "From"]
    assert set(found) - {""} == SECTIONS
    for name in ("post", "environment", "runscript", "test"):
        text = "\n".join(found[name])
        parses_as_shell(re.sub(r"\{\{ \w+ \}\}", "x", text), "sh")
    named = set(re.findall(r"\{\{ (\w+) \}\}", RECIPE.read_text()))
    assert named == {line.split("=")[0] for line in found["arguments"]}


def test_both_recipes_start_from_the_same_tag_and_copy_the_same_files_which_are_there():
    base = dict(line.split("=", 1) for line in sections()["arguments"])["BASE"]
    assert ("ARG", f"BASE={base}") in instructions()
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", base)
    by_apptainer = {line.split()[0] for line in sections()["files"]}
    assert set(copied_by_docker()) == by_apptainer
    for source in by_apptainer:
        assert any(f == source or f.startswith(f"{source}/") for f in tracked()), source
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == by_apptainer
    assert "*" in ignored


def test_the_run_script_is_shell_and_refuses_a_folder_that_is_not_there(tmp_path):
    parses_as_shell(RUN.read_text())
    done = subprocess.run(
        ["bash", RUN, "-n"],
        env={**os.environ, "RNNREPRO_WORK": str(tmp_path / "no")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*/no is no folder that user \d+ may write to; mount .*\n", done.stderr)


@pytest.mark.parametrize("kept", [False, True])
def test_settings_are_copied_into_the_folder_once_and_never_overwritten(tmp_path, kept):
    if kept:
        (tmp_path / "config").mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "RNNREPRO_WORK": str(tmp_path)}
    done = subprocess.run(
        ["bash", RUN, "rnnrepro", "--help"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "usage: rnnrepro" in done.stdout
    assert (tmp_path / "config" / "config.yaml").exists() is not kept


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def test_the_ci_workflow_runs_what_ci_run_does():
    jobs = workflow()["jobs"]
    assert [step["run"] for step in jobs["all"]["steps"] if "run" in step] == [".ci/run"]
    assert [step["run"] for step in jobs["newer"]["steps"] if "run" in step] == ["make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    pythons = {"3.11", *jobs["newer"]["strategy"]["matrix"]["python"]}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted.startswith(f">={min(pythons)}")


def test_the_ci_workflow_may_read_and_has_limits_and_no_secrets():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert workflow()["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    for job in workflow()["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            assert set(step) <= {"uses", "with", "run"}
            assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_the_catalogues_file_has_its_keys_and_what_it_asks_for_is_there():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    methods = usage["software-stack-deployment"]
    assert set(methods) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert methods["conda"] is True and methods["apptainer"] is False
    assert (ROOT / "workflow" / "Snakefile").exists() and (ROOT / "config" / "README.md").exists()
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme
