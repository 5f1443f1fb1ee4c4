"""A look through an archive before it is opened: what it would cost to read, and what it has no business to hold.

Of an archive only the member that is read has a pinned checksum. The archive itself may be anything that a server
sends, and Python's readers trust what it says of its sizes: so it is gone through here in bounded memory and time.
"""

from __future__ import annotations

import bz2
import contextlib
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from rnnrepro.datasets.verify import BLOCK
from rnnrepro.errors import Fault

ARCHIVE_BYTES = 1 << 28
"""Longest archive; the longest of the declared ones has about 60 MB."""
UNPACKED_BYTES = 1 << 30
"""Most bytes that a tar archive may unpack to."""
MEMBERS = 20_000
_LABELS = 1 << 20  # bytes of the headers of a tar archive that give long names and the like
_MEMORY = 1 << 28  # bytes that unpacking xz may take
_DIRECTORY = 1 << 24  # bytes of the table of contents of a zip archive
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_RECORD = re.compile(rb"(\d{1,7}) ([^=\n\0]+)=")  # with a length that `_LABELS` allows
_END, _END_SIZE, _LOCATOR_SIZE = b"PK\5\6", 22, 20
_DAMAGE = (
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member; NotImplementedError, an unknown packing
    ValueError,
    LookupError,
    OverflowError,
)


def screen(path: Path) -> None:
    """Raise Fault for a tar archive of any packing, or a `.zip`, that is damaged, or that would be dear to read."""
    if path.stat().st_size > ARCHIVE_BYTES:
        raise Fault(f"{path}: expected an archive of at most {ARCHIVE_BYTES:,} bytes, found more")
    with readable(path), open(path, "rb") as stream:
        _zip(path, stream) if path.suffix == ".zip" else _tar(path, stream)


def screen_xz(path: Path, most: int) -> None:
    """Raise Fault for an `.xz` file that is damaged, takes much memory, or unpacks to more than `most` bytes."""
    done = 0
    with readable(path), open(path, "rb") as stream:
        for chunk in _unpacked(stream, _lzma):
            done += len(chunk)
            if done > most:
                raise Fault(f"{path}: too long: expected to unpack to {most:,} bytes, found more")


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of whatever Python's readers raise within that the archive is damaged."""
    try:
        yield
    except _DAMAGE as error:
        said = "".join(letter if letter.isprintable() else "?" for letter in str(error))[:200]
        raise Fault(f"{path}: expected a readable file, found it damaged or truncated ({said})") from error


def _lzma() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=_MEMORY)


class _Gzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    def decompress(self, data: bytes, most: int) -> bytes:
        found = self._inner.decompress(self._inner.unconsumed_tail + data, most)
        self.needs_input = not self._inner.unconsumed_tail and len(found) < most
        return found

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


# As tarfile tells them apart.
_PACKINGS: dict[bytes, Callable] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": _lzma,
    b"\x5d\x00\x00\x80": _lzma,
}


def _unpacked(stream: IO[bytes], kind: Callable) -> Iterator[bytes]:
    """What a packed stream holds, a block at a time. Raises EOFError where it ends too early."""
    inner = kind()
    while data := stream.read(BLOCK):
        while data or not inner.needs_input:
            if inner.eof:  # another stream may follow, or zeros that fill up a block
                if not data.strip(b"\0"):
                    break
                inner = kind()
            if found := inner.decompress(data, BLOCK):
                yield found
            data = inner.unused_data if inner.eof else b""
    if not inner.eof:
        raise EOFError("it ends too early")


def _tar(path: Path, stream: IO[bytes]) -> None:
    start = stream.read(6)
    stream.seek(0)
    kind = next((kind for magic, kind in _PACKINGS.items() if start.startswith(magic)), None)
    chunks = iter(lambda: stream.read(BLOCK), b"") if kind is None else _unpacked(stream, kind)
    content = _Content(path, chunks)
    for count in range(MEMBERS + 1):
        header = content.take(tarfile.BLOCKSIZE)
        if not header.strip(b"\0"):
            return
        if count == MEMBERS:
            raise Fault(f"{path}: expected at most {MEMBERS:,} members, found more")
        _member(path, header, content)


class _Content:
    """The bytes of an unpacked archive, which are counted."""

    def __init__(self, path: Path, chunks: Iterator[bytes]) -> None:
        self._path, self._chunks, self._done = path, chunks, 0
        self._block, self._place = b"", 0

    def take(self, count: int) -> bytes:
        """The next bytes, or fewer at the end."""
        parts = []
        while count > 0 and (self._place < len(self._block) or self._more()):
            parts.append(self._block[self._place : self._place + count])
            self._place += len(parts[-1])
            count -= len(parts[-1])
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over so many bytes. Raises EOFError where there are fewer."""
        while count > len(self._block) - self._place:
            count -= len(self._block) - self._place
            if not self._more():
                raise EOFError("it ends within a member")
        self._place += count

    def _more(self) -> bool:
        self._block, self._place = next(self._chunks, b""), 0
        self._done += len(self._block)
        if self._done > UNPACKED_BYTES:
            raise Fault(f"{self._path}: expected to unpack to at most {UNPACKED_BYTES:,} bytes, found more")
        return bool(self._block)


def _member(path: Path, header: bytes, content: _Content) -> None:
    """Pass over a member. Raises Fault for sparse ones, and for labels that are long or change its size."""
    entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    if entry.size < 0 or entry.type == tarfile.GNUTYPE_SPARSE:
        raise Fault(f"{path}: expected plain members, found a sparse one, or one of no size")
    # As tarfile does: what it does not know it passes over as if it were a file.
    long = entry.isreg() or _labels(entry) or entry.type not in tarfile.SUPPORTED_TYPES
    size = -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE if long else 0
    if not _labels(entry):
        content.skip(size)
        return
    if entry.size > _LABELS:
        raise Fault(f"{path}: expected a member's name of at most {_LABELS:,} bytes, found more")
    label = content.take(size)
    if entry.type in _PAX:
        _records(path, label[: entry.size])


def _records(path: Path, label: bytes) -> None:
    """Raises Fault for records `LENGTH KEY=VALUE` and a line's end (pax, POSIX.1-2001) that are not just that, and
    for those that change a member's size. tarfile itself is content with less, and reads on where a length says."""
    place = 0
    while place < len(label):
        found = _RECORD.match(label, place)
        end = place + int(found[1]) if found else 0
        if not found or not found.end() < end <= len(label) or label[end - 1 : end] != b"\n":
            raise Fault(f"{path}: expected a member's labels as their standard has them, found others")
        if found[2] == b"size" or found[2].startswith(b"GNU.sparse"):
            raise Fault(
                f"{path}: expected plain members, found a sparse one, or one whose size is given twice"
            )
        place = end


def _labels(entry: tarfile.TarInfo) -> bool:
    return entry.type in (*_PAX, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


def _zip(path: Path, stream: IO[bytes]) -> None:
    size = stream.seek(0, 2)
    stream.seek(max(0, size - (1 << 16) - _END_SIZE - _LOCATOR_SIZE))
    tail = stream.read()
    # As zipfile looks for it: at the very end first, else as far back as a comment may be long.
    place = len(tail) - _END_SIZE
    if place < 0 or not (tail[place:].startswith(_END) and tail.endswith(b"\0\0")):
        place = tail.rfind(_END)
    if place < 0 or place + _END_SIZE > len(tail):
        raise EOFError("no table of contents")
    (directory,) = struct.unpack_from("<I", tail, place + 12)
    if tail[max(0, place - _LOCATOR_SIZE) : place].startswith(b"PK\6\7") or directory > _DIRECTORY:
        raise Fault(f"{path}: expected at most {_DIRECTORY:,} bytes of contents, found more")
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise Fault(f"{path}: expected stored or deflated members, found other or encrypted ones")
