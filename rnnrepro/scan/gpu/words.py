"""The words of stages for a block of float32 numbers on a GPU.

Written out in arithmetic: the device's own exp and tanh round more coarsely, and its exact library cannot be run
by the interpreter, so that no test without a GPU would see it. Each is within 3 units in the last place of the
true value (held by a test) and passes NaN on.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def power_of_two(n):
    """2^n for whole n in −126 … 127, from its bits."""
    return ((n.to(tl.int32) + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def reduced(x):
    """(exp(r) − 1, a, b) with exp x = exp(r) a b, |r| ≤ ln 2 / 2, and a, b powers of two."""
    # Beyond these exp x is 0 or infinite. Not tl.minimum, which drops NaN.
    x = tl.where(x > 89.0, 89.0, x)
    x = tl.where(x < -104.0, -104.0, x)
    n = tl.floor(x * 1.44269504 + 0.5)
    r = (x - n * 0.693359375) - n * -2.12194440e-4
    # The minimax polynomial of Cephes' expf.
    y = 1.9875691500e-4 * r + 1.3981999507e-3
    y = ((y * r + 8.3334519073e-3) * r + 4.1665795894e-2) * r + 1.6666665459e-1
    y = (y * r + 5.0000001201e-1) * r * r + r
    # 2^n in two steps: 2^128 is no number, but exp x is one up to 88.72.
    half = tl.floor(n * 0.5)
    return y, power_of_two(n - half), power_of_two(half), power_of_two(-half)


@triton.jit
def exp(x):
    y, a, b, _ = reduced(x)
    return (y * a + a) * b


@triton.jit
def expm1(x):
    y, a, b, b_inverse = reduced(x)
    return (y * a + (a - b_inverse)) * b


@triton.jit
def sigmoid(x):
    return tl.div_rn(1.0, 1.0 + exp(-x))  # a plain / is not rounded to nearest


@triton.jit
def tanh(x):
    size = tl.abs(x)
    z = x * x
    # Near 0: x + x³ P(x²), the polynomial of Cephes' tanhf.
    y = (-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2
    near = ((y * z + 1.33314422036e-1) * z - 3.33332819422e-1) * z * x + x
    far = 1.0 - tl.div_rn(2.0, exp(2.0 * size) + 1.0)
    return tl.where(size < 0.625, near, tl.where(x < 0.0, -far, far))


@triton.jit
def relu(x):
    return tl.where(x < 0.0, 0.0, x)


@triton.jit
def sign(x):
    return tl.where(x > 0.0, 1.0, tl.where(x < 0.0, -1.0, x))


@triton.jit
def absolute(x):
    return tl.abs(x)


@triton.jit
def sqrt(x):
    return tl.sqrt_rn(x)


@triton.jit
def where(condition, x, y):
    return tl.where(condition, x, y)
