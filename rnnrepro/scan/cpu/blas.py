"""Matrix products from within compiled code: the BLAS that PyTorch brings, and SciPy's for small matrices.

Of the two, MKL (in PyTorch) is faster on large products and OpenBLAS (in SciPy) on small ones, 1.3 to 1.7 times
each on a core with AVX-512 at the sizes of these papers. Which one serves a product depends on its size and on which
matrices are transposed alone, and so do its bits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  loads the library before its address is asked for
import torch
from numba import types
from numba.extending import get_cython_function_address

from rnnrepro.scan.cpu.compiling import over_time

SMALL = 2**18
"""Products of fewer multiplications, of matrices as they lie in memory, go to OpenBLAS.

It never takes a second thread for them."""

FEW = 8
"""Products with so few rows go there too if the first matrix is transposed."""

_small = get_cython_function_address("scipy.linalg.cython_blas", "sgemm")


def _torch_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    except OSError:
        return None


_library = _torch_library()
_large = ctypes.cast(_library.sgemm_, ctypes.c_void_p).value if hasattr(_library, "sgemm_") else _small

# By name, not by address, so that compiled code can be kept on disk.
llvm.add_symbol("rnnrepro_sgemm_small", _small)
llvm.add_symbol("rnnrepro_sgemm_large", _large)

_signature = types.void(*[types.voidptr] * 13)
_sgemm_small = types.ExternalFunction("rnnrepro_sgemm_small", _signature)
_sgemm_large = types.ExternalFunction("rnnrepro_sgemm_large", _signature)


@over_time
def workspace():
    """What the products of one thread need to hand numbers to BLAS: sizes, factors, letters."""
    letters = np.empty(2, np.uint8)
    letters[0], letters[1] = 78, 84  # N, T
    return np.empty(6, np.int32), np.ones(2, np.float32), letters


@over_time
def gemm(work, transpose_a, transpose_b, m, n, k, a, b, c, add):
    """c (m, n) = a b, or c + a b with `add` 1; a is (m, k) or its transpose, b (k, n) or its transpose; rows whole."""
    sizes, factors, letters = work
    sizes[0], sizes[1], sizes[2] = n, m, k
    sizes[3] = k if transpose_b else n
    sizes[4] = m if transpose_a else k
    sizes[5] = n
    factors[1] = add
    of_a, of_b = letters[transpose_a:], letters[transpose_b:]
    # BLAS counts columns first: what is handed over is cᵀ = bᵀ aᵀ.
    if m * n * k < SMALL and not transpose_b and (m < FEW or not transpose_a):
        _sgemm_small(
            of_b.ctypes, of_a.ctypes, sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes, factors[0:].ctypes,
            b.ctypes, sizes[3:].ctypes, a.ctypes, sizes[4:].ctypes, factors[1:].ctypes, c.ctypes, sizes[5:].ctypes,
        )  # fmt: skip
    else:
        _sgemm_large(
            of_b.ctypes, of_a.ctypes, sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes, factors[0:].ctypes,
            b.ctypes, sizes[3:].ctypes, a.ctypes, sizes[4:].ctypes, factors[1:].ctypes, c.ctypes, sizes[5:].ctypes,
        )  # fmt: skip


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, products called from this thread take no other thread."""
    set_local = getattr(_library, "MKL_Set_Num_Threads_Local", None)
    if set_local is None:
        yield
        return
    before = set_local(1)
    try:
        yield
    finally:
        set_local(before)
