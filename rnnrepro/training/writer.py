"""Who may write a results file: of trainers that would write different results, those of the kind begun last.

A trainer outlives a pipeline that is killed. Were the settings changed meanwhile, it would in the end put the results
of the old settings over those of the new ones, where nothing would tell them apart. So each trainer claims its results
file when it begins, and looks before it writes whether a later one has that would write something else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnrepro import locks
from rnnrepro.errors import Fault


class Writer:
    """A trainer's claim to the results of a cell, kept in `root`/writers; made when this is.

    `what` identifies the results (`Cell.content`): trainers of the same ones may all write them.
    """

    def __init__(self, root: Path, key: str, what: str) -> None:
        self.root, self.place = root, root / "writers" / key.replace("/", ".")
        self.key, self.what = key, what
        with self._alone() as handle:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()} {what}".encode(), 0)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Within, no other trainer begins or writes. Raises Fault where a later one of other results has begun."""
        with self._alone() as handle:
            process, _, what = os.pread(handle, 100, 0).decode(errors="replace").partition(" ")
            if what != self.what:
                later = f"another training of it (process {process})" if process else "a pipeline"
                raise Fault(
                    f"{self.key}: {later} was begun after this training, and writes the results; "
                    "what was trained here is kept as state"
                )
            yield

    @contextmanager
    def _alone(self) -> Iterator[int]:
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.place, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise Fault(
                f"{self.place}: cannot be written ({error.strerror}); name another folder with --state"
            ) from None
        try:
            locks.take(handle, self.root, "name another folder with --state")
            yield handle
        finally:
            os.close(handle)
