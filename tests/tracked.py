"""The files that git tracks, whoever owns the folder: a container's root finds there a clone of its user's."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tracked() -> list[str]:
    """Names of the tracked files, from the root of the repository; fails with git's own words where it has none."""
    command = ["git", "-c", "safe.directory=*", "ls-files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"the tests need a clone, and git's program: {done.stderr}"
    return done.stdout.splitlines()
