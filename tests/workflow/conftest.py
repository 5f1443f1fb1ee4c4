"""A folder with the tiny configuration, and Snakemake run in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a Snakemake run said, and its exit status."""

    status: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """{rule: number of jobs} of the first table of jobs; empty where nothing is to be done."""
        table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\ntotal ", self.text, re.DOTALL)
        return (
            {name: int(count) for name, count in re.findall(r"^(\S+) +(\d+)$", table[1], re.M)}
            if table
            else {}
        )

    @property
    def trained(self) -> set[str]:
        """The cells to be trained, as `arm on paper/experiment`."""
        return set(re.findall(r"Training (\S+ on \S+) at scale", self.text))


@dataclass(frozen=True)
class Folder:
    """A working folder of a pipeline whose code lies in `code`."""

    place: Path
    code: Path = ROOT

    def snakemake(self, *arguments: str) -> Said:
        """Run Snakemake there as a user would from the project's folder."""
        command = [sys.executable, "-m", "snakemake", "--directory", str(self.place), *arguments]
        done = subprocess.run(
            command, cwd=self.code, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return Said(done.returncode, done.stdout)

    def dry(self, *arguments: str) -> Said:
        """What it would do."""
        return self.snakemake("-n", *arguments)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the folder."""
        path = self.place / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))


def tiny_folder(place: Path, code: Path = ROOT) -> Folder:
    """A new folder with the tiny configuration."""
    shutil.copytree(ROOT / "tests" / "workflow" / "config", place / "config")
    return Folder(place, code)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Folder:
    """The tiny configuration, for tests that leave it as it is."""
    return tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own(tmp_path) -> Folder:
    """The tiny configuration, for a test that changes it."""
    return tiny_folder(tmp_path)
