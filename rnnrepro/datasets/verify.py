"""Files are used only if they are the pinned bytes, and are put in place whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnnrepro.datasets.registry import File, paths, row
from rnnrepro.errors import Fault

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def difference(path: Path, file: File) -> str | None:
    """In words, how the file at `path` differs from the pinned one; None if it is that one."""
    found = path.stat().st_size
    if found != file.bytes:
        kind = "truncated" if found < file.bytes else "too long"
        return f"{kind}: expected {file.bytes:,} bytes, found {found:,}"
    digest = sha256_of(path)
    if digest != file.sha256:
        return f"wrong checksum: expected sha256 {file.sha256}, found {digest}"
    return None


def verified(name: str, folder: Path | None) -> dict[str, Path]:
    """The files of a data set under `folder`, by name, each checked against its pinned size and checksum.

    Raises Fault for the first one that is missing or damaged.
    """
    mend = f"run `rnnrepro data fetch {name}`"
    if folder is None:
        raise Fault(f"data set {name} needs a data folder, and none is given; {mend} and name its folder")
    found = {}
    for file, path in zip(row(name).files, paths(name, folder), strict=True):
        if not path.is_file():
            raise Fault(f"{path}: expected {file.bytes:,} bytes of data set {name}, found nothing; {mend}")
        if fault := difference(path, file):
            raise Fault(f"{path}: {fault}; {mend}, which replaces it")
        found[file.name] = path
    return found


def install(chunks: Iterable[bytes], file: File, target: Path, source: str) -> None:
    """Write `chunks` beside `target`, check them, and only then give them its name.

    Raises Fault, and leaves nothing behind, if they are not the pinned bytes or cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with writing(target):
            temporary.unlink(missing_ok=True)
            with open(temporary, "xb") as out:  # never through a link that somebody has put there
                written = 0
                for chunk in chunks:
                    written += out.write(chunk)
                    if written > file.bytes:
                        break
            settle(temporary, file, target, source)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def settle(temporary: Path, file: File, target: Path, source: str) -> None:
    """Rename a complete file of the same folder to `target` if it is the pinned one; Fault if it is not."""
    if fault := difference(temporary, file):
        raise Fault(f"{file.name} from {source}: {fault}; get it elsewhere, or mend that source")
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, target)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Say plainly what keeps `target` from being written."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            what = "expected a writable folder, found a read-only one; make it writable or choose another"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            what = "expected room for it, found the disk full; make room or choose another folder"
        else:
            what = f"cannot be written ({error.strerror or error})"
        raise Fault(f"{target}: {what}") from error
