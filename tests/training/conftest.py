"""A project of one made-up paper whose cells train in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
import torch
import yaml

from rnnrepro import plan, project, records
from rnnrepro.training.job import Job

ARMS = {
    "enrnn": {
        "hidden": 10,
        "matrix": {"short": 4, "negative": 2},
        "groups": {"orthogonal": {"rate": 1.0e-2}},
    },
    "dtriv": {"hidden": 6, "matrix": {"rebase_every": 5}, "groups": {"orthogonal": {"ratio": 0.1}}},
    "lstm": {"hidden": 5},
    "rnn": {"hidden": 6, "grid": {"rate": [1.0e-3, 1.0e35]}},
    "urnn_fc": {
        "hidden": 5,
        "groups": {"unitary": {"rate": 1.0e-3}},
        "grid": {"rate": [1.0e-3, 1.0e35]},
    },
}


def language_model() -> dict:
    """Settings of a small model with all that AWD-LSTM has; at this rate averaging soon begins."""
    return {
        "hidden": 8,
        "embedding": {"size": 6},
        "network": {"layers": 3, "last": 6, "tied": True},
        "dropout": {"input": 0.2, "hidden": 0.2, "output": 0.2, "embedding": 0.1, "recurrent": 0.3},
        "optimiser": {"kind": "sgd", "rate": 60.0, "weight_decay": 1.2e-6},
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
                "analyses": ["spectrum", "gradient_start", "spectral_radius"],
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
            "language": {
                "title": "A language model",
                "seeds": 2,
                "scales": {"quick": {}},
                "models": {"lstm": language_model()},
                "training": {
                    "batch": 2,
                    "epochs": 4,
                    "splits": ["validation", "test"],
                    "clip": 0.25,
                    "activation_penalty": 2.0,
                    "temporal_penalty": 1.0,
                    "averaging": "nonmonotonic",
                    "averaging_window": 1,
                    "schedule": "drop",
                    "milestones": [2],
                    "drop_factor": 10.0,
                },
                "task": {
                    "kind": "characters",
                    "text": "python_docs",
                    "length": 10,
                    "vary_length": True,
                    "test_batch": 1,
                    "train": 120,
                    "validation": 60,
                    "test": 40,
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


@dataclass
class StopsAfter(Job):
    """A job that is asked to stop after so many steps."""

    steps: int = 10**9

    def stop_asked(self) -> bool:
        self.steps -= 1
        if self.steps <= 0:
            self.stopping = "the test says so"
        return super().stop_asked()


@pytest.fixture
def job() -> Callable[..., StopsAfter]:
    """`job(root, **options)`: a silent job on the processor, on one thread."""

    def make(root: Path, **options) -> StopsAfter:
        torch.set_num_threads(1)
        return StopsAfter(root=root, device=torch.device("cpu"), say=lambda text: None, **options)

    return make


@pytest.fixture
def rows_of() -> Callable[[records.CellRecords], bytes]:
    """The rows of a record byte for byte: a value that is not a number equals itself here."""

    def rows(record: records.CellRecords) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, record.table.schema.remove_metadata()) as stream:
            stream.write_table(record.table.combine_chunks())
        return sink.getvalue().to_pybytes()

    return rows


@pytest.fixture
def tables(rows_of) -> Callable[[list[records.CellRecords]], list[bytes]]:
    """The rows of several records, each as `rows_of` has it."""
    return lambda found: [rows_of(record) for record in found]
