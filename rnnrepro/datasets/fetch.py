"""Getting the files of a data set: from a mirror folder if it has them, else from upstream."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from rnnrepro import locks
from rnnrepro.datasets import archives
from rnnrepro.datasets.download import Progress, download
from rnnrepro.datasets.registry import Dataset, File, paths, row
from rnnrepro.datasets.screening import ARCHIVE_BYTES, readable, screen, screen_xz
from rnnrepro.datasets.verify import difference, install, settle, writing
from rnnrepro.errors import Fault

MIRROR = "RNNREPRO_MIRROR"


def fetch(
    name: str, folder: Path, mirror: Path | str | None = None, progress: Progress | None = None
) -> list[Path]:
    """Make every file of the data set `name` stand under `folder`, and return their paths.

    Files that are there and whole are left alone, damaged ones are replaced. A missing file comes from
    `mirror` (default: the folder named by RNNREPRO_MIRROR), as `<data set's folder>/NAME`, `NAME.xz` or what is
    inside the upstream archive; otherwise from upstream, resuming an earlier download. Each is checked
    against its pinned checksum whichever way it came. `progress(file, bytes so far, bytes in all)` is called
    on the way. Raises Fault, naming file, expected, found and mend.
    """
    dataset = row(name)
    wanted = list(zip(dataset.files, paths(name, folder), strict=True))
    if all(_whole(path, file) for file, path in wanted):
        return [path for _, path in wanted]
    place = _mirror_folder(mirror)
    home = Path(folder) / dataset.folder
    with _alone(home):
        for file, path in wanted:
            if not _whole(path, file) and not (place and _from_mirror(place, dataset, file, path)):
                _from_upstream(dataset, file, path, progress)
        for archive in {_archive(home, file) for file, _ in wanted if _unpacking(file)}:
            archive.unlink(missing_ok=True)
    return [path for _, path in wanted]


def _whole(path: Path, file: File) -> bool:
    return path.is_file() and difference(path, file) is None


def _mirror_folder(mirror: Path | str | None) -> Path | None:
    chosen = mirror or os.environ.get(MIRROR)
    if not chosen:
        return None
    if not Path(chosen).is_dir():
        raise Fault(f"{chosen}: expected a mirror folder, found none; correct or unset {MIRROR}")
    return Path(chosen)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the folder's lock: two downloads would write the same partial file."""
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
        lock = open(home / ".lock", "w")  # noqa: SIM115  held until the block ends
    with lock:
        locks.take(lock.fileno(), home, "name another folder for `data` in config.yaml")
        yield


def _from_mirror(mirror: Path, dataset: Dataset, file: File, target: Path) -> bool:
    """Install the file from the mirror if it has it. A wrong one there is a Fault, never passed over."""
    at = mirror / dataset.folder
    sources = [
        (at / file.name, None, archives.plain),
        (at / f"{file.name}.xz", partial(screen_xz, most=file.bytes), archives.xz),
    ]
    if unpacked := _unpacking(file):
        sources.append((_archive(at, file), screen, unpacked))
    for source, look, read in sources:
        if source.is_file():
            with readable(source):
                if look:
                    look(source)
                install(read(source), file, target, str(source))
            return True
    return False


def _from_upstream(dataset: Dataset, file: File, target: Path, progress: Progress | None) -> None:
    if not file.url:
        place = f"{dataset.folder}/{file.name}"
        raise Fault(f"{target}: no upstream has it; name a mirror folder that holds {place} ({MIRROR})")
    unpacked = _unpacking(file)
    if unpacked is None:
        _download_checked(dataset, file, target, progress)
        return
    archive = _archive(target.parent, file)
    if not archive.exists():
        _download(dataset, file, archive, progress).rename(archive)
    try:
        with readable(archive):
            screen(archive)
            install(unpacked(archive), file, target, file.url)
    except Fault:
        archive.unlink()  # so that the next attempt downloads it anew
        raise


def _unpacking(file: File) -> Callable[[Path], Iterator[bytes]] | None:
    """How the file is got out of its upstream archive; None where upstream has it as it is."""
    if file.member:
        return partial(archives.member, name=file.member)
    if file.members:
        return partial(archives.packed, pattern=file.members, limit=file.bytes)
    return None


def _archive(folder: Path, file: File) -> Path:
    return folder / Path(urlsplit(file.url).path).name


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _download(dataset: Dataset, file: File, target: Path, progress: Progress | None) -> Path:
    most = file.bytes if _unpacking(file) is None else ARCHIVE_BYTES
    mend = f"try again later, or name a mirror folder that holds {dataset.folder}/{file.name} ({MIRROR})"
    download(file.url, _part(target), hosts=dataset.hosts, mend=mend, most=most, progress=progress)
    return _part(target)


def _download_checked(dataset: Dataset, file: File, target: Path, progress: Progress | None) -> None:
    resumed = _part(target).exists()
    part = _download(dataset, file, target, progress)
    if resumed and difference(part, file):
        part.unlink()  # the old beginning may be to blame
        part = _download(dataset, file, target, progress)
    try:
        with writing(target):
            settle(part, file, target, file.url)
    except Fault:
        part.unlink(missing_ok=True)
        raise
