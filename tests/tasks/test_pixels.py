import math

import numpy as np
import pytest
import torch

from rnnrepro import tasks
from rnnrepro.datasets import images
from rnnrepro.errors import Fault
from rnnrepro.tasks.pixels import pooled


@pytest.fixture
def pixels(mnist, tmp_path):
    """Builds the task on the small MNIST."""

    def build(batch=4, seeds=(0, 1), **settings):
        return tasks.build(
            "pixels", {"images": "mnist", **settings}, seeds=list(seeds), batch=batch, data=tmp_path
        )

    return build


def trained_on(task, epoch=0):
    """The training images (n, T) and classes (n,) of the first run in the order of their visits."""
    steps = range(epoch * task.steps_per_epoch, (epoch + 1) * task.steps_per_epoch)
    batches = [task.batch(step) for step in steps]
    return torch.cat([b.inputs[0, :, :, 0].T for b in batches]), torch.cat([b.targets[0] for b in batches])


def evaluated_on(task, split):
    batches = list(task.evaluation(split))
    return torch.cat([b.inputs[1, :, :, 0].T for b in batches]), torch.cat([b.targets[1] for b in batches])


def grey(levels):
    return torch.from_numpy(levels.reshape(len(levels), -1).astype(np.float32) / np.float32(255))


def test_pixels_are_read_row_by_row_in_zero_to_one(pixels, mnist):
    found, classes = trained_on(pixels(reshuffle=False))
    assert torch.equal(found, grey(mnist[0]))
    assert classes.tolist() == mnist[1].tolist()
    found, classes = evaluated_on(pixels(), "test")
    assert torch.equal(found, grey(mnist[2]))
    assert classes.tolist() == mnist[3].tolist()


def test_a_permutation_is_that_of_numpys_random_state_for_every_image(pixels, mnist):
    order = np.random.RandomState(92916).permutation(16)
    task = pixels(permutation=92916, reshuffle=False)
    assert torch.equal(trained_on(task)[0], grey(mnist[0].reshape(40, 16)[:, order]))
    assert torch.equal(evaluated_on(task, "test")[0], grey(mnist[2].reshape(12, 16)[:, order]))


def test_each_seed_may_read_the_pixels_in_an_order_of_its_own(pixels, mnist):
    task = pixels(seeds=(7, 3), permutation="per_seed", reshuffle=False)
    for run, seed in enumerate((7, 3)):
        order = np.random.RandomState(seed).permutation(16)
        expected = grey(mnist[0].reshape(40, 16)[:4][:, order])
        assert torch.equal(task.batch(0).inputs[run, :, :, 0].T, expected)
        assert torch.equal(task.take([run]).batch(0).inputs[0, :, :, 0].T, expected)
        shown = torch.cat([b.inputs[run, :, :, 0].T for b in task.evaluation("test")])
        assert torch.equal(shown, grey(mnist[2].reshape(12, 16)[:, order]))
    assert task.batch(0).targets.tolist() == [mnist[1][:4].tolist()] * 2


def test_a_drawn_split_goes_on_with_the_generator_of_the_permutation(pixels, mnist):
    generator = np.random.RandomState(1234)
    order, chosen = generator.permutation(16), generator.permutation(40)
    task = pixels(permutation=1234, split="drawn", validation=8, reshuffle=False)
    flat = mnist[0].reshape(40, 16)[:, order]
    assert torch.equal(trained_on(task)[0], grey(flat[chosen[:32]]))
    assert trained_on(task)[1].tolist() == mnist[1][chosen[:32]].tolist()
    assert torch.equal(evaluated_on(task, "validation")[0], grey(flat[chosen[32:]]))


def test_a_drawn_split_without_a_permutation_is_a_fault(pixels):
    with pytest.raises(
        Fault, match="split `drawn` needs the permutation's generator; give `permutation` a seed"
    ):
        pixels(split="drawn")


@pytest.mark.parametrize(
    ("split", "train", "for_training", "for_validation"),
    [
        ("validation_first", None, slice(8, 40), slice(0, 8)),
        ("validation_first", 12, slice(8, 20), slice(0, 8)),
        ("validation_last", None, slice(0, 32), slice(32, 40)),
        ("validation_last", 12, slice(0, 12), slice(32, 40)),
    ],
)
def test_validation_is_the_beginning_or_the_end(pixels, mnist, split, train, for_training, for_validation):
    task = pixels(split=split, train=train, validation=8, test=5, reshuffle=False)
    assert torch.equal(trained_on(task)[0], grey(mnist[0][for_training]))
    assert torch.equal(evaluated_on(task, "validation")[0], grey(mnist[0][for_validation]))
    assert torch.equal(evaluated_on(task, "test")[0], grey(mnist[2][:5]))
    assert task.evaluation_splits == ("validation", "test")


def test_reshuffling_visits_every_image_once_an_epoch_in_a_new_order(pixels):
    task = pixels(batch=5)
    first, second = trained_on(task, 0)[0], trained_on(task, 1)[0]
    assert not torch.equal(first, second)
    assert torch.equal(first.unique(dim=0), second.unique(dim=0))
    assert len(first.unique(dim=0)) == 40


def test_pooling_averages_squares(pixels, mnist):
    found, _ = trained_on(pixels(pool_size=2, reshuffle=False))
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(mnist[0])[:, None].double() / 255, 2).flatten(
        1
    )
    assert found.shape == (40, 4)
    assert torch.allclose(found.double(), expected, rtol=1e-7)


def test_squares_that_do_not_tile_are_a_fault():
    with pytest.raises(Fault, match="squares of 3 pixels a side do not tile images of 4×4"):
        pooled(np.zeros((1, 4, 4), np.uint8), 3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": 40, "validation": 1}, "40 training images cannot give 40 to train on, 1 to validate"),
        ({"validation": 40}, "cannot give 0 to train on"),
        ({"permutation": "per_sede"}, "unknown permutation 'per_sede'; did you mean 'per_seed'"),
        ({"permutation": "per_seed", "split": "drawn"}, "split `drawn` needs the permutation's generator"),
        ({"split": "validation_frist"}, "unknown split 'validation_frist'; did you mean 'validation_first'"),
        ({"images": "ptb_char"}, "unknown data set of images 'ptb_char'"),
    ],
)
def test_impossible_settings_are_faults(pixels, settings, said):
    with pytest.raises(Fault, match=said):
        pixels(**settings)


def test_missing_files_are_a_fault_that_names_the_command(tmp_path):
    with pytest.raises(Fault, match="found nothing; run `rnnrepro data fetch mnist`"):
        tasks.build("pixels", {"images": "mnist"}, seeds=[0], batch=2, data=tmp_path)


def test_the_digits_need_no_folder_and_have_their_sizes():
    task = tasks.build("pixels", {}, seeds=[0], batch=50)
    assert task.steps_per_epoch == 30
    assert task.batch(0).inputs.shape == (1, 64, 50, 1)
    found, classes = evaluated_on(task.take([0, 0]), "test")
    reference = images.load("digits", None)
    assert torch.equal(found, torch.from_numpy(reference.test.reshape(297, 64) / np.float32(16)))
    assert classes.tolist() == reference.test_classes.tolist()
    assert math.isclose(task.chance, math.log(10))


def test_guessing_costs_the_chance_level(pixels):
    task = pixels()
    batch = task.batch(0)
    assert torch.allclose(task.loss_of(torch.zeros(2, 4, 10), batch), torch.full((2,), task.chance))
