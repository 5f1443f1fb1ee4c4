import itertools
import math

import pytest
import torch

from rnnrepro import tasks
from rnnrepro.errors import Fault
from rnnrepro.tasks.shapes import shape


@pytest.fixture
def characters(ptb, tmp_path):
    """Builds the task on the small Penn Treebank."""

    def build(batch=4, seeds=(0, 1), **settings):
        settings = {"length": 20, "evaluation_batch": 3, **settings}
        return tasks.build("characters", settings, seeds=list(seeds), batch=batch, data=tmp_path)

    return build


def numbered(symbols, order):
    number = {}
    for symbol in order:
        number.setdefault(symbol, len(number))
    return [number[symbol] for symbol in symbols]


def predictions(batches):
    """For each stream, the (input, target) pairs in the order in which they are read."""
    batches = list(batches)
    inputs, targets = (torch.cat([getattr(b, name)[1] for b in batches]) for name in ("inputs", "targets"))
    return [
        list(zip(inputs[:, i].tolist(), targets[:, i].tolist(), strict=True)) for i in range(inputs.shape[1])
    ]


@pytest.mark.parametrize("length", [1, 7, 20, 245])
def test_streams_are_contiguous_pieces_and_every_next_character_is_predicted_once(characters, ptb, length):
    task = characters(length=length)
    text = numbered(ptb["train"], ptb["train"])
    rows = len(text) // 4
    expected = [list(itertools.pairwise(text[i * rows : (i + 1) * rows])) for i in range(4)]
    assert predictions(task.batch(step) for step in range(task.steps_per_epoch)) == expected


@pytest.mark.parametrize(("split", "part"), [("validation", "valid"), ("test", "test")])
def test_evaluation_reads_its_own_streams(characters, ptb, split, part):
    text = numbered(ptb[part], ptb["train"])
    rows = len(text) // 3
    expected = [list(itertools.pairwise(text[i * rows : (i + 1) * rows])) for i in range(3)]
    assert predictions(characters().evaluation(split)) == expected


def test_the_state_starts_from_zero_at_each_epoch_and_evaluation_and_is_carried_else(characters):
    task = characters()
    steps = task.steps_per_epoch
    assert task.carries_state is True
    assert [step for step in range(3 * steps) if task.batch(step).reset] == [0, steps, 2 * steps]
    assert [b.reset for b in task.evaluation("test")] == [
        True,
        *[False] * (len(list(task.evaluation("test"))) - 1),
    ]


def test_chunks_have_the_set_length_and_the_last_one_the_rest(characters, ptb):
    task = characters(length=20)
    lengths = [task.batch(step).inputs.shape[1] for step in range(task.steps_per_epoch)]
    assert lengths[:-1] == [20] * (len(lengths) - 1)
    assert sum(lengths) == len(ptb["train"]) // 4 - 1
    assert task.batch(0).targets.shape == (2, 20, 4)


def test_an_epoch_begins_again_with_the_same_text(characters):
    task = characters()
    assert torch.equal(task.batch(task.steps_per_epoch + 2).inputs, task.batch(2).inputs)


def test_all_runs_read_one_copy_of_the_text(characters):
    inputs = characters(seeds=range(5)).batch(0).inputs
    assert inputs.shape[0] == 5
    assert inputs.stride(0) == 0


def test_a_split_can_be_cut_to_its_first_characters(characters, ptb):
    task = characters(train=200, validation=33)
    text = numbered(ptb["train"], ptb["train"])
    read = predictions(task.batch(step) for step in range(task.steps_per_epoch))
    assert read[3] == list(itertools.pairwise(text[150:200]))
    assert sum(b.targets[0].numel() for b in task.evaluation("validation")) == 30


def test_losses_add_up_over_chunks_of_different_length_to_the_mean_over_all_characters(characters):
    task = characters(length=20)
    generator = torch.Generator().manual_seed(0)
    totals, all_outputs, all_targets = {}, [], []
    for batch in task.evaluation("test"):
        outputs = torch.randn(*batch.targets.shape, task.output_size, generator=generator)
        all_outputs.append(outputs[0].flatten(0, 1))
        all_targets.append(batch.targets[0].flatten())
        for name, (total, count) in task.measure(outputs, batch).items():
            before, terms = totals.get(name, (0.0, 0.0))
            totals[name] = (before + total[0].item(), terms + count)
    outputs, targets = torch.cat(all_outputs).double(), torch.cat(all_targets)
    found = {name: total / count for name, (total, count) in totals.items()}
    expected = torch.nn.functional.cross_entropy(outputs, targets).item()
    assert math.isclose(found["cross_entropy"], expected, rel_tol=1e-6)
    assert math.isclose(found["bpc"], expected / math.log(2), rel_tol=1e-6)
    assert math.isclose(found["accuracy"], (outputs.argmax(-1) == targets).double().mean().item())


def test_guessing_costs_the_chance_level(characters):
    task = characters()
    batch = task.batch(0)
    outputs = torch.zeros(*batch.targets.shape, task.output_size)
    assert torch.allclose(task.loss_of(outputs, batch), torch.full((2,), task.chance))
    assert math.isclose(task.chance, math.log(task.output_size))


@pytest.mark.parametrize(
    ("settings", "split"), [({"batch": 600}, "train"), ({"evaluation_batch": 200}, "validation")]
)
def test_fewer_characters_than_two_a_stream_are_a_fault(characters, settings, split):
    with pytest.raises(Fault, match=f"characters of {split} are too few for"):
        characters(**settings)


@pytest.mark.parametrize(("length", "steps"), [(150, 262), (300, 131)])
def test_the_penn_treebank_at_a_batch_of_128_has_the_authors_steps_an_epoch(length, steps):
    planned = shape({"kind": "characters", "length": length}, 128)
    assert planned.steps_per_epoch == steps
    assert (planned.inputs, planned.outputs) == (50, 50)


def test_the_python_docs_need_no_folder():
    task = tasks.build("characters", {"text": "python_docs", "length": 50}, seeds=[0], batch=32)
    assert task.steps_per_epoch == math.ceil((300_000 // 32 - 1) / 50)
    assert task.input_size == task.output_size > 90


def test_words_are_read_as_characters_are(ptb_words, tmp_path):
    settings = {"length": 6, "evaluation_batch": 3, "test_batch": 1}
    task = tasks.build("words", settings, seeds=[0, 1], batch=4, data=tmp_path)
    text = numbered(ptb_words["train"], ptb_words["train"])
    rows = len(text) // 4
    expected = [list(itertools.pairwise(text[i * rows : (i + 1) * rows])) for i in range(4)]
    assert predictions(task.batch(step) for step in range(task.steps_per_epoch)) == expected
    every_word = [word for part in ("train", "valid", "test") for word in ptb_words[part]]
    assert task.input_size == task.output_size == len(set(every_word)) > 256
    test = numbered(ptb_words["test"], every_word)
    assert predictions(task.evaluation("test")) == [list(itertools.pairwise(test))]  # a single stream
    assert next(task.evaluation("validation")).inputs.shape[2] == 3


def test_bytes_are_read_as_characters_are(enwik8, tmp_path):
    task = tasks.build("characters", {"text": "enwik8", "length": 50}, seeds=[0, 1], batch=3, data=tmp_path)
    text = numbered(enwik8[:1800], enwik8)
    expected = [list(itertools.pairwise(text[i * 600 : (i + 1) * 600])) for i in range(3)]
    assert predictions(task.batch(step) for step in range(task.steps_per_epoch)) == expected
    assert task.input_size == len(set(enwik8))


def test_windows_of_drawn_length_read_the_same_text_at_their_own_pace(characters, ptb):
    task = characters(length=20, vary_length=True, evaluation_batch=3)
    first, second = (task._windows["train"].steps(epochs) for epochs in (1, 2))
    text = numbered(ptb["train"], ptb["train"])
    rows = len(text) // 4
    expected = [list(itertools.pairwise(text[i * rows : (i + 1) * rows])) for i in range(4)]
    batches = [task.batch(step) for step in range(second)]
    assert predictions(batches[:first]) == predictions(batches[first:]) == expected
    assert [step for step, batch in enumerate(batches) if batch.reset] == [0, first]
    lengths = [batch.inputs.shape[1] for batch in batches]
    assert len(set(lengths)) > 3
    whole = [step for step in range(second) if step + 1 not in (first, second)]  # the last of an epoch is cut
    assert all(batches[step].pace == lengths[step] / 20 for step in whole)
    assert {batch.inputs.shape[1] for batch in list(task.evaluation("test"))[:-1]} == {20}
    assert {batch.pace for batch in task.evaluation("test")} == {1.0}


def test_enwik8_is_planned_with_its_known_sizes():
    planned = shape({"kind": "characters", "text": "enwik8", "length": 200, "vary_length": True}, 128)
    assert (planned.inputs, planned.outputs) == (205, 205)
    assert planned.steps(35) == pytest.approx(126_000, rel=0.01)  # the card
