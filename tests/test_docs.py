"""What the documents show works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

from rnnrepro import conformance
from rnnrepro.models import plugins

ROOT = Path(__file__).parents[1]


def python_of(document: str) -> str:
    """The Python shown in a document."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    return code


def test_the_model_in_contributing_passes_the_conformance_table(tmp_path):
    path = tmp_path / "model_of_contributing.py"
    path.write_text(python_of("CONTRIBUTING.md"))
    for name in plugins.load(path).models:
        assert [check for check in conformance.check_model(name) if not check.ok] == []


def test_the_library_example_of_the_readme_runs():
    names: dict = {}
    exec(python_of("README.md"), names)
    assert names["output"].shape == (220, 16, 128)
    assert names["h_n"].shape == (1, 16, 128)


def test_every_path_that_the_readme_names_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:config|workflow|rnnrepro|reference|tests)/[\w/.-]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
