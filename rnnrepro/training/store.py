"""The state folder of a run: its lock, its checkpoint and its finished record.

The folder's name is the run's digest and the fingerprint of the code it is trained with, so that equal runs of
two experiments are trained once, an added seed trains that seed alone, and no checkpoint is ever continued by
other code than began it, unless that is asked for.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from rnnrepro import checksums, locks, records
from rnnrepro.checksums import Damaged
from rnnrepro.errors import Fault

_NEEDED = frozenset({"step", "network", "optimiser", "carried", "averages", "history", "seconds"})


class RunStore:
    """The state folder of one run below `root`."""

    def __init__(self, root: Path, digest: str, fingerprint: str) -> None:
        self.folder = root / f"{digest}-{fingerprint}"
        self.digest, self.fingerprint = digest, fingerprint

    @classmethod
    def found(cls, root: Path, digest: str, fingerprint: str, *, any_code: bool) -> RunStore:
        """The store of exactly this code, or with `any_code` one that earlier code has begun, if there is one."""
        store = cls(root, digest, fingerprint)
        if any_code and not store.begun:
            for folder in sorted(root.glob(f"{digest}-*")):
                other = cls(root, digest, folder.name.partition("-")[2])
                if other.begun:
                    return other
        return store

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's file."""
        return self.folder / "checkpoint"

    @property
    def record(self) -> Path:
        """The finished record's file."""
        return self.folder / "record.parquet"

    @property
    def begun(self) -> bool:
        """Whether anything of the run is kept here."""
        return self.record.exists() or self.checkpoint.exists()

    @contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the run for this process; waits for another trainer of the same run, saying so.

        The lock is the operating system's, so it goes with the process however that ends.
        """
        handle = self._held(say)
        try:
            for half_written in self.folder.glob(".*.part"):  # by a process that was killed
                half_written.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)

    def _held(self, say: Callable[[str], None]) -> int:
        """The lock, held. One that `rnnrepro clean` removed while it was waited for is no lock any more."""
        while True:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise Fault(
                    f"{self.folder}: cannot be written ({error.strerror}); name another with --state"
                ) from None
            try:
                self._wait(handle, say)
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(handle), os.stat(self.folder / "lock")):
                        return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _wait(self, handle: int, say: Callable[[str], None]) -> None:
        waited = False
        while True:
            try:
                locks.take(handle, self.folder.parent, "name another folder with --state", wait=False)
                return
            except BlockingIOError:
                if not waited:
                    say(f"another process trains {self.folder.name}; waiting for it")
                waited = True
                time.sleep(0.5)

    def save(self, content: Mapping[str, Any]) -> None:
        """Write the checkpoint atomically, with the name of its run, and a checksum before it."""
        buffer = io.BytesIO()
        torch.save({**content, "run": self.folder.name}, buffer)
        data = checksums.before(buffer.getvalue())
        records.atomically(self.checkpoint, lambda part: part.write_bytes(data))

    def load(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The checkpoint, or None where there is none or, which is said, one of no use. Tensors only, never code."""
        try:
            return self._loaded(checksums.behind(self.checkpoint.read_bytes(), self.checkpoint))
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            self._set_aside(self.checkpoint, f"{self.checkpoint}: a folder in a checkpoint's place", say)
        except OSError as error:
            raise Fault(
                f"{self.checkpoint}: cannot be read ({error.strerror}); mend that, or delete it and run again"
            ) from None
        except Damaged as fault:
            self._set_aside(self.checkpoint, str(fault).partition(";")[0], say)
        return None

    def _loaded(self, data: bytes) -> dict[str, Any]:
        try:
            found = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
        except Exception as error:  # whatever torch finds wrong; its many words are of no use to a reader
            raise Damaged(f"{self.checkpoint}: not a checkpoint ({type(error).__name__})") from None
        if not isinstance(found, dict) or not found.keys() >= _NEEDED:
            raise Damaged(f"{self.checkpoint}: not a checkpoint of a run")
        if found.get("run", self.folder.name) != self.folder.name:  # earlier ones do not name their run
            raise Damaged(f"{self.checkpoint}: the checkpoint of another run or of other code")
        return found

    def _set_aside(self, path: Path, why: str, say: Callable[[str], None]) -> None:
        """Move what is of no use out of the way. Raises Fault where that cannot be."""
        number, aside = 1, path.with_name(f"{path.stem}.damaged")
        while aside.exists():
            number, aside = number + 1, path.with_name(f"{path.stem}.damaged{number + 1}")
        try:
            path.rename(aside)
        except OSError as error:
            raise Fault(
                f"{why}; it cannot be set aside ({error.strerror}): delete it and run again"
            ) from None
        say(f"{why}; set aside as {aside.name}, the run starts again")

    def finish(self, table: pa.Table, provenance: Mapping[str, Any]) -> None:
        """Write the finished record and drop the checkpoint."""
        records.write(self.record, table, provenance)
        self.checkpoint.unlink(missing_ok=True)

    def finished(self, say: Callable[[str], None]) -> records.CellRecords | None:
        """The finished record, or None where there is none or, which is said, one of no use."""
        if not self.record.exists():
            return None
        try:
            found = records.read(self.record)
            of = found.provenance.get("digest"), found.provenance.get("fingerprint")
            if of != (self.digest, self.fingerprint) or not found.table.schema.equals(records.RUN_SCHEMA):
                raise Damaged(f"{self.record}: the record of another run or of other code")
            return found
        except Damaged as fault:
            self._set_aside(self.record, str(fault).partition(";")[0], say)
            return None
