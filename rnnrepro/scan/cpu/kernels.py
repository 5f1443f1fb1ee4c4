"""The compiled scan of an update: generated once, compiled once on a machine, kept on disk for the next process."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba

from rnnrepro.scan.cpu import blas, borrowing, compiling, inputs, words
from rnnrepro.scan.cpu.template import Template
from rnnrepro.scan.source import Signature, cache_folder, module_of

_log = logging.getLogger(__name__)


class Kernels(NamedTuple):
    """`loops.forward` and `loops.backward` of one signature, and the number of columns a unit that they save."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    saved: int


@cache
def kernels(signature: Signature) -> Kernels:
    """The compiled functions. A process that finds another one compiling them waits and takes what that one kept."""
    template = Template(signature)
    module = module_of(f"{template.text()}\n# {_environment()}\n", "scan")
    with _alone():
        began = time.monotonic()
        # The entry itself: a dispatcher would look up the types of all arguments again at every call.
        forward, backward = (
            compiled(getattr(module, name), types)
            for name, types in compiling.signatures(len(signature.state)).items()
        )
        if (took := time.monotonic() - began) > 1:
            _log.info("compiled the scan of (%s) in %.1f s", ", ".join(signature.parts), took)
    return Kernels(forward, backward, len(template.saved))


def compiled(function: Any, types: tuple) -> Callable[..., None]:
    """The machine code of a dispatcher for arguments of these types, which must be just these."""
    function.compile(types)
    return function.overloads[types].entry_point


@cache
def _environment() -> str:
    """What the compiled code depends on besides its own text; Numba itself keeps the kinds of processor apart."""
    texts = [Path(module.__file__).read_bytes() for module in (blas, borrowing, compiling, inputs, words)]
    return f"{hashlib.sha256(b''.join(texts)).hexdigest()[:16]} numba {numba.__version__}"


@contextmanager
def _alone() -> Iterator[None]:
    with open(cache_folder() / "compiling.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
