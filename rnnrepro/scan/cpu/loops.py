"""The loops over time of the compiled scan, for the sequences [b0, b1) of one run.

This is text for `template`, compiled together with the loops over units of an update, whose functions and constants
(in capitals) it names; nothing here is called as it stands. Names as there, and: `W` (N, M); `z` (T, B, M), or in
factors `x` (T, B, D) or `index` (T, B) with `U` (`rnnrepro.scan.cpu.inputs`); `start` and `last` the state before and
after; `n[k]` slot k at each time, or at the last two; `a` (T, B, M) what went into the second product.
"""
# ruff: noqa: F821

from __future__ import annotations

import numpy as np


def is_flat(units):
    """Whether the loops over units see a whole batch as one row, which leaves them one short remainder and not many.

    Where a unit has one part that costs nothing. Gates are brought together for it unless their rows are long.
    """
    return FLAT or (GATES_APART and units < 256 and units % 32 != 0)


def row(array, flat):
    """What the loops over units see of (rows, columns): all in one row, borrowed, or itself."""
    return one_row(array) if flat else array


def spread(p, rows, flat):
    """Parameters (P, units) as the loops over units read them: once a sequence where a batch is one row."""
    if not flat or PARAMETERS == 0:
        return p
    units = p.shape[1]
    out = np.empty((p.shape[0], rows * units), np.float32)
    for i in range(p.shape[0]):
        for b in range(rows):
            out[i, b * units : (b + 1) * units] = p[i]
    return out


def sum_rows(values, out, rows, units, flat):
    """Adds to `out` (count, units) the sum over the batch of what the loops over units left in `values`."""
    whole = values.reshape(-1)
    for k in range(out.shape[0]):
        for b in range(rows):
            first = (k * rows + b) * units if flat else (b * out.shape[0] + k) * units
            for j in range(units):
                out[k, j] += whole[first + j]


def sum_all(values, out, rows, units, flat):
    """Puts into `out` (count,) the sum over the batch and the units."""
    each = np.zeros((out.shape[0], units), np.float64)
    sum_rows(values, each, rows, units, flat)
    for k in range(out.shape[0]):
        out[k] = each[k].sum()


def room(W, mode, U, p, g, rows, length, flat):
    """What the backward loop fills again and again; it is `borrowed` there."""
    N, M = W.shape
    units = N // PARTS
    return (
        workspace(),
        spread(p, rows, flat),
        np.ascontiguousarray(W.T),  # products with a matrix as it lies in memory are the faster ones
        np.empty((length * rows, M), np.float32),
        np.zeros((rows, g.shape[2]), np.float32),
        np.empty((rows, N), np.float32),
        np.empty((rows, M), np.float32),
        np.empty((1, rows * M), np.float32),
        np.empty((rows, max(1, MIDDLE) * units), np.float32),
        np.zeros((rows, max(1, PARAMETERS) * units), np.float32),
        np.zeros((rows, max(1, SCALARS) * units), np.float32),
        np.empty((length * rows if mode == 1 else 1, U.shape[0]), np.float32),
        np.empty(U.shape if mode == 1 else (1, 1), np.float32),
    )


HELPERS = (is_flat, row, spread, sum_rows, sum_all, room)


def forward(W, mode, z, x, index, U, start, last, n, saved, a, p, q, b0, b1, keep):
    rows, time = b1 - b0, q.shape[0]
    N, M = W.shape
    units = N // PARTS
    flat = is_flat(units)
    columns = (rows if flat else 1) * units
    length = chunk_length(rows, M, time)
    W, z, x, index, U, p, q = borrowed((W, z, x, index, U, p, q))
    start, last, n, saved, a = borrowed((start, last, n, saved, a))
    owned = (
        workspace(),
        spread(p, rows, flat),
        np.ascontiguousarray(W.T) if TWO_STAGES else W,
        np.empty((rows, M), np.float32),
        np.empty((rows, N), np.float32),
        np.empty((1, rows * M), np.float32),
        np.zeros((1, rows * M), np.float32),
        np.empty((length * rows if mode != 0 else 1, M), np.float32),
        np.empty((length * rows if mode == 1 else 1, U.shape[0]), np.float32),
    )
    work, parameters, Wt, u, y, gates, none, zs, ones = borrowed(owned)
    for t in range(time):
        i = t % length
        if mode != 0 and i == 0:
            project(work, mode, x, index, U, t, min(t + length, time), b0, b1, ones, zs)
        z_t = z[t, b0:b1] if mode == 0 else zs[i * rows : (i + 1) * rows]
        x_t = row(saved[t if keep else 0, b0:b1], flat)
        before, after = slots_at(n, start, t - 1, b0, b1), slots_at(n, start, t, b0, b1)
        s_t, n_t = rows_of(before, flat), rows_of(after, flat)
        gemm(work, 0, 0, rows, M, N, before[READS], W, u, 0)
        if TWO_STAGES:
            a_t = a[t if keep else 0, b0:b1]
            between = (row(a_t, flat),)
            forward_rows_0(columns, row(u, flat), row(z_t, flat), s_t, between, x_t, parameters, q[t])
            gemm(work, 0, 0, rows, N, M, a_t, Wt, y, 0)
            forward_rows_1(columns, row(y, flat), row(y, flat), s_t, n_t, x_t, parameters, q[t])
        elif GATES_APART and flat:
            together(u, z_t, units, gates[0])
            forward_rows_0(columns, gates, none, s_t, n_t, x_t, parameters, q[t])
        else:
            forward_rows_0(columns, row(u, flat), row(z_t, flat), s_t, n_t, x_t, parameters, q[t])
    end = slots_at(n, start, time - 1, b0, b1)
    for k in range(len(last)):
        last[k][b0:b1] = end[k]
    held(owned)


def backward(
    W, mode, x, index, U, start, n, saved, a, p, q, every, g, d, c, full, b0, b1, dW, dz, dx, dU, dp, dq,
):  # fmt: skip
    """The gradients of all that `forward` took, from those of the outputs (`g`) and of the last state (`d`).

    `d` is overwritten, and `c` holds the gradient of the state before in the end. dW, dU and dp are those of
    these sequences alone; where a gradient is not wanted its array is empty (dz, dx).
    """
    rows, time = b1 - b0, q.shape[0]
    N, M = W.shape
    units = N // PARTS
    flat = is_flat(units)
    columns = (rows if flat else 1) * units
    length = chunk_length(rows, M, time)
    W, x, index, U, p, q, start, n, saved, a = borrowed((W, x, index, U, p, q, start, n, saved, a))
    g, d, c, dW, dz, dx, dU, dp, dq = borrowed((g, d, c, dW, dz, dx, dU, dp, dq))
    owned = room(W, mode, U, p, g, rows, length, flat)
    work, parameters, Wt, us, none, y, g_a, gates, m, of_p, of_q, ones, part = borrowed(owned)
    m, of_p, of_q = row(m, flat), row(of_p, flat), row(of_q, flat)
    d, c = slots_of(d, b0, b1), slots_of(c, b0, b1)
    result = c
    for t in range(time - 1, -1, -1):
        i = t % length
        u = us[i * rows : (i + 1) * rows]
        x_t, h_t, q_t = row(saved[t, b0:b1], flat), row(n[0][t, b0:b1], flat), q[t]
        g_t = row(g[t, b0:b1] if every else (g[0, b0:b1] if t == time - 1 else none), flat)
        d_t, c_t = rows_of(d, flat), rows_of(c, flat)
        if SCALARS:
            of_q[:] = 0
        if TWO_STAGES:
            y_t = row(y, flat)
            backward_rows_1(columns, y_t, m, d_t, c_t, g_t, h_t, x_t, parameters, q_t, of_p, of_q)
            gemm(work, 0, 0, rows, M, N, y, W, g_a, 0)
            gemm(work, 1, 0, N, M, rows, y, a[t, b0:], dW, 1)
            g_t = row(g_a, flat)
        if GATES_APART and flat:
            backward_rows_0(columns, gates, m, d_t, c_t, g_t, h_t, x_t, parameters, q_t, of_p, of_q)
            apart(gates[0], units, u)
        else:
            backward_rows_0(columns, row(u, flat), m, d_t, c_t, g_t, h_t, x_t, parameters, q_t, of_p, of_q)
        if SCALARS:
            sum_all(of_q, dq[t, :SCALARS], rows, units, flat)
        if full:
            gemm(work, 0, 0, rows, N, M, u, Wt, c[READS], 1 if DIRECT else 0)
        if i == 0:
            t1 = min(t + length, time)
            weigh(work, rows, t, t1, b0, b1, start[READS], n[READS], us, dW)
            pull_back_projection(work, mode, x, index, U, t, t1, b0, b1, us, dz, dx, dU, ones, part)
        d, c = c, d
    for k in range(len(result)):
        result[k][:] = d[k]
    if PARAMETERS:
        sum_rows(of_p, dp, rows, units, flat)
    held(owned)
