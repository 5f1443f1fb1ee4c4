"""No value of the settings means anything to the shell of a job, and no name of the configuration gets that far."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnrepro import project, safe_yaml
from rnnrepro.cli.common import changes_of
from rnnrepro.errors import Fault

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "config"
# Of what `--config` itself takes as it stands: a double quote, a backslash or ` #` has a meaning to Snakemake.
EVIL = "m 'a $(touch pwned) `touch pwned`; touch pwned & {wildcards.scale} | é 😀 * > x"
WORST = EVIL + ' "b" #no: \\ \n'


def dry(place: Path, *changes: str) -> str:
    """What a dry run says, the jobs' shell commands among it."""
    shutil.copytree(TINY, place / "config")
    command = [sys.executable, "-m", "snakemake", "--directory", str(place), "-n", "-p", "--config", *changes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_any_path_reaches_a_job_as_it_was_given(tmp_path):
    said = dry(
        tmp_path, f"mirror={EVIL}", "seeds=2", f"corpora={{timit: {safe_yaml.line(WORST)}}}", "data=a b"
    )
    commands = [line.partition(":")[2] for line in said.splitlines() if "python -m rnnrepro train" in line]
    assert len(commands) >= 2, said[-2000:]
    for command in commands:
        words = shlex.split(command)
        given = [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
        found = changes_of(given)
        assert found["mirror"] == EVIL and found["seeds"] == 2 and found["data"] == "a b"
        assert found["corpora"] == {"timit": WORST}
        # all that the shell itself acts on is where the log goes
        assert shlex.split(command, posix=False)[-2:] == [words[-2], "2>&1"]
    assert not (tmp_path / "pwned").exists() and not (ROOT / "pwned").exists()


@pytest.mark.parametrize("name", ["a;touch pwned", "$(touch pwned)", "a b", "Up", "é", "{scale}", "index'"])
def test_a_papers_file_with_an_odd_name_is_a_fault(tmp_path, name):
    shutil.copytree(TINY, tmp_path / "config")
    (tmp_path / "config" / "papers" / "first.yaml").rename(tmp_path / "config" / "papers" / f"{name}.yaml")
    with pytest.raises(Fault, match="expected a name of small letters, digits and _"):
        project.load(tmp_path / "config")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  adding:", "  'adding;id':", "the experiment 'adding;id': expected a name"),
        (
            "      lstm:",
            "      '$(id)': {model: lstm, hidden: 4, optimiser: {kind: adam, rate: 0.1}}\n      lstm:",
            r"the model '\$\(id\)': expected",
        ),
        (
            "\nexhibits:\n",
            "\nexhibits:\n  index: {title: x, kind: table}\n",
            "the page of the paper has this name",
        ),
        ("\ntitle:", "\ncode: javascript:alert(1)\ntitle:", "expected an address of the web"),
    ],
)
def test_an_odd_name_within_a_paper_is_a_fault(tmp_path, old, new, said):
    shutil.copytree(TINY, tmp_path / "config")
    path = tmp_path / "config" / "papers" / "first.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(Fault, match=said):
        project.load(tmp_path / "config").check()
