import math

import pytest
import torch

from rnnrepro import tasks
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch


def copying(batch=4, seeds=(0, 1), **settings):
    return tasks.build("copying", settings, seeds=list(seeds), batch=batch)


def spelt_out(answer, before, after, alphabet):
    """Input and target of one sequence, symbol by symbol."""
    inputs = [*answer, *[0] * before, alphabet + 1, *[0] * after]
    targets = [0] * (len(inputs) - len(answer)) + list(answer)
    return inputs, targets


@pytest.mark.parametrize(
    ("symbols", "alphabet", "before", "after"),
    [(10, 8, 99, 10), (10, 8, 199, 10), (5, 2, 0, 4), (1, 1, 3, 0), (3, 20, 4, 9)],
)
@pytest.mark.parametrize("pool", [None, 7])
def test_every_position_is_as_spelt_out(symbols, alphabet, before, after, pool):
    form = {"symbols": symbols, "alphabet": alphabet, "blanks_before_cue": before, "blanks_after_cue": after}
    task = copying(**form, pool=pool, test=3)
    for batch in (task.batch(2), *task.evaluation("test")):
        for run in range(2):
            for sequence in range(batch.inputs.shape[2]):
                found = batch.inputs[run, :, sequence].tolist()
                answer = found[:symbols]
                assert set(answer) <= set(range(1, alphabet + 1))
                expected = spelt_out(answer, before, after, alphabet)
                assert (found, batch.targets[run, :, sequence].tolist()) == expected


@pytest.mark.parametrize("delay", [100, 200, 1000, 2000])
def test_a_delay_of_t_has_length_t_plus_20_its_cue_at_t_plus_9_and_the_known_chance(delay):
    task = copying(blanks_before_cue=delay - 1, test=1)
    inputs = task.batch(0).inputs
    assert inputs.shape[1] == delay + 20
    assert (inputs[:, delay + 9] == 9).all()
    assert ((inputs == 9).sum(1) == 1).all()
    assert (task.input_size, task.output_size) == (10, 9)
    assert math.isclose(task.chance, 10 * math.log(8) / (delay + 20))


def test_momentum_rnns_form_answers_from_the_cue_on():
    task = copying(symbols=10, blanks_before_cue=1000, blanks_after_cue=9)
    batch = task.batch(0)
    assert batch.inputs.shape[1] == 1000 + 2 * 10
    assert (batch.inputs[:, -10] == 9).all()
    assert (batch.targets[:, -10] > 0).all()


def test_blanks_until_the_answer_and_guesses_there_cost_the_chance_level():
    task = copying(batch=50)
    batch = task.batch(0)
    outputs = torch.full((*batch.targets.shape, 9), -60.0)
    outputs[:, :-10, :, 0] = 60.0
    outputs[:, -10:, :, 1:] = 0.0
    assert torch.allclose(task.loss_of(outputs, batch), torch.full((2,), task.chance), rtol=1e-5)


def test_accuracy_counts_the_steps_of_the_answer_alone():
    task = copying(symbols=4, alphabet=3, blanks_before_cue=5, blanks_after_cue=4)
    batch = task.batch(0)
    outputs = torch.nn.functional.one_hot(batch.targets, 4).float()
    outputs[:, :-4] = torch.tensor([0.0, 1.0, 0.0, 0.0])  # wrong at every blank: not counted
    outputs[0, -1] = torch.tensor([1.0, 0.0, 0.0, 0.0])  # wrong at the last step of the first run
    hits, count = task.measure(outputs, batch)["accuracy"]
    assert (hits / count).tolist() == [0.75, 1.0]


def test_without_a_test_the_training_batch_is_all_that_is_measured():
    assert copying(test=0).evaluation_splits == ()
    assert copying(test=5).evaluation_splits == ("test",)


def test_a_pool_is_visited_in_order_again_and_again():
    task = copying(batch=3, pool=5, test=0)
    rows = torch.cat([task.batch(step).inputs for step in range(5)], 2)
    assert torch.equal(rows[:, :, :5], rows[:, :, 5:10])
    assert torch.equal(rows[:, :, :5], rows[:, :, 10:15])
    assert len({tuple(rows[0, :, i].tolist()) for i in range(5)}) == 5
    assert task.steps_per_epoch == 1
    assert copying(batch=20, pool=20_000).steps_per_epoch == 1000


def test_a_pool_may_be_visited_in_a_new_order_each_epoch():
    task = copying(batch=6, pool=6, reshuffle=True, test=0)
    epochs = [task.batch(step).inputs.transpose(1, 2).tolist() for step in range(3)]
    assert [sorted(run) for run in epochs[0]] == [sorted(run) for run in epochs[1]]
    assert any(epochs[0][run] != epochs[1][run] for run in range(len(epochs[0])))


def test_fresh_data_are_new_each_step_and_have_no_epoch():
    task = copying()
    assert task.steps_per_epoch is None
    assert not torch.equal(task.batch(0).inputs, task.batch(1).inputs)


def test_the_test_comes_in_hundreds_and_is_apart_from_training():
    task = copying(test=250, batch=100)
    chunks = list(task.evaluation("test"))
    assert [chunk.inputs.shape[2] for chunk in chunks] == [100, 100, 50]
    assert not torch.equal(chunks[0].inputs, chunks[1].inputs)
    assert not torch.equal(chunks[0].inputs, task.batch(0).inputs)


def test_symbols_are_uniform_on_the_alphabet():
    drawn = copying(batch=5000).batch(0).inputs[:, :10]
    counts = torch.bincount(drawn.flatten(), minlength=10)[1:9].double()
    assert counts.sum() == drawn.numel()
    chi_squared = ((counts - drawn.numel() / 8) ** 2 / (drawn.numel() / 8)).sum()
    assert chi_squared < 24.3  # 99.9 % of chi-squared with 7 degrees of freedom


def test_too_few_steps_for_the_answer_are_a_fault():
    with pytest.raises(Fault, match=r"8 blanks after the cue leave no room for 10 symbols; .* at least 9"):
        copying(blanks_after_cue=8)


def test_evaluated_and_trained_batches_do_not_carry_a_state():
    task = copying(test=2)
    assert task.carries_state is False
    assert all(isinstance(b, Batch) and b.reset for b in (task.batch(0), *task.evaluation("test")))
