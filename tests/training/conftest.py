"""A project of one made-up paper whose cells train in a second."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rnnrepro import plan, project

ARMS = {
    "enrnn": {
        "hidden": 10,
        "matrix": {"short": 4, "negative": 2},
        "groups": {"orthogonal": {"rate": 1.0e-2}},
    },
    "dtriv": {"hidden": 6, "matrix": {"rebase_every": 5}, "groups": {"orthogonal": {"ratio": 0.1}}},
    "lstm": {"hidden": 5},
    "rnn": {"hidden": 6, "grid": {"rate": [1.0e-3, 1.0e35]}},
}


def paper() -> dict:
    """The paper's settings."""
    arms = {name: {"optimiser": {"kind": "rmsprop_tf", "rate": 1.0e-2}, **arm} for name, arm in ARMS.items()}
    training = {"batch": 4, "steps": 20, "evaluate_every": 5, "splits": ["test"]}
    return {
        "paper": "made_up",
        "title": "A paper",
        "authors": ["A. Author"],
        "year": 2026,
        "venue": "nowhere",
        "claim": "none",
        "experiments": {
            "adding": {
                "title": "Adding",
                "seeds": 3,
                "scales": {"quick": {}},
                "models": arms,
                "training": training,
                "task": {"kind": "adding", "length": 6, "pool": 20, "test": 8},
            },
            "text": {
                "title": "Text",
                "seeds": 2,
                "scales": {"quick": {}},
                "models": {"lstm": arms["lstm"]},
                "training": {
                    **training,
                    "splits": ["validation"],
                    "schedule": "halve_on_plateau",
                    "clip": 1.0,
                },
                "task": {
                    "kind": "characters",
                    "text": "python_docs",
                    "length": 7,
                    "train": 400,
                    "validation": 200,
                    "test": 100,
                },
            },
        },
        "exhibits": {},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The made-up project's config folder."""
    (tmp_path / "config" / "papers").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("scale: quick\n")
    (tmp_path / "config" / "papers" / "made_up.yaml").write_text(yaml.safe_dump(paper()))
    return tmp_path / "config"


@pytest.fixture
def cells(folder: Path) -> dict[str, plan.Cell]:
    """Its cells by `experiment/arm`."""
    found = plan.cells(project.load(folder), "quick")
    return {f"{cell.experiment}/{cell.arm}": cell for cell in found}
