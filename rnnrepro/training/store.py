"""The state folder of a run: its lock, its checkpoint and its finished record.

The folder's name is the run's digest and the fingerprint of the code it is trained with, so that equal runs of
two experiments are trained once, an added seed trains that seed alone, and no checkpoint is ever continued by
other code than began it, unless that is asked for.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from rnnrepro import records
from rnnrepro.errors import Fault

_DIGEST_BYTES = 32


class RunStore:
    """The state folder of one run below `root`."""

    def __init__(self, root: Path, digest: str, fingerprint: str) -> None:
        self.folder = root / f"{digest}-{fingerprint}"
        self.fingerprint = fingerprint

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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise Fault(
                f"{self.folder}: cannot be written ({error.strerror}); name another with --state"
            ) from None
        try:
            self._wait(handle, say)
            yield
        finally:
            os.close(handle)

    def _wait(self, handle: int, say: Callable[[str], None]) -> None:
        waited = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not waited:
                    say(f"another process trains {self.folder.name}; waiting for it")
                waited = True
                time.sleep(0.5)

    def save(self, content: Mapping[str, Any]) -> None:
        """Write the checkpoint atomically, with a checksum before it."""
        buffer = io.BytesIO()
        torch.save(dict(content), buffer)
        data = buffer.getvalue()
        records.atomically(
            self.checkpoint, lambda part: part.write_bytes(hashlib.sha256(data).digest() + data)
        )

    def load(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The checkpoint, or None where there is none or, which is said, a damaged one. Tensors only, never code."""
        try:
            stored = self.checkpoint.read_bytes()
        except FileNotFoundError:
            return None
        data = stored[_DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != stored[:_DIGEST_BYTES]:
            say(f"{self.checkpoint}: damaged checkpoint set aside; the run starts again")
            self.checkpoint.replace(self.folder / "checkpoint.damaged")
            return None
        return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")

    def finish(self, table: pa.Table, provenance: Mapping[str, Any]) -> None:
        """Write the finished record and drop the checkpoint."""
        records.write(self.record, table, provenance)
        self.checkpoint.unlink(missing_ok=True)

    def finished(self, say: Callable[[str], None]) -> records.CellRecords | None:
        """The finished record, or None where there is none or, which is said, a damaged one."""
        if not self.record.exists():
            return None
        try:
            return records.read(self.record)
        except Fault as fault:
            say(f"{fault}; set aside, the run starts again")
            self.record.replace(self.folder / "record.damaged")
            return None
