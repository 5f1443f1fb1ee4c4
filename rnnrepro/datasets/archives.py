"""Reading one packed file, or one member of an archive, without ever unpacking anything else."""

from __future__ import annotations

import contextlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rnnrepro.datasets.verify import BLOCK
from rnnrepro.errors import Fault


def plain(path: Path) -> Iterator[bytes]:
    """The bytes of a file."""
    with _damage(path), open(path, "rb") as stream:
        yield from iter(lambda: stream.read(BLOCK), b"")


def xz(path: Path) -> Iterator[bytes]:
    """The bytes that an `.xz` file unpacks to. Raises Fault if it is damaged."""
    with _damage(path), lzma.open(path) as stream:
        yield from iter(lambda: stream.read(BLOCK), b"")


def member(path: Path, name: str) -> Iterator[bytes]:
    """The bytes of the regular file `name` in a tar archive of any packing.

    Raises Fault if the archive is damaged, has no such member, or has a link or device in its place.
    """
    with _damage(path), tarfile.open(path, "r|*") as archive:
        for entry in archive:
            if PurePosixPath(entry.name) == PurePosixPath(name):
                break
        else:
            raise Fault(f"{path}: expected a member {name}, found none of that name")
        if not entry.isreg():
            raise Fault(f"{path}: expected {name} to be a regular file, found a link, folder or device")
        stream = archive.extractfile(entry)
        yield from iter(lambda: stream.read(BLOCK), b"")


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (lzma.LZMAError, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise Fault(f"{path}: expected a readable file, found it damaged or truncated ({error})") from error
