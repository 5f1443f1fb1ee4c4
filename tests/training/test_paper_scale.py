"""Every model of scale paper is built at its true size, and takes one real optimiser step at its true shapes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnrepro import models, plan, project, tables
from rnnrepro.datasets import activity, images, speech, texts
from rnnrepro.datasets.registry import row
from rnnrepro.tasks import speech as speech_task
from rnnrepro.tasks.sizes import shape
from rnnrepro.training.loop import train_step
from rnnrepro.training.state import begin

ROOT = Path(__file__).parents[2]


def stepped() -> dict[str, plan.Cell]:
    """One cell for each kind of task, width and composition of a model; of equal ones the one with least to compute.

    Initialisers, rates and the length of sequences change no shape of a parameter: see `built` for the first.
    """
    found: dict[str, plan.Cell] = {}
    for cell in sorted(PLANNED, key=lambda cell: sequences(cell) * cell.shape.length):
        settings = cell.runs[0].settings
        rules = [settings["model"]["rule"]["kind"], *(phase["rule"] for phase in settings.get("phases", ()))]
        shapes = [settings["task"]["kind"], *sides(cell), composition(settings["model"]), rules]
        found.setdefault(plan.digest(shapes), cell)
    return {cell.key: cell for cell in found.values()}


def built() -> dict[str, plan.Cell]:
    """One cell for each model with its initialisers and the sides of its task, but those that take a step."""
    found: dict[str, plan.Cell] = {plan.digest(kind_of(cell)): cell for cell in STEPPED.values()}
    others = {plan.digest(kind_of(cell)): cell for cell in PLANNED}
    return {cell.key: cell for known, cell in others.items() if known not in found}


def kind_of(cell: plan.Cell) -> list:
    return [*sides(cell), what_shapes(cell.runs[0].settings["model"])]


def sides(cell: plan.Cell) -> list:
    """How many numbers enter and leave a network, and whether at every step."""
    return [cell.shape.inputs, cell.shape.outputs, cell.shape.readouts > 1]


def sequences(cell: plan.Cell) -> int:
    return cell.runs[0].settings["training"]["batch"]


def composition(model: dict) -> dict:
    """What a model is made of, at which width."""
    return {key: model[key] for key in model if key.endswith("_kind") or key in SIZES}


def planned() -> list[plan.Cell]:
    """With a folder for TIMIT, so that its experiments are planned: their sizes are known without its sound."""
    with tempfile.TemporaryDirectory() as folder:
        utterance = Path(folder, "TRAIN", "DR1", "FCJF0", "SI1027.WAV")
        utterance.parent.mkdir(parents=True)
        utterance.touch()
        return plan.cells(project.load(ROOT / "config", {"corpora": {"timit": folder}}), "paper")


def what_shapes(model: dict) -> dict:
    """The settings of a model but those that differ between runs of a stack.

    Of a language model of several layers sizes and units alone: its initialisers are tested where they take less time.
    """
    if model["network"]["layers"] > 1:
        return {key: model[key] for key in (*SIZES, "update_kind")}
    apart = {part: tables.row(part, model[f"{part}_kind"]).per_run for part in tables.PARTS}
    own = {part: {k: v for k, v in model[part].items() if k not in apart[part]} for part in tables.PARTS}
    return {**model, **own}


def short(settings: dict) -> dict:
    """A language model of several layers or of words at its own widths, but over ten steps: 200 take half an hour."""
    if "text" not in settings["task"] or (
        settings["model"]["network"]["layers"] == 1 and settings["task"]["kind"] != "words"
    ):
        return settings
    return {**settings, "task": {**settings["task"], "length": 10}}


SIZES = ("hidden", "network", "embedding", "dropout")
PLANNED = planned()
STEPPED = stepped()
BUILT = built()


@pytest.fixture(autouse=True)
def data_of_the_true_sizes(monkeypatch):
    """Noise in place of the files: this is about shapes, and needs no download."""

    def noise_images(name, folder):
        sizes, rng = row(name).sizes, np.random.default_rng(0)
        draw = {split: rng.integers(0, 256, (sizes[split], 28, 28), np.uint8) for split in ("train", "test")}
        labels = {split: rng.integers(0, 10, sizes[split]).astype(np.uint8) for split in draw}
        return images.Images(draw["train"], labels["train"], draw["test"], labels["test"], white=255)

    def noise_text(name, folder, holds="characters"):
        rng, entry = np.random.default_rng(0), row(name)
        kind = np.uint8 if entry.symbols <= 256 else np.int32
        splits = {split: rng.integers(0, entry.symbols, n, kind) for split, n in entry.sizes.items()}
        return texts.Text(tuple(map(str, range(entry.symbols))), splits)

    def noise_speech(name, data, corpora, *, drop_sa):
        entry, sound = row(name), np.random.default_rng(0).integers(-99, 99, 4000, np.int16)
        names = {split: tuple(map(str, range(entry.sizes[split]))) for split in ("train", "dev", "core")}
        return speech.Corpus(names, lambda utterance: sound, entry.sample_rate, entry.longest)

    def noise_activity(name, folder):
        entry, rng = row(name), np.random.default_rng(0)
        shapes = [(entry.sizes[split], entry.steps, len(activity.CHANNELS)) for split in ("train", "test")]
        signals = [rng.standard_normal(shape, np.float32) for shape in shapes]
        classes = [rng.integers(0, entry.symbols, shape[0]) for shape in shapes]
        return activity.Activity(signals[0], classes[0], signals[1], classes[1])

    monkeypatch.setattr(activity, "load", noise_activity)
    monkeypatch.setattr(images, "load", noise_images)
    monkeypatch.setattr(speech, "load", noise_speech)
    monkeypatch.setattr(texts, "load", noise_text)


@pytest.fixture(autouse=True, scope="module")
def noise_is_not_kept():
    """The frames of the last corpus stay in memory for all stacks of a job; no other test may find this noise."""
    yield
    speech_task._prepared.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("key", STEPPED)
def test_one_real_step_at_the_true_shapes(key):
    cell = STEPPED[key]
    settings = short(cell.runs[0].settings)
    state = begin([settings], ["run"], data=None, device=torch.device("cpu"))
    expected = shape(settings["task"], settings["training"]["batch"])
    assert state.task.steps_per_epoch == expected.steps_per_epoch
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    found = train_step(state)
    assert found["loss"].isfinite().all()
    still = [name for name, value in state.network.named_parameters() if torch.equal(value, before[name])]
    assert still == [] or set(still) <= unmoved(state), still
    assert all(value.isfinite().all() for value in state.network.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("key", BUILT)
def test_every_initialiser_fills_its_parameters_at_the_true_size(key):
    cell = BUILT[key]
    model = cell.runs[0].settings["model"]
    network = models.compose(
        models.joined([model]),
        input_size=cell.shape.inputs,
        output_size=cell.shape.outputs,
        index_inputs=bool(model["embedding"]),
        readout_every=cell.shape.readouts > 1,
        generators=[torch.Generator().manual_seed(0)],
    )
    assert all(value.isfinite().all() for value in network.parameters())
    assert network.recurrence.matrix.build().isfinite().all()


def unmoved(state) -> set[str]:
    """Parameters that a first step may leave alone: without a gradient, or 0 before and after as rebased each step."""
    rebased = state.common["model"]["matrix"].get("rebase_every") == 1
    return {
        name
        for name, value in state.network.named_parameters()
        if not value.grad.any() or (rebased and name.endswith("matrix.skew"))
    }
