"""The Free Spoken Digit Dataset as an open stand-in for TIMIT: short, single words, six speakers. It is not TIMIT."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

from rnnrepro.datasets import audio
from rnnrepro.datasets.registry import row
from rnnrepro.datasets.speech import Corpus
from rnnrepro.datasets.verify import verified
from rnnrepro.errors import Fault

_NAME = re.compile(r"recordings/(\d_[a-z]+)_(\d+)\.wav")
CORE, DEV = range(5), range(5, 10)
"""Recordings of each digit and speaker by number: upstream tests on 0 to 4; 5 to 9 are taken to choose by."""


def load(data: Path | None) -> Corpus:
    """The 3,000 recordings: 2,400 to train on, 300 dev, 300 core, each split with all digits and speakers.

    Unlike TIMIT's, the speakers of the splits are the same. Each split is padded to its side's longest recording:
    that of train, or that of dev and core together. Raises Fault for missing or damaged files.
    """
    (path,) = verified("fsdd", data).values()
    sounds = {name: content for name, content in _contents(path).items() if _NAME.fullmatch(name)}
    splits = {
        split: tuple(name for name in sounds if _split(name) == split) for split in ("train", "dev", "core")
    }
    for split, names in splits.items():
        if len(names) != row("fsdd").sizes[split]:
            raise Fault(
                f"{path}: expected {row('fsdd').sizes[split]:,} recordings of {split}, found {len(names):,}"
            )
    lengths = {name: audio.declared(content) or 0 for name, content in sounds.items()}
    train = max(lengths[name] for name in splits["train"])
    judged = max(lengths[name] for split in ("dev", "core") for name in splits[split])
    return Corpus(
        splits=splits,
        read=lambda name: audio.parse(sounds[name], name, rate=row("fsdd").sample_rate),
        rate=row("fsdd").sample_rate,
        longest={"train": train, "dev": judged, "core": judged},
    )


def _split(name: str) -> str:
    index = int(_NAME.fullmatch(name)[2])
    return "core" if index in CORE else "dev" if index in DEV else "train"


def _contents(path: Path) -> dict[str, bytes]:
    """The files of the tar, by name in order; the tar itself is the pinned one, so nothing in it surprises."""
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isreg()}
