"""Which form serves a scan: the matrix of a run in one multiprocessor for the whole sequence, or a product a step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton

from rnnrepro.scan.source import Signature

TILE = 16
"""Sequences a program: with 32 the products of 128 units no longer fit in registers."""

LARGEST = 128
"""Units beyond which a product of a tile does not fit in registers."""

COMPILING = {"num_stages": 1, "enable_fp_fusion": True}
"""How kernels of both forms are compiled; the second said outright, as its default changes between Tritons."""

_PIECE = 32
_WORKING = 24 * 2**10
"""Bytes of shared memory for what is not the matrix: pieces of h and changes of layout."""

_ASSUMED = 227 * 2**10
"""Bytes of shared memory a program where the interpreter stands for a GPU: those of an H100 or H200."""


@dataclass(frozen=True)
class Fit:
    """`padded` units, a power of two; the matrix in `chunks` pieces of rows; `warps` of 32 threads a program."""

    padded: int
    chunks: int
    warps: int


def fit(signature: Signature, units: int, precision: str, shared: int) -> Fit | None:
    """How W stays resident in a multiprocessor with `shared` bytes a program, or None where it does not fit."""
    padded = max(16, triton.next_power_of_2(units))
    if padded > LARGEST:
        return None
    columns = len(signature.state[signature.reads]) * signature.gates
    matrices = columns * len(signature.stages)
    copies = 2 if precision == "tf32x3" else 1  # the high and the low half of each number
    if matrices * copies * padded * padded * 4 + _WORKING > shared:
        return None
    return Fit(padded, max(1, padded // _PIECE), 8 if padded * columns > 64 else 4)


def shared_bytes(device: torch.device) -> int:
    """Bytes of shared memory that one program may take on this device."""
    if device.type != "cuda":
        return _ASSUMED
    index = torch.cuda.current_device() if device.index is None else device.index
    return triton.runtime.driver.active.utils.get_device_properties(index)["max_shared_mem"]
