"""What the compiled scans have in common: inputs into z, and gradients into those of weights and inputs.

Names as in `rnnrepro.scan.cpu.loops`. `mode` is 0 for z as it is, 1 for numbers x, 2 for symbols `index`. For numbers
`U` (D + 1, M) has the bias as its last row, which a column of ones beside x is multiplied by; for symbols the bias is
a part of each row.
"""

from __future__ import annotations

from rnnrepro.scan.cpu.blas import gemm
from rnnrepro.scan.cpu.compiling import over_rows, over_time


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


@over_rows
def look_up(index, U, out):
    """Row index[b] of U to row b."""
    for b in range(out.shape[0]):
        source = U[index[b]]
        for j in range(out.shape[1]):
            out[b, j] = source[j]


@over_rows
def scatter(index, u, dU):
    """Adds row b of u to row index[b]."""
    for b in range(u.shape[0]):
        target = dU[index[b]]
        for j in range(u.shape[1]):
            target[j] += u[b, j]


@over_rows
def beside_one(x, out):
    """x (rows, D), and a column of ones."""
    for b in range(x.shape[0]):
        for d in range(x.shape[1]):
            out[b, d] = x[b, d]
        out[b, x.shape[1]] = 1


@over_rows
def add_up(part, total):
    """Adds what was found in single precision to what is added up in double."""
    for d in range(part.shape[0]):
        for j in range(part.shape[1]):
            total[d, j] += part[d, j]


@over_time
def project(work, mode, x, index, U, t0, t1, b0, b1, ones, out):
    """x U, or U[index], of the times [t0, t1), to rows of `out`; `ones` is room for x beside a one."""
    rows = b1 - b0
    for t in range(t0, t1):
        first = (t - t0) * rows
        if mode == 2:
            look_up(index[t, b0:b1], U, out[first : first + rows])
        else:
            beside_one(x[t, b0:b1], ones[first : first + rows])
    if mode == 1:
        gemm(work, 0, 0, (t1 - t0) * rows, U.shape[1], U.shape[0], ones, U, out, 0)


@over_time
def pull_back_projection(work, mode, x, index, U, t0, t1, b0, b1, u, dz, dx, dU, ones, part):
    """From the gradient `u` of z in rows of the times [t0, t1): those of what z was made of. dU adds up.

    `part` takes the sum of these times in single precision.
    """
    rows = b1 - b0
    for t in range(t0, t1):
        first = (t - t0) * rows
        u_t = u[first : first + rows]
        if mode == 2:
            scatter(index[t, b0:b1], u_t, dU)
        elif mode == 1:
            beside_one(x[t, b0:b1], ones[first : first + rows])
            if dx.size > 0:
                gemm(work, 0, 1, rows, x.shape[2], u.shape[1], u_t, U, dx[t, b0:], 0)
        elif dz.size > 0:
            dz[t, b0:b1] = u_t
    if mode == 1:
        gemm(work, 1, 0, U.shape[0], U.shape[1], (t1 - t0) * rows, ones, u, part, 0)
        add_up(part, dU)


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
