"""Reading one packed file, or members of an archive, without ever unpacking anything else."""

from __future__ import annotations

import contextlib
import lzma
import stat
import tarfile
import zipfile
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
    """The bytes of the regular file `name` in a tar archive of any packing, or in a `.zip`.

    Raises Fault if the archive is damaged, has no such member, or has a link or device in its place.
    """
    if path.suffix == ".zip":
        yield from _zipped(path, name)
        return
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


def packed(path: Path, pattern: str, limit: int) -> Iterator[bytes]:
    """The regular files of an archive whose path ends as `pattern` says (`recordings/*.wav`), as a tar of our own.

    Upstream packs its archives anew now and then; the same files always give the same bytes here: names shortened
    to the pattern's folders, in their order, in the plain ustar format, owned by nobody, of the first of 2020.
    Raises Fault if the archive is damaged, has none of them, or has more than `limit` bytes of them.
    """
    depth, found, size = len(PurePosixPath(pattern).parts), {}, 0
    with _damage(path), tarfile.open(path, "r|*") as archive:
        for entry in archive:
            place = PurePosixPath(entry.name)
            if not place.match(pattern) or not entry.isreg():
                continue
            size += entry.size
            if size > limit:
                raise Fault(f"{path}: expected at most {limit:,} bytes of {pattern}, found more")
            found["/".join(place.parts[-depth:])] = archive.extractfile(entry).read()
    if not found:
        raise Fault(f"{path}: expected members {pattern}, found none of that name")
    written = 0
    for name in sorted(found):
        block = _header(name, len(found[name])) + found[name] + bytes(-len(found[name]) % tarfile.BLOCKSIZE)
        written += len(block)
        yield block
    end = written + 2 * tarfile.BLOCKSIZE
    yield bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE)


def _header(name: str, size: int) -> bytes:
    """The ustar header of a file (POSIX.1-1988): octal numbers, and the sum of its bytes with that field blank."""
    identity = name.encode().ljust(100, b"\0") + b"0000644\0" + 2 * b"0000000\0"
    dated = b"%011o\0%011o\0" % (size, 1_577_836_800)
    rest = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + 2 * b"0000000\0" + bytes(167)
    total = sum(identity + dated + 8 * b" " + rest)
    return identity + dated + b"%06o\0 " % total + rest


def _zipped(path: Path, name: str) -> Iterator[bytes]:
    with _damage(path), zipfile.ZipFile(path) as archive:
        found = [
            entry for entry in archive.infolist() if PurePosixPath(entry.filename) == PurePosixPath(name)
        ]
        if not found:
            raise Fault(f"{path}: expected a member {name}, found none of that name")
        kind = stat.S_IFMT(found[0].external_attr >> 16)
        if found[0].is_dir() or kind not in (0, stat.S_IFREG):
            raise Fault(f"{path}: expected {name} to be a regular file, found a link, folder or device")
        with archive.open(found[0]) as stream:
            yield from iter(lambda: stream.read(BLOCK), b"")


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise Fault(f"{path}: expected a readable file, found it damaged or truncated ({error})") from error
