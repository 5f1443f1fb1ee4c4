"""Alignments, masks and averages of the speech task, on utterances whose frames are counted by hand."""

import numpy as np
import pytest
import torch

from rnnrepro import tasks
from rnnrepro.datasets import speech as corpora
from rnnrepro.errors import Fault
from rnnrepro.tasks import frames
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.shapes import frame_count

LENGTHS = {"train": [3, 5, 4, 6, 3, 4], "dev": [4, 7], "core": [5, 3, 4]}
FLOOR = -50.0


@pytest.fixture
def counting(monkeypatch):
    """A corpus whose frame t of utterance u is 100 u + t in every bin; utterances are numbered over the splits."""
    numbers = iter(range(99))
    splits = {s: tuple(f"{next(numbers)} {n}" for n in lengths) for s, lengths in LENGTHS.items()}
    longest = {s: max(lengths) for s, lengths in LENGTHS.items()}
    corpus = corpora.Corpus(splits, lambda name: np.array(name.split(), np.int16), 8000, longest)

    def counted(samples, sample_rate, *, window, frames, **_):
        ramp = 100.0 * samples[0] + np.arange(samples[1], dtype=np.float32)
        return np.repeat(ramp[:, None], window // 2 + 1, 1).astype(np.float32)[:frames]

    from rnnrepro.tasks import speech

    speech._prepared.cache_clear()
    monkeypatch.setattr(corpora, "load", lambda *a, **k: corpus)
    monkeypatch.setattr(frames, "log_magnitudes", counted)
    monkeypatch.setattr(speech, "frame_count", lambda samples, *a, **k: samples)
    yield
    speech._prepared.cache_clear()


def make(*seeds, batch=2, **settings):
    return tasks.build("speech", {"window": 4, "hop": 2, **settings}, seeds=seeds or [0], batch=batch)


def first_bin(batch, run=0):
    """Inputs, targets and lengths of each sequence, as lists."""
    return [
        (
            batch.inputs[run, :, b, 0].tolist(),
            batch.targets[run, :, b, 0].tolist(),
            int(batch.lengths[run, b]),
        )
        for b in range(batch.inputs.shape[2])
    ]


def test_prediction_gives_the_next_frame_as_long_as_there_is_one(counting):
    (dev,) = make().evaluation("dev")
    assert dev.inputs.shape == dev.targets.shape == (1, 6, 2, 3)
    short, long = first_bin(dev)
    assert short == (
        [600, 601, 602, 603, FLOOR, FLOOR],
        [601, 602, 603, FLOOR, FLOOR, FLOOR],
        3,
    )
    assert long == ([700, 701, 702, 703, 704, 705], [701, 702, 703, 704, 705, 706], 6)


def test_padded_predicts_the_padding_after_the_last_frame_too(counting):
    (dev,) = make(alignment="padded").evaluation("dev")
    short, long = first_bin(dev)
    assert short == (
        [600, 601, 602, 603, FLOOR, FLOOR, FLOOR],
        [601, 602, 603, FLOOR, FLOOR, FLOOR, FLOOR],
        4,
    )
    assert long == (
        [700, 701, 702, 703, 704, 705, 706],
        [701, 702, 703, 704, 705, 706, FLOOR],
        7,
    )


def test_recall_reads_the_next_frame_and_gives_the_present_one(counting):
    (dev,) = make(alignment="recall").evaluation("dev")
    predicted = next(make(alignment="padded").evaluation("dev"))
    assert torch.equal(dev.inputs, predicted.targets)
    assert torch.equal(dev.targets, predicted.inputs)
    assert torch.equal(dev.lengths, predicted.lengths)


def test_utterances_are_cut_to_their_first_frames(counting):
    (dev,) = make(frames=5).evaluation("dev")
    short, long = first_bin(dev)
    assert short[2] == 3
    assert long == ([700, 701, 702, 703], [701, 702, 703, 704], 4)


def test_means_are_over_the_frames_that_count_or_over_all_of_them(counting):
    """Two utterances of 4 and 7 frames in prediction: 3 and 6 of 2 × 6 steps count; errors 1 and 2 in every bin."""
    found = {}
    for average in ("valid", "padded"):
        task = make(average=average)
        (dev,) = task.evaluation("dev")
        error = torch.tensor([1.0, 2.0])[None, None, :, None]
        outputs = (dev.targets + error).requires_grad_()
        loss = task.loss_of(outputs, dev)
        loss.sum().backward()
        found[average] = loss.item()
        measured = {
            name: (total / count).item() for name, (total, count) in task.measure(outputs, dev).items()
        }
        assert measured["mse_valid"] == pytest.approx((3 * 1 + 6 * 4) / 9)
        assert measured["mse_padded"] == pytest.approx((3 * 1 + 6 * 4) / 12)
        assert measured["mse"] == measured[f"mse_{average}"] == pytest.approx(found[average])
        terms = {"valid": 9, "padded": 12}[average] * 3
        expected = torch.where(
            torch.arange(6)[:, None, None] < torch.tensor([3, 6])[:, None], 2 * error[0] / terms, 0.0
        )
        torch.testing.assert_close(outputs.grad[0], expected.expand(6, 2, 3), rtol=1e-6, atol=0)


def test_what_stands_in_the_padding_bears_on_nothing(counting):
    task = make()
    (dev,) = task.evaluation("dev")
    outputs = torch.randn(dev.targets.shape, generator=torch.Generator().manual_seed(0))
    other = outputs.clone()
    other[:, 3:, 0] = 1e6  # the steps of the short utterance that do not count
    assert torch.equal(task.loss_of(outputs, dev), task.loss_of(other, dev))


def test_sums_over_chunks_are_the_sums_over_the_split(counting, monkeypatch):
    from rnnrepro.tasks import speech

    task = make(1, 2, alignment="padded")
    answer = 612.0
    whole = [task.measure(torch.full_like(b.targets, answer), b) for b in task.evaluation("core")]
    monkeypatch.setattr(speech, "EVALUATION_BATCH", 1)
    parts = [task.measure(torch.full_like(b.targets, answer), b) for b in task.evaluation("core")]
    assert (len(whole), len(parts)) == (1, 3)
    for name in task.metrics:
        for place in (0, 1):
            torch.testing.assert_close(sum(part[name][place] for part in parts), whole[0][name][place])


def test_the_chance_level_is_the_loss_of_the_mean_spectrum(counting):
    targets = [100 * u + t for u, n in enumerate(LENGTHS["train"]) for t in range(1, n)]
    assert make().chance == pytest.approx(np.var(targets))
    padded = [
        value
        for u, n in enumerate(LENGTHS["train"])
        for value in [*(100 * u + t for t in range(1, n)), FLOOR]
    ]
    assert make(alignment="padded").chance == pytest.approx(np.var(padded))
    every = len(LENGTHS["train"]) * max(LENGTHS["train"])
    assert make(alignment="padded", average="padded").chance == pytest.approx(
        np.var(padded) * len(padded) / every
    )
    assert make(alignment="recall").chance == pytest.approx(
        np.var([100 * u + t for u, n in enumerate(LENGTHS["train"]) for t in range(n)])
    )


def test_an_epoch_visits_each_utterance_once_in_an_order_of_the_run(counting):
    task = make(0, 1, 0, batch=3)
    assert task.steps_per_epoch == 2
    orders = []
    for epoch in (0, 1):
        batches = [task.batch(2 * epoch + step) for step in (0, 1)]
        first = torch.cat([b.inputs[:, 0, :, 0] for b in batches], 1) // 100
        assert torch.equal(first.sort(1).values, torch.arange(6.0).expand(3, 6))
        assert torch.equal(first[0], first[2])  # runs of one seed see the same
        orders += [tuple(first[0].tolist()), tuple(first[1].tolist())]
    assert len(set(orders)) == 4
    lengths = torch.tensor(LENGTHS["train"])[first[:, 3:].long()] - 1
    assert torch.equal(batches[1].lengths, lengths)


def test_a_part_of_each_split_is_taken_and_an_empty_one_is_not_evaluated(counting):
    task = make(train=3, dev=0, core=2)
    assert task.evaluation_splits == ("core",)
    assert task.facts["utterances"] == {"train": 3, "dev": 0, "core": 2}
    assert task.facts["frames"] == {"train": 3 + 4 + 3, "dev": 0, "core": 5 + 3}
    starts = {row[0][0] // 100 for step in range(3) for row in first_bin(task.batch(step))}
    assert starts == {0, 2, 4}
    assert task.batch(0).inputs.shape[1] == max(LENGTHS["train"]) - 1  # padded as the whole split is
    with pytest.raises(Fault, match="there are no utterances to train on"):
        make(train=0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alignment": "predict"}, "speech: unknown alignment 'predict'; did you mean 'prediction'"),
        ({"average": "pad"}, "speech: unknown average 'pad'"),
        ({"window": 5}, "expected a positive rate, an even window"),
        ({"corpus": "mnist"}, "unknown data set of speech 'mnist'; known: fsdd, timit"),
        ({"corpus": "timit"}, "TIMIT .* is licensed and not here: put its folder under `corpora"),
        ({"corpus": "fsdd"}, "data set fsdd needs a data folder"),
    ],
)
def test_settings_that_cannot_be_met_are_faults(settings, said):
    with pytest.raises(Fault, match=said):
        tasks.build("speech", settings, seeds=[0], batch=2)


def test_timit_is_read_from_its_folder_at_eight_kilohertz(tiny_timit, sounds, data):
    task = tasks.build("speech", {"corpus": "timit"}, seeds=[0], batch=4, corpora={"timit": str(tiny_timit)})
    assert task.facts["utterances"] == {"train": 16, "dev": 16, "core": 8}
    (core,) = task.evaluation("core")
    samples = sounds.noise("MDAB0SI203", 700 + 97 * 2 + 13 * 2)
    expected = frames.log_magnitudes(samples, 16_000, rate=8000, window=256, hop=128)
    assert len(expected) == frame_count(len(samples), 16_000, rate=8000, window=256, hop=128)
    count = int(core.lengths[0, 0])
    assert count == len(expected) - 1
    assert np.array_equal(core.inputs[0, :count, 0].numpy(), expected[:-1])
    assert np.array_equal(core.targets[0, :count, 0].numpy(), expected[1:])


def test_other_tasks_have_no_lengths():
    task = tasks.build("adding", {"length": 5}, seeds=[0, 0], batch=2)
    assert task.batch(0).lengths is None
    assert Batch(torch.zeros(1), torch.zeros(1)).lengths is None
