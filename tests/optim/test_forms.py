"""Each library's update rule against that library, or against its documented formula written in numpy."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from rnnrepro import tables
from rnnrepro.optim import forms

RATE = 0.03
GRADIENTS = np.random.default_rng(3).normal(size=(20, 1, 5, 3)) * np.array([1e-6, 1.0, 30.0])
START = np.random.default_rng(4).normal(size=(1, 5, 3))


def trajectory(
    form: forms.Form, gradients: np.ndarray = GRADIENTS, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """The parameter after each step, (steps, 1, 5, 3)."""
    parameter = torch.tensor(START, dtype=dtype)
    slots = form.slots(parameter)
    path = []
    for gradient in torch.tensor(gradients, dtype=dtype):
        parameter -= form.step(parameter, gradient, slots, torch.full((1, 1, 1), RATE, dtype=dtype))
        path.append(parameter.clone())
    return torch.stack(path)


def torch_trajectory(optimiser: type, **arguments: object) -> torch.Tensor:
    parameter = torch.nn.Parameter(torch.tensor(START))
    stepper = optimiser([parameter], lr=RATE, foreach=False, **arguments)
    path = []
    for gradient in torch.tensor(GRADIENTS):
        parameter.grad = gradient.clone()
        stepper.step()
        path.append(parameter.detach().clone())
    return torch.stack(path)


@pytest.mark.parametrize("decay", [0.0, 0.02])
@pytest.mark.parametrize(
    ("form", "optimiser", "arguments"),
    [
        (forms.SGD(), torch.optim.SGD, {}),
        (forms.SGD(momentum=0.9), torch.optim.SGD, {"momentum": 0.9}),
        (forms.AdamTorch(), torch.optim.Adam, {}),
        (
            forms.AdamTorch(beta1=0.0, beta2=0.9, epsilon=0.1),
            torch.optim.Adam,
            {"betas": (0.0, 0.9), "eps": 0.1},
        ),
        (forms.RMSPropTorch(), torch.optim.RMSprop, {}),
        (forms.RMSPropTorch(decay=0.5, epsilon=1e-3), torch.optim.RMSprop, {"alpha": 0.5, "eps": 1e-3}),
        (forms.AdagradTorch(), torch.optim.Adagrad, {}),
        (
            forms.AdagradTorch(initial_accumulator=0.2),
            torch.optim.Adagrad,
            {"initial_accumulator_value": 0.2},
        ),
    ],
)
def test_the_pytorch_forms_follow_torch_optim_over_twenty_steps(form, optimiser, arguments, decay):
    form = type(form)(**{**vars(form), "weight_decay": decay})
    expected = torch_trajectory(optimiser, weight_decay=decay, **arguments)
    torch.testing.assert_close(trajectory(form), expected, rtol=1e-12, atol=1e-12)


def rmsprop_tf(g, ms, t, x):
    ms = 0.9 * ms + 0.1 * g**2
    return ms, x - RATE * g / np.sqrt(ms + 1e-10)


def rmsprop_keras(g, rms, t, x):
    rms = 0.9 * rms + 0.1 * g**2
    return rms, x - RATE * g / (np.sqrt(rms) + 1e-7)


def adam_hat(epsilon):
    def step(g, moments, t, x):
        m, v = moments if t > 1 else (np.zeros_like(g), np.zeros_like(g))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        rate = RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return (m, v), x - rate * m / (np.sqrt(v) + epsilon)

    return step


def adagrad_tf(g, accumulator, t, x):
    accumulator = accumulator + g**2
    return accumulator, x - RATE * g / np.sqrt(accumulator)


def adagrad_keras(g, accumulator, t, x):
    accumulator = accumulator + g**2
    return accumulator, x - RATE * g / (np.sqrt(accumulator) + 1e-7)


@pytest.mark.parametrize(
    ("form", "step", "start"),
    [
        (forms.RMSPropTF(), rmsprop_tf, 1.0),
        (forms.RMSPropKeras(), rmsprop_keras, 0.0),
        (forms.AdamTF(), adam_hat(1e-8), 0.0),
        (forms.AdamKeras(), adam_hat(1e-7), 0.0),
        (forms.AdagradTF(), adagrad_tf, 0.1),
        (forms.AdagradKeras(), adagrad_keras, 0.1),
    ],
)
def test_the_tensorflow_and_keras_forms_follow_their_documented_formulas(form, step, start):
    slot, x, path = start, START.copy(), []
    for t, gradient in enumerate(GRADIENTS, start=1):
        slot, x = step(gradient, slot, t, x)
        path.append(x)
    np.testing.assert_allclose(trajectory(form).numpy(), np.stack(path), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("form", "change"),
    [
        (forms.SGD(momentum=0.9), 0.015),
        (forms.RMSPropTF(), 0.015 / np.sqrt(0.925)),  # 0.9·1 + 0.1·0.25
        (forms.RMSPropKeras(), 0.03 / np.sqrt(0.1)),  # g/√(0.1 g²): the size of g cancels
        (forms.RMSPropTorch(), 0.3),  # g/√(0.01 g²)
        (forms.AdamTorch(), 0.03),
        (forms.AdamTF(), 0.03),
        (forms.AdamKeras(), 0.03),
        (forms.AdagradTorch(), 0.03),
        (forms.AdagradTF(), 0.015 / np.sqrt(0.35)),  # 0.1 + 0.25
        (forms.AdagradKeras(), 0.015 / np.sqrt(0.35)),
    ],
)
def test_the_first_step_with_gradient_one_half_is_the_hand_worked_one(form, change):
    first = trajectory(form, np.full((1, 1, 5, 3), 0.5))[0]
    np.testing.assert_allclose(first.numpy(), START - change, rtol=2e-5)


def test_the_epsilons_of_adam_act_differently_on_tiny_gradients():
    tiny = np.full((1, 1, 5, 3), 1e-8)
    moved = {
        form: float((trajectory(form(epsilon=1e-8), tiny)[0].numpy() - START).mean()) / -RATE
        for form in (forms.AdamTorch, forms.AdamTF)
    }
    assert moved[forms.AdamTorch] == pytest.approx(0.5, rel=1e-6)  # 1e-8/(1e-8 + 1e-8)
    root = np.sqrt(0.001)  # √(1−β2) shrinks √v but not ε hat
    assert moved[forms.AdamTF] == pytest.approx(root / (root + 1), rel=1e-6)


@pytest.mark.parametrize("name", tables.OPTIMISERS)
def test_a_form_takes_exactly_the_arguments_of_its_row_with_their_defaults(name):
    signature = inspect.signature(tables.load("optimiser", name))
    defaults = {key: parameter.default for key, parameter in signature.parameters.items()}
    assert defaults == dict(tables.OPTIMISERS[name].arguments)


@pytest.mark.parametrize("name", tables.OPTIMISERS)
def test_single_precision_stays_single_and_close_to_double(name):
    form = tables.load("optimiser", name)()
    single = trajectory(form, dtype=torch.float32)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), trajectory(form), rtol=1e-4, atol=1e-4)
