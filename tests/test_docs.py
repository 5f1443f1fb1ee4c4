"""What the documents show works as it is written there."""

from __future__ import annotations

import re
import textwrap
from dataclasses import fields
from pathlib import Path

import yaml

from rnnrepro import conformance, tables
from rnnrepro.config import Arm, Deviation, Experiment, Phase
from rnnrepro.models import plugins
from rnnrepro.project import load

ROOT = Path(__file__).parents[1]
MODELS = set(tables.MODELS)  # before any test adds a plugin's


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def python_of(document: str) -> str:
    """The Python shown in a document."""
    (code,) = re.findall(r"```python\n(.*?)```", text_of(document), re.DOTALL)
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
    text = text_of("README.md")
    named = re.findall(r"`((?:config|workflow|rnnrepro|reference|tests)/[\w/.-]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readme_and_the_guide_to_settings_name_every_paper():
    readme, guide = (text_of(document) for document in ("README.md", "config/README.md"))
    for key, paper in load(ROOT / "config").papers.items():
        assert f"| `{key}` |" in readme and f"`{key}`" in guide
        assert not paper.arxiv or f"https://arxiv.org/abs/{paper.arxiv}" in readme


def test_the_readme_names_every_model():
    (said,) = re.findall(r"Models: (.*?)`rnnrepro list model`", text_of("README.md"), re.DOTALL)
    named = set(re.findall(r"`([a-z_]+)`", said))
    prefixes = {word for word in named if word.endswith("_")}
    named |= {prefix + base for prefix in prefixes for base in ("rnn", "lstm", "dtriv")}
    named |= {f"{word}_sparse" for word in named if word.startswith("sbo_")}
    assert named - prefixes - {"_sparse"} == MODELS


def test_the_guide_to_settings_names_all_keys_and_all_rules():
    """Of an experiment and a model, but for what stands in sentences; and the table of rules says what the rows say."""
    guide = text_of("config/README.md")
    rows = dict(re.findall(r"^\| `(\w+)`[^|]* \| (\w+)", guide, re.MULTILINE))
    assert {name: rows[name] for name in tables.NETWORK_RULES} == {
        name: tables.RULES[name].credit for name in tables.NETWORK_RULES
    }
    keys = {entry.name for form in (Experiment, Arm, Phase, Deviation) for entry in fields(form)}
    keys |= set(tables.RULE_ARGUMENTS)
    assert [key for key in sorted(keys) if f"`{key}`" not in guide and f"{key}:" not in guide] == []


def test_the_examples_of_the_guide_to_settings_are_read(tmp_path):
    shown = re.findall(r"```yaml\n(.*?)```", text_of("config/README.md"), re.DOTALL)
    adding, phased = (yaml.safe_load(textwrap.dedent(example)) for example in shown)
    reach = {
        "title": "Reaches",
        "seeds": 1,
        "models": {"leaky_rnn": {"hidden": 5, "optimiser": {"kind": "sgd", "rate": 0.01}}},
        "scales": {"quick": {}},
        **phased,
    }
    paper = {
        **{"paper": "own", "title": "t", "authors": ["a"], "year": 2020, "venue": "v", "claim": "c"},
        "experiments": {**adding["experiments"], "reach": reach},
        "exhibits": {},
    }
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "own.yaml").write_text(yaml.safe_dump(paper))
    project = load(tmp_path)
    project.check()
    assert project.experiment("own", "adding", "quick").training.steps == 1600
    assert project.experiment("own", "reach", "quick").phases[0].rule["kind"] == "hebbian"
