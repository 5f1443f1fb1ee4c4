"""What numba compiles is compiled in a process of its own, and every process that trains loads it from the disk.

A process that compiles a scan keeps two machine codes of each function that the scan calls: one compiled on its own,
and one optimised a second time together with the scan, which is what goes to the disk. By name it runs the first; a
process that loads the scan has the second alone. Where a product and a sum are joined (`contract` in
`rnnrepro.scan.cpu.compiling`) differs between the two for long stages, such as an LSTM's, and so do the last bits.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, MutableSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import rnnrepro
from rnnrepro import locks

_MOST_SLOTS = 8
_NO_LOCKS = "name another one for compiled scans with RNNREPRO_CACHE"


@dataclass(frozen=True)
class Wanted:
    """A function of a module of this package, or of one that it generated, for arguments of some types."""

    module: str
    file: str
    function: str
    types: tuple[Any, ...]


class NotCompiled(Exception):
    """Raised in place of compiling what is kept on the disk: compile it apart, and call again."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(f"{wanted.module}.{wanted.function} is not compiled yet")
        self.wanted = wanted


@contextmanager
def only_loaded(but: MutableSet[Wanted]) -> Iterator[None]:
    """Within it, what would be compiled raises NotCompiled, unless it is among `but`; nothing without numba."""
    if importlib.util.find_spec("numba") is None:
        yield
        return
    from numba.core import event

    from rnnrepro.scan.source import cache_folder
    from rnnrepro.training import machine_code

    machine_code.check()
    machine_code.drop_bytecode(cache_folder())

    class Refusal(event.Listener):
        def on_start(self, event: Any) -> None:
            dispatcher, types = event.data["dispatcher"], tuple(event.data["args"])
            function = dispatcher.py_func
            kept = function.__module__.startswith("rnnrepro") and dispatcher.stats.cache_path is not None
            file = str(Path(function.__code__.co_filename).resolve())
            wanted = Wanted(function.__module__, file, function.__name__, types)
            if kept and wanted not in but:
                raise NotCompiled(wanted)

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Refusal()):
        yield


def check_lock() -> None:
    """Raise Fault where the folder of compiled scans keeps no locks: then they can be neither compiled nor loaded."""
    from rnnrepro.scan.source import cache_folder

    with _opened_lock(cache_folder()) as lock, suppress(BlockingIOError):  # another process compiles
        locks.take(lock.fileno(), cache_folder(), _NO_LOCKS, wait=False)


def compile_apart(wanted: Wanted, say: Callable[[str], None]) -> None:
    """Compile it in another process, which keeps it on the disk for this one and all later ones. Raises Fault."""
    check_lock()
    began = time.monotonic()
    failure = _failure(wanted)
    if failure:
        say(
            f"{wanted.module} could not be compiled apart ({failure}) and is compiled here: in this process alone, "
            "the rows may differ in their last bits from those of others"
        )
    else:
        say(f"compiled {wanted.module} in {time.monotonic() - began:.0f} s, once on this machine")


def _failure(wanted: Wanted) -> str:
    """Let another process compile it; why that could not, or ""."""
    paths = [str(Path(rnnrepro.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    # What is compiled is to depend on nothing that varies, and names in it come from hashes.
    variables = {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=pickle.dumps(wanted),
            capture_output=True,
            check=False,
            env={**os.environ, **variables},
        )
    except OSError as error:
        return str(error)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return (said or [f"exit {done.returncode}"])[-1] if done.returncode else ""


def _compile(wanted: Wanted) -> None:
    """Compile it, and with one half of a scan the other, unless they are on the disk already."""
    from rnnrepro.scan.cpu.compiling import signatures
    from rnnrepro.scan.source import cache_folder
    from rnnrepro.training import machine_code

    machine_code.check()
    scans = map(signatures, range(1, _MOST_SLOTS + 1))
    halves = (found for found in scans if found.get(wanted.function) == wanted.types)
    module = _imported(wanted)
    with _opened_lock(cache_folder()) as lock:
        locks.take(lock.fileno(), cache_folder(), _NO_LOCKS)
        for name, types in next(halves, {wanted.function: wanted.types}).items():
            getattr(module, name).compile(types)


def _opened_lock(folder: Path) -> IO[str]:
    return open(folder / "compiling.lock", "w")  # that of rnnrepro.scan.cpu.kernels


def _imported(wanted: Wanted) -> ModuleType:
    if wanted.module.startswith("rnnrepro."):
        return importlib.import_module(wanted.module)
    spec = importlib.util.spec_from_file_location(wanted.module, wanted.file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[wanted.module] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    from rnnrepro.training import apart

    apart._compile(pickle.loads(sys.stdin.buffer.read()))
