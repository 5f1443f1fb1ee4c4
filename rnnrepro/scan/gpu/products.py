"""Products of a tile of the batch with a matrix that stays in the multiprocessor.

Triton's product in float32 proper (no tensor cores) takes the whole inner dimension into registers: at 128 units
it would spill kilobytes of them to memory at each step. So the tile is cut into pieces of at most 32 columns, each
multiplied by its own rows of the matrix; the compiler then keeps the matrix in shared memory, and nothing spills.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def rows_of(W, row, column, first, N, ROWS: tl.constexpr, U: tl.constexpr):
    """Rows `first` … `first` + ROWS of the N × N matrix at W with these strides, padded with zeros, (ROWS, U)."""
    i = first + tl.arange(0, ROWS)[:, None]
    j = tl.arange(0, U)[None, :]
    return tl.load(W + i * row + j * column, mask=(i < N) & (j < N), other=0.0)


@triton.jit
def halves(x, ROWS: tl.constexpr, HALF: tl.constexpr):
    """The left and the right half of the columns of x (ROWS, 2 · HALF)."""
    return tl.split(tl.permute(tl.reshape(x, (ROWS, 2, HALF)), (0, 2, 1)))


@triton.jit
def product_1(x, w_0, TILE: tl.constexpr, U: tl.constexpr, PRECISION: tl.constexpr):
    """x (TILE, U) times the matrix with the rows w_0."""
    return tl.dot(x, w_0, input_precision=PRECISION)


@triton.jit
def product_2(x, w_0, w_1, TILE: tl.constexpr, U: tl.constexpr, PRECISION: tl.constexpr):
    """x (TILE, U) times the matrix with the rows w_0, w_1."""
    left, right = halves(x, TILE, U // 2)
    y = tl.dot(left, w_0, input_precision=PRECISION)
    return tl.dot(right, w_1, y, input_precision=PRECISION)


@triton.jit
def product_4(x, w_0, w_1, w_2, w_3, TILE: tl.constexpr, U: tl.constexpr, PRECISION: tl.constexpr):
    """x (TILE, U) times the matrix with the rows w_0 … w_3."""
    left, right = halves(x, TILE, U // 2)
    x_0, x_1 = halves(left, TILE, U // 4)
    x_2, x_3 = halves(right, TILE, U // 4)
    y = tl.dot(x_0, w_0, input_precision=PRECISION)
    y = tl.dot(x_1, w_1, y, input_precision=PRECISION)
    y = tl.dot(x_2, w_2, y, input_precision=PRECISION)
    return tl.dot(x_3, w_3, y, input_precision=PRECISION)
