"""What every task promises, checked for each row of the task table."""

import inspect
import math

import pytest
import torch

from rnnrepro import tables, tasks
from rnnrepro.errors import Fault
from rnnrepro.tasks.base import Batch
from rnnrepro.tasks.sizes import shape

SHORT = {"symbols": 4, "alphabet": 3, "blanks_before_cue": 5, "blanks_after_cue": 4}
PULSES = {"width": 1.0, "first": 5, "shortest": 10, "longest": 20, "tail": 3}
CASES = {
    "copying fresh": ("copying", {**SHORT, "test": 130}, 6),
    "copying without a test": ("copying", {**SHORT, "test": 0}, 6),
    "copying pool": ("copying", {**SHORT, "pool": 20, "test": 10}, 6),
    "adding fresh": ("adding", {"length": 12, "test": 40}, 5),
    "adding equal halves": ("adding", {"length": 11, "marks": "equal_halves", "test": 0}, 5),
    "adding pool": ("adding", {"length": 9, "pool": 23, "test": 40}, 5),
    "adding pool in order": ("adding", {"length": 9, "pool": 23, "reshuffle": False, "test": 7}, 5),
    "digits": ("pixels", {}, 8),
    "digits with validation": ("pixels", {"train": 100, "validation": 20, "test": 30}, 8),
    "digits pooled and permuted": ("pixels", {"pool_size": 2, "permutation": 92916, "reshuffle": False}, 8),
    "mnist drawn": (
        "pixels",
        {"images": "mnist", "permutation": 1234, "split": "drawn", "validation": 8, "reshuffle": False},
        8,
    ),
    "mnist validation first": (
        "pixels",
        {"images": "mnist", "split": "validation_first", "validation": 5},
        7,
    ),
    "python docs": (
        "characters",
        {"text": "python_docs", "length": 30, "train": 5000, "validation": 900},
        16,
    ),
    "ptb": ("characters", {"length": 20, "evaluation_batch": 3}, 4),
    "ptb with windows drawn anew": (
        "characters",
        {"length": 9, "evaluation_batch": 3, "vary_length": True},
        4,
    ),
    "words": ("words", {"length": 6, "evaluation_batch": 3, "test_batch": 1, "vary_length": True}, 4),
    "enwik8": ("characters", {"text": "enwik8", "length": 50, "evaluation_batch": 2}, 3),
    "ptb cut": ("characters", {"length": 7, "evaluation_batch": 3, "train": 210, "test": 50}, 4),
    "spoken digits": ("speech", {}, 3),
    "spoken digits cut and padded": (
        "speech",
        {"frames": 9, "train": 5, "dev": 7, "core": 0, "alignment": "padded", "average": "padded"},
        2,
    ),
    "timit": ("speech", {"corpus": "timit", "alignment": "recall", "window": 64, "hop": 32}, 3),
    "periodic": ("periodic", {"length": 20}, 3),
    "interval": ("interval", {**PULSES, "test_every": 4}, 4),
    "interval summed": ("interval", {**PULSES, "summed": True, "test_every": 0}, 4),
    "reach": ("reach", {"move": 6, "hold": 3}, 3),
    "reach anew": ("reach", {"move": 5, "hold": 0, "peak": 2.0, "carried": False}, 3),
    "reach sequence": ("reach_sequence", {"move": 6, "hold": 3, "peak": 2.0, "order": [1, 0, 3, 2]}, 3),
    "reach loop": ("reach_loop", {"move": 6, "hold": 3, "order": [0, 2]}, 1),
    "timit with all speakers": ("speech", {"corpus": "timit", "drop_sa": "sentences", "frames": 5}, 4),
    "activity": ("activity", {}, 7),
    "activity of few windows": ("activity", {"fraction": 0.1, "classes": 6}, 4),
    "activity of the subset, six classes": (
        "activity",
        {
            "signals": "uci_har_subset",
            "classes": 6,
            "fraction": 0.5,
            "validation": 0.2,
            "loss": "cross_entropy",
        },
        8,
    ),
}
SHARED = {
    "python docs",
    "ptb",
    "ptb cut",
    "ptb with windows drawn anew",
    "words",
    "enwik8",
    "periodic",
    "reach sequence",
    "reach loop",
}  # every run reads the same text in the same order, or nothing at all


def softmax_squared_error(outputs, targets):
    """As the definition says, of (B, K) and (B,)."""
    return ((outputs.softmax(-1) - torch.eye(outputs.shape[-1])[targets]) ** 2).mean()


REFERENCES = {
    "squared_error": torch.nn.functional.mse_loss,
    "cross_entropy": torch.nn.functional.cross_entropy,
    "softmax_squared_error": softmax_squared_error,
}


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture
def make(case, data):
    kind, settings, batch = CASES[case]

    def build(*seeds):
        return tasks.build(kind, settings, seeds=seeds, batch=batch, data=data, corpora=folders(data))

    return build


def folders(data):
    """Where licensed data are, as a user would say it."""
    return {"timit": str(data / "timit")}


def of(batch, run):
    """The part of a batch that is of one run."""
    lengths = None if batch.lengths is None else batch.lengths[run : run + 1]
    return Batch(batch.inputs[run : run + 1], batch.targets[run : run + 1], batch.reset, lengths)


def counting(batch, run):
    """Which targets of a run count, as an index into them: all, or those within the lengths."""
    if batch.lengths is None:
        return ...
    return torch.arange(batch.targets.shape[1])[:, None] < batch.lengths[run]


def same(one, two):
    return (
        torch.equal(one.inputs, two.inputs)
        and torch.equal(one.targets, two.targets)
        and one.reset == two.reset
        and (one.lengths is two.lengths is None or torch.equal(one.lengths, two.lengths))
    )


def perfect(task, batch):
    """Outputs that give every target all the probability, or its value."""
    if task.loss == "squared_error":
        return batch.targets.clone()
    return 80.0 * torch.nn.functional.one_hot(batch.targets, task.output_size).float()


def test_every_row_of_the_task_table_is_checked():
    assert {kind for kind, _, _ in CASES.values()} == set(tables.TASKS)


@pytest.mark.parametrize("kind", tables.TASKS)
def test_the_settings_of_a_task_are_those_of_its_row(kind):
    parameters = dict(inspect.signature(tables.load("task", kind).prepare).parameters)
    parameters.pop("self")
    assert list(parameters) == list(tables.TASKS[kind].arguments)
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {p.default for p in parameters.values()} == {
        inspect.Parameter.empty
    }  # defaults stand in the table alone


@pytest.mark.parametrize("kind", tables.TASKS)
def test_unknown_settings_are_faults_with_the_nearest_name(kind):
    first = next(iter(tables.TASKS[kind].arguments))
    with pytest.raises(Fault, match=f"task {kind}: unknown setting '{first}s'; did you mean '{first}'"):
        tasks.build(kind, {f"{first}s": 1}, seeds=[0], batch=2)


def test_batches_have_the_declared_shapes_and_types(make, case):
    task, batch_size = make(0, 1), CASES[case][2]
    batch = task.batch(0)
    runs, steps, width = batch.inputs.shape[:3]
    assert (runs, width) == (2, batch_size)
    assert batch.reset is True
    if task.index_inputs:
        assert batch.inputs.dtype == torch.int64
        assert batch.inputs.dim() == 3
        assert 0 <= batch.inputs.min() <= batch.inputs.max() < task.input_size
    else:
        assert batch.inputs.dtype == torch.float32
        assert batch.inputs.shape[3:] == (task.input_size,)
        low, high = (-50, 60) if task.input_size > 2 else (0, 1)  # decibels of spectra, or plain numbers
        assert ((low <= batch.inputs) & (batch.inputs <= high)).all()  # of nothing, where there is no input
    expected = (runs, steps, width) if task.readout_every else (runs, width)
    if task.loss == "squared_error":
        assert batch.targets.shape == (*expected, task.output_size)
        assert batch.targets.dtype == torch.float32
    else:
        assert batch.targets.shape == expected
        assert batch.targets.dtype == torch.int64
        assert 0 <= batch.targets.min() <= batch.targets.max() < task.output_size


def test_a_batch_depends_on_seed_and_step_alone(make):
    task, other = make(0, 1), make(0, 1)
    steps = [0, 1, 2, 7, 40]
    first = {step: task.batch(step) for step in steps}
    for step in reversed(steps):
        assert same(task.batch(step), first[step])
        assert same(other.batch(step), first[step])


def test_evaluations_are_the_same_each_time_whatever_was_trained_between(make):
    task = make(0, 1)
    for split in task.evaluation_splits:
        first = list(task.evaluation(split))
        task.batch(3)
        assert first
        assert all(same(a, b) for a, b in zip(first, task.evaluation(split), strict=True))


def test_a_run_sees_the_same_alone_and_in_any_stack(make):
    stack = make(5, 3, 8)
    for run, seed in enumerate((5, 3, 8)):
        alone = make(seed)
        taken = stack.take([run])
        assert taken.seeds == [seed]
        for step in (0, 9):
            expected = alone.batch(step)
            both = stack.batch(step)
            assert same(of(both, run), expected)
            assert same(taken.batch(step), expected)
        for split in stack.evaluation_splits:
            for whole, part in zip(stack.evaluation(split), alone.evaluation(split), strict=True):
                assert same(of(whole, run), part)


def test_taking_runs_keeps_their_order_and_leaves_the_task_as_it_was(make):
    stack = make(5, 3, 8)
    before = stack.batch(4)
    taken = stack.take([2, 0])
    assert taken.seeds == [8, 5]
    assert torch.equal(taken.batch(4).inputs, before.inputs[[2, 0]])
    assert stack.seeds == [5, 3, 8]
    assert same(stack.batch(4), before)


def test_runs_differ_by_their_seeds_where_they_have_data_or_an_order_of_their_own(make, case):
    inputs = make(0, 1).batch(1).inputs
    in_order = CASES[case][0] == "pixels" and not CASES[case][1].get("reshuffle", True)
    assert torch.equal(inputs[0], inputs[1]) == (case in SHARED or in_order)


def test_perfect_answers_have_no_loss_and_full_accuracy(make):
    task = make(0, 1, 2)
    for batch in [task.batch(2), *(b for split in task.evaluation_splits for b in task.evaluation(split))]:
        outputs = perfect(task, batch)
        found = task.measure(outputs, batch)
        assert set(found) == set(task.metrics) <= set(tables.METRICS)
        for metric, (total, count) in found.items():
            assert total.dtype == torch.float64
            best = 1.0 if metric == "accuracy" else 0.0
            assert torch.allclose(total / count, torch.full((3,), best, dtype=torch.float64), atol=1e-12)
        assert torch.allclose(task.loss_of(outputs, batch), torch.zeros(3), atol=1e-6)


def test_measures_are_the_mean_loss_in_sums_that_add_up(make, case):
    task = make(0, 1)
    batch = task.batch(0)
    outputs = torch.randn(*perfect(task, batch).shape, generator=torch.Generator().manual_seed(0))
    total, count = task.measure(outputs, batch)[task.metrics[0]]
    added_up = CASES[case][2] if CASES[case][1].get("summed") else 1  # the trials of a batch
    assert torch.allclose(added_up * (total / count).float(), task.loss_of(outputs, batch), rtol=1e-6)
    reference = REFERENCES[task.loss]
    for run in range(2):
        which = counting(batch, run)
        if task.loss == "squared_error":
            expected = reference(outputs[run][which], batch.targets[run][which])
            if CASES[case][1].get("average") == "padded":
                expected *= batch.targets[run][which].numel() / batch.targets[run].numel()
            if task.metrics[0] == "half_squared_error":
                expected *= added_up * task.output_size / 2
        else:
            expected = reference(outputs[run].flatten(0, -2), batch.targets[run].flatten())
        assert torch.allclose(task.loss_of(outputs, batch)[run], expected, rtol=1e-5)


def test_loss_and_gradient_of_a_run_are_the_same_bits_alone_and_in_a_stack(make):
    stack = make(5, 3, 8)
    batch = stack.batch(2)
    outputs = torch.randn(*perfect(stack, batch).shape, generator=torch.Generator().manual_seed(1))
    whole = outputs.clone().requires_grad_()
    losses = stack.loss_of(whole, batch)
    losses.sum().backward()
    for run in range(3):
        alone = outputs[run : run + 1].clone().requires_grad_()
        part = of(batch, run)
        task = stack.take([run])
        loss = task.loss_of(alone, part)
        loss.sum().backward()
        assert torch.equal(loss.detach(), losses[run : run + 1].detach())
        assert torch.equal(alone.grad, whole.grad[run : run + 1])
        for metric, (total, count) in task.measure(alone.detach(), part).items():
            stacked, terms = stack.measure(outputs, batch)[metric]
            assert total[0] == stacked[run]
            assert torch.as_tensor(count).expand(1)[0] == torch.as_tensor(terms).expand(3)[run]


def test_the_sizes_known_before_the_data_are_those_of_the_task(make, case):
    kind, settings, batch_size = CASES[case]
    task = make(0)
    planned = shape({"kind": kind, **settings}, batch_size)
    varies = settings.get("vary_length", False)
    length = settings["length"] if varies else task.batch(0).inputs.shape[1]
    assert planned.length == length
    assert planned.inputs == task.input_size
    assert planned.outputs == task.output_size
    assert planned.readouts == (length if task.readout_every else 1)
    assert planned.steps_per_epoch == task.steps_per_epoch
    for epochs in (1, 3) if task.steps_per_epoch else ():
        steps = planned.steps(epochs)
        assert [task.epochs(step) for step in (steps - 1, steps)] == [epochs - 1, epochs]
    assert set(planned.evaluated) == set(task.evaluation_splits)
    for split, sequences in planned.evaluated.items():
        steps = sum(batch.inputs.shape[1] * batch.inputs.shape[2] for batch in task.evaluation(split))
        assert sequences == math.ceil(steps / planned.length)


def agree(found, expected):
    assert torch.allclose(
        found.inputs.cpu(), expected.inputs, rtol=1e-6, atol=0
    )  # a GPU divides by reciprocals
    assert torch.allclose(found.targets.cpu(), expected.targets, rtol=1e-6, atol=0)


@pytest.mark.gpu
def test_a_gpu_is_given_the_same_batches(case, data):
    kind, settings, batch_size = CASES[case]
    on_cpu, on_gpu = (
        tasks.build(
            kind, settings, seeds=[4, 2], batch=batch_size, data=data, device=device, corpora=folders(data)
        )
        for device in ("cpu", "cuda")
    )
    for step in (0, 5):
        expected, found = on_cpu.batch(step), on_gpu.batch(step)
        assert found.inputs.is_cuda and found.targets.is_cuda
        agree(found, expected)
    for split in on_cpu.evaluation_splits:
        for expected, found in zip(on_cpu.evaluation(split), on_gpu.evaluation(split), strict=True):
            agree(found, expected)


def test_sizes_of_an_unknown_task_are_a_fault():
    with pytest.raises(Fault, match="task juggling: nothing is known of its sizes"):
        shape({"kind": "juggling"}, 3)
