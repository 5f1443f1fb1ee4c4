"""The words of stages for one float32 number, compiled so that loops over them become vector instructions.

No branches, no tables, no calls: each is within 2.5 units in the last place of the true value (held by a test), passes
NaN on, and gives a number the same bits wherever in an array it stands.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rnnrepro.scan.cpu.compiling import inner

f = np.float32

# exp: x = n ln 2 + r with |r| ≤ ln 2 / 2, exp r by its minimax polynomial (Cephes expf), 2^n by its bits.
_LOG2_E, _LN2_HIGH, _LN2_LOW = f(1.44269504), f(0.693359375), f(-2.12194440e-4)
_ROUND = f(12582912.0)  # 1.5 · 2^23: adding it rounds to a whole number
_HIGHEST, _LOWEST = f(88.72283), f(-87.33654)
_E0, _E1, _E2 = f(1.9875691500e-4), f(1.3981999507e-3), f(8.3334519073e-3)
_E3, _E4, _E5 = f(4.1665795894e-2), f(1.6666665459e-1), f(5.0000001201e-1)
_ONE, _TWO, _ZERO, _HALF = f(1), f(2), f(0), f(0.5)
_INFINITE, _FAR = f(math.inf), f(80)

# tanh near 0: x + x³ P(x²) (Cephes tanhf).
_T0, _T1, _T2 = f(-5.70498872745e-3), f(2.06390887954e-2), f(-5.37397155531e-2)
_T3, _T4, _NEAR = f(1.33314422036e-1), f(-3.33332819422e-1), f(0.625)

_word = njit(forceinline=True, **inner)


@_word
def _reduced(x):
    """(n, r) with x = n ln 2 + r, for x in the range where exp x is a normal number."""
    n = (x * _LOG2_E + _ROUND) - _ROUND
    return n, (x - n * _LN2_HIGH) - n * _LN2_LOW


@_word
def _exp_less_one(r):
    """exp(r) − 1 for |r| ≤ ln 2 / 2."""
    y = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
    return y * r * r + r


@_word
def _power_of_two(n):
    return np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@_word
def _clamped(x):
    x = _HIGHEST if x > _HIGHEST else x
    return _LOWEST if x < _LOWEST else x


@_word
def exp(x):
    n, r = _reduced(_clamped(x))
    # 2^n in two steps: 2^128 is no number, but exp x is one up to 88.72.
    half = (n * _HALF + _ROUND) - _ROUND
    y = (_exp_less_one(r) + _ONE) * _power_of_two(half) * _power_of_two(n - half)
    y = _INFINITE if x > _HIGHEST else y
    return _ZERO if x < _LOWEST else y


@_word
def expm1(x):
    n, r = _reduced(_clamped(x))
    half = (n * _HALF + _ROUND) - _ROUND
    low, high = _power_of_two(half), _power_of_two(n - half)
    e = _exp_less_one(r)
    y = e * low * high + (low * high - _ONE)
    y = (e + _ONE) * low * high if x > _FAR else y
    y = _INFINITE if x > _HIGHEST else y
    return x if x == _ZERO else y


@_word
def sigmoid(x):
    return _ONE / (_ONE + exp(-x))


@_word
def tanh(x):
    a = abs(x)
    z = x * x
    near = ((((_T0 * z + _T1) * z + _T2) * z + _T3) * z + _T4) * z * x + x
    far = _ONE - _TWO / (exp(a + a) + _ONE)
    far = -far if x < _ZERO else far
    return near if a < _NEAR else far


@_word
def relu(x):
    return _ZERO if x < _ZERO else x


@_word
def sign(x):
    y = _ONE if x > _ZERO else x
    return -_ONE if x < _ZERO else y


@_word
def absolute(x):
    return abs(x)


@_word
def sqrt(x):
    return np.sqrt(x)


@_word
def where(condition, x, y):
    return x if condition else y
