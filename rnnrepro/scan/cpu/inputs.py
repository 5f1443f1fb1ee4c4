"""What the compiled scans have in common: inputs into z, and gradients into those of weights and inputs.

Names as in `rnnrepro.scan.cpu.loops`. `mode` is 0 for z as it is, 1 for numbers x, 2 for symbols `index`.
"""

from __future__ import annotations

from rnnrepro.scan.cpu.blas import gemm
from rnnrepro.scan.cpu.compiling import over_rows, over_time

FEW = 3  # inputs that are not worth a product


@over_rows
def look_up(index, U, bias, out):
    for b in range(out.shape[0]):
        source = U[index[b]]
        for j in range(out.shape[1]):
            out[b, j] = source[j] + bias[j]


@over_rows
def project_few(x, U, bias, out):
    """bias + x U for few inputs, bias alone for many."""
    for b in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[b, j] = bias[j]
        for d in range(x.shape[1] if x.shape[1] <= FEW else 0):
            value, source = x[b, d], U[d]
            for j in range(out.shape[1]):
                out[b, j] += value * source[j]


@over_rows
def scatter(index, u, dU, dbias):
    for b in range(u.shape[0]):
        target = dU[index[b]]
        for j in range(u.shape[1]):
            target[j] += u[b, j]
        for j in range(u.shape[1]):
            dbias[j] += u[b, j]


@over_rows
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


@over_rows
def add_up(part, total):
    for d in range(part.shape[0]):
        for j in range(part.shape[1]):
            total[d, j] += part[d, j]


@over_rows
def together(u, z, units, out):
    """u + z (rows, gates · units) with gate after gate, each for all rows."""
    rows = u.shape[0]
    for g in range(u.shape[1] // units):
        for b in range(rows):
            first = (g * rows + b) * units
            for j in range(units):
                out[first + j] = u[b, g * units + j] + z[b, g * units + j]


@over_rows
def apart(gates, units, out):
    """What `together` brought together, back to (rows, gates · units)."""
    rows = out.shape[0]
    for g in range(out.shape[1] // units):
        for b in range(rows):
            first = (g * rows + b) * units
            for j in range(units):
                out[b, g * units + j] = gates[first + j]


@over_time
def chunk_length(rows, width, time):
    """How many steps of (rows, width) floats stay in the second-level cache."""
    return max(1, min(time, 65536 // (rows * width)))


@over_time
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


@over_time
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


@over_time
def weigh_inputs(work, rows, t0, t1, b0, x, u, part):
    """part = the sum over the times [t0, t1) of x_tᵀ u_t."""
    D, M = part.shape
    if rows == x.shape[1]:
        gemm(work, 1, 0, D, M, (t1 - t0) * rows, x[t0], u, part, 0)
    else:
        for t in range(t0, t1):
            gemm(work, 1, 0, D, M, rows, x[t, b0:], u[(t - t0) * rows :], part, 0 if t == t0 else 1)


@over_time
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
