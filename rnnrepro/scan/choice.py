"""Which form of the scan serves an update, a type of number and a device."""

from __future__ import annotations

import importlib.util
import logging
import sys
from functools import cache

import torch
from torch import Tensor

from rnnrepro.errors import Fault, nearest
from rnnrepro.updates.base import Update

BACKENDS = ("auto", "plain", "cpu", "gpu")

_DEVICES = {"cpu": "cpu", "cuda": "gpu"}
_NEEDS = {"cpu": "numba", "gpu": "triton"}
_log = logging.getLogger(__name__)


def chosen(backend: str, update: Update, W: Tensor) -> str:
    """`plain`, `cpu` or `gpu`: the scan that `backend` means for this update and this recurrent matrix.

    An update or a type of number that the fast form cannot serve runs plainly, and one line of the log says so.
    Raises Fault for an unknown backend and for one of another device than that of W.
    """
    if backend not in BACKENDS:
        raise Fault(f"unknown backend {backend!r}{nearest(backend, BACKENDS)}")
    native = _DEVICES.get(W.device.type)
    if backend in _NEEDS and backend != native:
        raise Fault(f"backend {backend!r} cannot run on the device {W.device}; use 'auto' or 'plain'")
    if backend == "plain" or native is None:
        return "plain"
    reason = _unfit(type(update), W.dtype, native)
    if reason:
        if backend != "auto" or W.dtype == torch.float32:
            _say_once(f"the scan of {type(update).__name__} runs plainly, several times slower: {reason}")
        return "plain"
    return native


@cache
def _unfit(update: type[Update], dtype: torch.dtype, native: str) -> str:
    if any(stage.backward is None for stage in update.stages):
        return "its stages give no derivative (`backward`)"
    if dtype != torch.float32:
        return f"compiled scans take float32, not {str(dtype).removeprefix('torch.')}"
    needed = _NEEDS[native]
    if needed not in sys.modules and importlib.util.find_spec(needed) is None:
        return f"the package {needed} is not installed"
    return ""


@cache
def _say_once(text: str) -> None:
    _log.warning(text)
