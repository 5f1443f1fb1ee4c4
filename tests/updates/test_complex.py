"""The modReLU of complex units against the closed forms of its derivative, and where |z| = 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnrepro.errors import Fault
from rnnrepro.scan import scan
from rnnrepro.updates.complex import ComplexModReLU, complex_modrelu, complex_modrelu_back

EPSILON = 1e-5
POINTS = np.array([0.3 - 0.4j, -2.0 + 1.0j, 0.004 + 0.003j, 1e-3j, -0.02 + 0j, 0.0 + 0j])
BIASES = [-0.3, -0.01, 0.0, 0.01, 0.2]


def run(z: np.ndarray, bias: float, root: float, denominator: float) -> np.ndarray:
    re, im = (torch.tensor(part) for part in (z.real.copy(), z.imag.copy()))
    h_re, h_im, *_ = complex_modrelu(re, im, torch.tensor(bias, dtype=torch.float64), root, denominator)
    return h_re.numpy() + 1j * h_im.numpy()


def wirtinger(z: np.ndarray, bias: float, root: float, denominator: float) -> tuple[np.ndarray, np.ndarray]:
    """∂f/∂z and ∂f/∂z̄ from the derivative worked out by hand: ½ (∂/∂x ∓ i ∂/∂y) of f."""
    re, im = (torch.tensor(part) for part in (z.real.copy(), z.imag.copy()))
    b = torch.tensor(bias, dtype=torch.float64)
    one, zero = torch.ones_like(re), torch.zeros_like(re)
    (re_x, re_y, _), (im_x, im_y, _) = (
        complex_modrelu_back(*seed, re, im, b, root, denominator) for seed in ((one, zero), (zero, one))
    )
    along, across = (re_x + 1j * im_x).numpy(), (re_y + 1j * im_y).numpy()
    return (along - 1j * across) / 2, (along + 1j * across) / 2


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize(("root", "denominator"), [(EPSILON, EPSILON), (0.0, EPSILON), (EPSILON, 0.0)])
def test_it_is_the_formula_of_the_card(bias: float, root: float, denominator: float) -> None:
    r = np.sqrt(np.abs(POINTS) ** 2 + root)
    expected = POINTS * np.maximum(r + bias, 0) / (r + denominator)
    np.testing.assert_allclose(run(POINTS, bias, root, denominator), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("bias", BIASES)
def test_its_wirtinger_derivatives_are_the_closed_forms_of_the_smoothed_modulus(bias: float) -> None:
    r = np.sqrt(np.abs(POINTS) ** 2 + EPSILON)
    on = r + bias > 0
    of_z, of_conjugate = wirtinger(POINTS, bias, EPSILON, 0.0)
    expected = on * (1 + bias / r - bias * np.abs(POINTS) ** 2 / (2 * r**3))
    np.testing.assert_allclose(of_z, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_conjugate, on * (-bias * POINTS**2 / (2 * r**3)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bias", BIASES)
def test_its_wirtinger_derivatives_are_the_closed_forms_of_the_exact_modulus(bias: float) -> None:
    z = POINTS[POINTS != 0]
    size = np.abs(z)
    on = size + bias > 0
    of_z, of_conjugate = wirtinger(z, bias, 0.0, 0.0)
    np.testing.assert_allclose(of_z, on * (1 + bias / (2 * size)), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(of_conjugate, on * (-bias * z**2 / (2 * size**3)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("bias", "gain"), [(0.01, 4.2), (0.1, 32.6)])
def test_the_gain_at_zero_is_that_of_the_card(bias: float, gain: float) -> None:
    of_z, of_conjugate = wirtinger(np.array([0j]), bias, EPSILON, 0.0)
    assert of_z[0] == pytest.approx(1 + bias / math.sqrt(EPSILON)) == pytest.approx(gain, abs=0.05)
    assert of_conjugate[0] == 0


@pytest.mark.parametrize("root", [0.0, EPSILON])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_at_zero_every_form_of_the_scan_has_a_finite_gradient(root: float, dtype: torch.dtype) -> None:
    update = ComplexModReLU(root=root)
    found = {}
    for backend in ("plain", "auto"):
        W = torch.eye(8, dtype=dtype).expand(2, 8, 8).clone().requires_grad_()
        z = torch.zeros(2, 3, 2, 8, dtype=dtype, requires_grad=True)
        bias = torch.full((2, 4), 0.02, dtype=dtype, requires_grad=True)
        outputs, _ = scan(update, {"bias": bias}, W, z, (torch.zeros(2, 2, 8, dtype=dtype),), backend=backend)
        assert not outputs.any()
        found[backend] = torch.autograd.grad((outputs - 1).square().sum(), (W, z, bias))
    for plain, fast in zip(*found.values(), strict=True):
        assert plain.isfinite().all()
        torch.testing.assert_close(fast, plain)
    gain = 0.02 / EPSILON if root == 0 else (math.sqrt(root) + 0.02) / (math.sqrt(root) + EPSILON)
    torch.testing.assert_close(found["plain"][1][:, -1], torch.full((2, 2, 8), -2 * gain, dtype=dtype))


@pytest.mark.parametrize(
    "constants", [{"root": -1e-5}, {"denominator": -1.0}, {"root": 0.0, "denominator": 0.0}]
)
def test_constants_that_give_infinite_values_are_faults(constants: dict) -> None:
    with pytest.raises(Fault, match="not negative"):
        ComplexModReLU(**constants)
