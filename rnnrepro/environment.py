"""The environment variables that a process trains with: one thread, and the arithmetic that the libraries choose.

Their libraries read most of them once, when they are loaded, so they are set before anything heavy is imported.
"""

from __future__ import annotations

import os

# MKL chooses its kernels by the memory alignment of each matrix unless told otherwise. A run's slice of a
# stack is aligned as the stack has it, and a run's numbers must be the same bits alone and in any stack.
# The variable is read at the first product of the process; small products are up to a quarter slower for it.
MKL_CBWR = "AUTO,STRICT"

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Threads of PyTorch and of its products; those of NumPy's and SciPy's never pay at our sizes."""

_OTHER_ARITHMETIC = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
# Of numba's many, those that bear on no number; what it compiled with any other would be kept for later processes.
_OF_NUMBA = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS"}


def settle(threads: int = 1) -> list[str]:
    """Set what the numbers of a training depend on; the names of the variables that were set to something else.

    Those that make a library compute in another way than it does by itself on this processor are removed: a cluster's
    module may set them unseen, and the same settings would give other bits.
    """
    wanted = {"MKL_CBWR": MKL_CBWR, "OPENBLAS_NUM_THREADS": "1"} | dict.fromkeys(THREADS, str(threads))
    found = [name for name in _OTHER_ARITHMETIC if name in os.environ]
    found += [name for name in os.environ if name.startswith("NUMBA_") and name not in _OF_NUMBA]
    if os.environ.get("MKL_CBWR", MKL_CBWR) != MKL_CBWR:
        found.append("MKL_CBWR")
    for name in found:
        os.environ.pop(name)
    os.environ.update(wanted)
    return sorted(found)
