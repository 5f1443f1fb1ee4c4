"""Every model of scale paper takes one real optimiser step at its true shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rnnrepro import plan, project
from rnnrepro.datasets import images, texts
from rnnrepro.datasets.registry import row
from rnnrepro.training.loop import train_step
from rnnrepro.training.state import begin

ROOT = Path(__file__).parents[2]


def distinct() -> dict[str, plan.Cell]:
    """One cell for each task, model and batch size: rates change no shape."""
    found: dict[str, plan.Cell] = {}
    for cell in plan.cells(project.load(ROOT / "config"), "paper"):
        settings = cell.runs[0].settings
        found.setdefault(
            plan.digest([settings["task"], settings["model"], settings["training"]["batch"]]), cell
        )
    return {cell.key: cell for cell in found.values()}


CELLS = distinct()


@pytest.fixture(autouse=True)
def data_of_the_true_sizes(monkeypatch):
    """Noise in place of the files: this is about shapes, and needs no download."""

    def noise_images(name, folder):
        sizes, rng = row(name).sizes, np.random.default_rng(0)
        draw = {split: rng.integers(0, 256, (sizes[split], 28, 28), np.uint8) for split in ("train", "test")}
        labels = {split: rng.integers(0, 10, sizes[split]).astype(np.uint8) for split in draw}
        return images.Images(draw["train"], labels["train"], draw["test"], labels["test"], white=255)

    def noise_text(name, folder):
        rng, entry = np.random.default_rng(0), row(name)
        splits = {
            split: rng.integers(0, entry.symbols, n).astype(np.uint8) for split, n in entry.sizes.items()
        }
        return texts.Text(tuple(map(str, range(entry.symbols))), splits)

    monkeypatch.setattr(images, "load", noise_images)
    monkeypatch.setattr(texts, "load", noise_text)


@pytest.mark.slow
@pytest.mark.parametrize("key", CELLS)
def test_one_real_step_at_the_true_shapes(key):
    cell = CELLS[key]
    state = begin([cell.runs[0].settings], ["run"], data=None, device=torch.device("cpu"))
    assert state.task.steps_per_epoch == cell.shape.steps_per_epoch
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    found = train_step(state)
    assert found["loss"].isfinite().all()
    still = [name for name, value in state.network.named_parameters() if torch.equal(value, before[name])]
    assert still == [] or set(still) <= unmoved(state), still
    assert all(value.isfinite().all() for value in state.network.parameters())


def unmoved(state) -> set[str]:
    """Parameters that a first step may leave alone: those whose gradient is exactly zero there."""
    return {name for name, value in state.network.named_parameters() if not value.grad.any()}
