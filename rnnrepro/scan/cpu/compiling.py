"""How the generated modules are compiled: with which types, what the compiler may assume, and kept on disk."""

from __future__ import annotations

from numba import njit, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder


class _NoAlias(CompilerBase):
    """The arrays of a call never overlap. Without that promise a loop over many arrays is not vectorised."""

    def define_pipelines(self) -> list:
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


# Contraction joins a product and a sum into one instruction that rounds once; nothing is reordered.
_options = {"error_model": "numpy", "fastmath": {"contract"}}

# What only compiled code calls needs no door to Python; each would take a third of the time of compiling.
inner = _options | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

inlined = njit(forceinline=True, **inner)
over_rows = njit(pipeline_class=_NoAlias, **inner)
over_time = njit(**inner)
scans = njit(nogil=True, cache=True, **_options)


def signatures(slots: int) -> dict[str, tuple]:
    """The types of the arguments of `loops.forward` and `loops.backward` for a state of so many slots."""
    number, flag = types.int64, types.boolean
    f2, f3 = types.float32[:, ::1], types.float32[:, :, ::1]
    d2, i2 = types.float64[:, ::1], types.int64[:, ::1]
    states, sequences = types.UniTuple(f2, slots), types.UniTuple(f3, slots)
    inputs = (f3, i2, f2)
    forward = (f2, number, f3, *inputs, states, states, sequences, f3, f3, f2, f2)
    backward = (f2, number, *inputs, states, sequences, f3, f3, f2, f2, flag, f3, states, states, flag)
    return {
        "forward": (*forward, number, number, flag),
        "backward": (*backward, number, number, f2, f3, f3, d2, d2, d2),
    }
