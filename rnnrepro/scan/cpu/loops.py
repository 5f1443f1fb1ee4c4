"""The loops over time of the compiled scan, for the sequences [b0, b1) of one run.

This is text for `template`, compiled together with the loops over units of an update, whose functions and constants
(in capitals) it names; nothing here is called as it stands. Names as there, and: `W` (N, M); `z` (T, B, M), or in
factors `x` (T, B, D) or `index` (T, B) with `U` (D, M) and `bias` (M,); `start` and `last` the state before and
after; `n[k]` slot k at each time, or at the last two; `a` (T, B, M) what went into the second product.
"""
# ruff: noqa: F821

from __future__ import annotations

import numpy as np

FEW = 3  # inputs that are not worth a product


def row(array):
    """What the loops over units see of (rows, columns): itself, or all in one row where a unit has one part."""
    return array.reshape(1, -1) if FLAT else array


def chunk_length(rows, width, time):
    """How many steps of (rows, width) floats stay in the second-level cache."""
    return max(1, min(time, 65536 // (rows * width)))


def spread(p, rows):
    """Parameters (P, units) as the loops over units read them: once a sequence where a batch is one row."""
    if not FLAT or PARAMETERS == 0:
        return p
    units = p.shape[1]
    out = np.empty((p.shape[0], rows * units), np.float32)
    for i in range(p.shape[0]):
        for b in range(rows):
            out[i, b * units : (b + 1) * units] = p[i]
    return out


def project(work, mode, x, index, U, bias, t0, t1, b0, b1, out):
    """x U + bias, or U[index] + bias, of the times [t0, t1), to rows of `out`."""
    rows = b1 - b0
    for t in range(t0, t1):
        part = out[(t - t0) * rows : (t - t0 + 1) * rows]
        if mode == 2:
            look_up(index[t, b0:b1], U, bias, part)
        else:
            project_few(x[t, b0:b1], U, bias, part)
    if mode == 1 and x.shape[2] > FEW:
        if rows == x.shape[1]:
            gemm(work, 0, 0, (t1 - t0) * rows, out.shape[1], x.shape[2], x[t0], U, out, 1)
        else:
            for t in range(t0, t1):
                gemm(work, 0, 0, rows, out.shape[1], x.shape[2], x[t, b0:], U, out[(t - t0) * rows :], 1)


def look_up(index, U, bias, out):
    for b in range(out.shape[0]):
        source = U[index[b]]
        for j in range(out.shape[1]):
            out[b, j] = source[j] + bias[j]


def project_few(x, U, bias, out):
    """bias + x U for few inputs, bias alone for many."""
    for b in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[b, j] = bias[j]
        for d in range(x.shape[1] if x.shape[1] <= FEW else 0):
            value, source = x[b, d], U[d]
            for j in range(out.shape[1]):
                out[b, j] += value * source[j]


def pull_back_projection(work, mode, x, index, U, t0, t1, b0, b1, u, dz, dx, dU, dbias, part):
    """From the gradient `u` of z in rows of the times [t0, t1): those of what z was made of. dU and dbias add up.

    `part` (D + 1, M) takes the sums of these times, which are added up in double precision.
    """
    rows = b1 - b0
    if mode != 0:
        part[:] = 0
    for t in range(t0, t1):
        u_t = u[(t - t0) * rows : (t - t0 + 1) * rows]
        if mode == 0:
            if dz.size > 0:
                dz[t, b0:b1] = u_t
        elif mode == 2:
            scatter(index[t, b0:b1], u_t, dU, part[0])
        else:
            gather_few(x[t, b0:b1], u_t, part)
            if dx.size > 0:
                gemm(work, 0, 1, rows, x.shape[2], u.shape[1], u_t, U, dx[t, b0:], 0)
    if mode == 1 and x.shape[2] > FEW:
        weigh_inputs(work, rows, t0, t1, b0, x, u, part[1:])
    if mode == 1:
        add_up(part[1:], dU)
    if mode != 0:
        for j in range(dbias.shape[0]):
            dbias[j] += part[0, j]


def scatter(index, u, dU, dbias):
    for b in range(u.shape[0]):
        target = dU[index[b]]
        for j in range(u.shape[1]):
            target[j] += u[b, j]
        for j in range(u.shape[1]):
            dbias[j] += u[b, j]


def gather_few(x, u, part):
    """Adds the sums of u, and for few inputs of xᵀ u, over the rows."""
    for b in range(u.shape[0]):
        target = part[0]
        for j in range(u.shape[1]):
            target[j] += u[b, j]
        for d in range(x.shape[1] if x.shape[1] <= FEW else 0):
            value, target = x[b, d], part[d + 1]
            for j in range(u.shape[1]):
                target[j] += value * u[b, j]


def add_up(part, total):
    for d in range(part.shape[0]):
        for j in range(part.shape[1]):
            total[d, j] += part[d, j]


def weigh(work, rows, t0, t1, b0, b1, start, h, u, dW):
    """dW += the sum over the times [t0, t1) of h_{t-1}ᵀ u_t, with u in rows of these times."""
    N, M = dW.shape
    whole = rows == h.shape[1]
    if t0 == 0 or not whole:
        for t in range(t0, t1 if not whole else 1):
            before = h[t - 1, b0:] if t > 0 else start[b0:]
            gemm(work, 1, 0, N, M, rows, before, u[(t - t0) * rows :], dW, 1)
    first = max(t0, 1)
    if whole and first < t1:
        gemm(work, 1, 0, N, M, (t1 - first) * rows, h[first - 1], u[(first - t0) * rows :], dW, 1)


def weigh_inputs(work, rows, t0, t1, b0, x, u, part):
    """part = the sum over the times [t0, t1) of x_tᵀ u_t."""
    D, M = part.shape
    if rows == x.shape[1]:
        gemm(work, 1, 0, D, M, (t1 - t0) * rows, x[t0], u, part, 0)
    else:
        for t in range(t0, t1):
            gemm(work, 1, 0, D, M, rows, x[t, b0:], u[(t - t0) * rows :], part, 0 if t == t0 else 1)


def sum_rows(values, out, rows, units):
    """Adds to `out` (count, units) the sum over the batch of what the loops over units left in `values`."""
    flat = values.reshape(-1)
    for k in range(out.shape[0]):
        for b in range(rows):
            first = (k * rows + b) * units if FLAT else (b * out.shape[0] + k) * units
            for j in range(units):
                out[k, j] += flat[first + j]


ROW_LOOPS = (look_up, project_few, scatter, gather_few, add_up)
HELPERS = (row, chunk_length, spread, project, weigh, weigh_inputs, pull_back_projection, sum_rows)


def forward(W, mode, z, x, index, U, bias, start, last, n, saved, a, p, q, b0, b1, keep):
    rows, time = b1 - b0, q.shape[0]
    N, M = W.shape
    columns = (rows if FLAT else 1) * (N // PARTS)
    work, parameters, length = workspace(), spread(p, rows), chunk_length(rows, M, time)
    Wt = np.ascontiguousarray(W.T) if TWO_STAGES else W
    u, y = np.empty((rows, M), np.float32), np.empty((rows, N), np.float32)
    zs = np.empty((length * rows if mode != 0 else 1, M), np.float32)
    for t in range(time):
        i = t % length
        if mode != 0 and i == 0:
            project(work, mode, x, index, U, bias, t, min(t + length, time), b0, b1, zs)
        z_t = z[t, b0:b1] if mode == 0 else zs[i * rows : (i + 1) * rows]
        x_t = row(saved[t if keep else 0, b0:b1])
        before, after = slots_at(n, start, t - 1, b0, b1), slots_at(n, start, t, b0, b1)
        gemm(work, 0, 0, rows, M, N, before[READS], W, u, 0)
        if TWO_STAGES:
            a_t = a[t if keep else 0, b0:b1]
            forward_rows_0(columns, row(u), row(z_t), rows_of(before), (row(a_t),), x_t, parameters, q[t])
            gemm(work, 0, 0, rows, N, M, a_t, Wt, y, 0)
            forward_rows_1(columns, row(y), row(y), rows_of(before), rows_of(after), x_t, parameters, q[t])
        else:
            forward_rows_0(columns, row(u), row(z_t), rows_of(before), rows_of(after), x_t, parameters, q[t])
    end = slots_at(n, start, time - 1, b0, b1)
    for k in range(len(last)):
        last[k][b0:b1] = end[k]


def backward(
    W,
    mode,
    x,
    index,
    U,
    start,
    n,
    saved,
    a,
    p,
    q,
    every,
    g,
    d,
    c,
    full,
    b0,
    b1,
    dW,
    dz,
    dx,
    dU,
    dbias,
    dp,
    dq,
):
    """The gradients of all that `forward` took, from those of the outputs (`g`) and of the last state (`d`).

    `d` is overwritten, and `c` holds the gradient of the state before in the end. dW, dU, dbias and dp are those of
    these sequences alone; where a gradient is not wanted its array is empty (dz, dx).
    """
    rows, time = b1 - b0, q.shape[0]
    N, M = W.shape
    units = N // PARTS
    columns = (rows if FLAT else 1) * units
    work, parameters, length = workspace(), spread(p, rows), chunk_length(rows, M, time)
    Wt = np.ascontiguousarray(W.T)  # products with a matrix as it lies in memory are the faster ones
    us, none = np.empty((length * rows, M), np.float32), np.zeros((rows, g.shape[2]), np.float32)
    y, g_a = np.empty((rows, N), np.float32), np.empty((rows, M), np.float32)
    m = row(np.empty((rows, max(1, MIDDLE) * units), np.float32))
    of_p = row(np.zeros((rows, max(1, PARAMETERS) * units), np.float32))
    of_q = row(np.zeros((rows, max(1, SCALARS) * units), np.float32))
    step_sums = np.zeros((max(1, SCALARS), units), np.float64)
    part = np.empty((dU.shape[0] + 1 if mode == 1 else 1, M), np.float32)
    d, c = slots_of(d, b0, b1), slots_of(c, b0, b1)
    result = c
    for t in range(time - 1, -1, -1):
        i = t % length
        u = us[i * rows : (i + 1) * rows]
        x_t, h_t, q_t = row(saved[t, b0:b1]), row(n[0][t, b0:b1]), q[t]
        g_t = g[t, b0:b1] if every else (g[0, b0:b1] if t == time - 1 else none)
        dr, cr, gr, ur = rows_of(d), rows_of(c), row(g_t), row(u)
        of_q[:] = 0
        if TWO_STAGES:
            yr = row(y)
            backward_rows_1(columns, yr, m, dr, cr, gr, h_t, x_t, parameters, q_t, of_p, of_q)
            gemm(work, 0, 0, rows, M, N, y, W, g_a, 0)
            gemm(work, 1, 0, N, M, rows, y, a[t, b0:], dW, 1)
            gr = row(g_a)
        backward_rows_0(columns, ur, m, dr, cr, gr, h_t, x_t, parameters, q_t, of_p, of_q)
        if SCALARS:
            step_sums[:] = 0
            sum_rows(of_q, step_sums, rows, units)
            for k in range(SCALARS):
                dq[t, k] = step_sums[k].sum()
        if full:
            gemm(work, 0, 0, rows, N, M, u, Wt, c[READS], 1 if DIRECT else 0)
        if i == 0:
            t1 = min(t + length, time)
            weigh(work, rows, t, t1, b0, b1, start[READS], n[READS], us, dW)
            pull_back_projection(work, mode, x, index, U, t, t1, b0, b1, us, dz, dx, dU, dbias, part)
        d, c = c, d
    for k in range(len(result)):
        result[k][:] = d[k]
    if PARAMETERS:
        sum_rows(of_p, dp, rows, units)
