"""Small stand-ins for the files of MNIST and of the Penn Treebank, pinned for the time of a test."""

import dataclasses
import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pytest

from rnnrepro.datasets import registry
from rnnrepro.datasets.registry import File

WORDS = "a r e _ b a n k n o t e s _ o f _ b e r l i t z"


def idx_bytes(array):
    """A gzipped idx file."""
    return gzip.compress(
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    )


@pytest.fixture
def pin(monkeypatch, tmp_path):
    """Puts {file: bytes} in place as the pinned files of a data set, with other facts of its row."""

    def place(name, contents, **facts):
        files = tuple(
            File(
                name=file,
                bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                url="https://nowhere.invalid",
            )
            for file, content in contents.items()
        )
        row = dataclasses.replace(registry.DATASETS[name], files=files, **facts)
        monkeypatch.setitem(registry.DATASETS, name, row)
        (tmp_path / row.folder).mkdir(exist_ok=True)
        for file, content in contents.items():
            (tmp_path / row.folder / file).write_bytes(content)

    return place


@pytest.fixture
def mnist(pin):
    """MNIST's four arrays: 40 and 12 random images of 4×4 pixels."""
    generator = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": generator.integers(0, 256, (40, 4, 4), np.uint8),
        "train-labels-idx1-ubyte.gz": np.arange(40, dtype=np.uint8) * 7 % 10,
        "t10k-images-idx3-ubyte.gz": generator.integers(0, 256, (12, 4, 4), np.uint8),
        "t10k-labels-idx1-ubyte.gz": np.arange(12, dtype=np.uint8) * 3 % 10,
    }
    pin("mnist", {file: idx_bytes(a) for file, a in arrays.items()}, sizes={"train": 40, "test": 12}, side=4)
    return list(arrays.values())


@pytest.fixture
def ptb(pin):
    """The Penn Treebank's symbols as lists: a few lines, which end in a blank line without a newline."""
    lines = {"train": 40, "valid": 9, "test": 11}
    contents = {f"ptb.char.{part}.txt": f"{WORDS} \n" * count + " " for part, count in lines.items()}
    read = {part: ([*WORDS.split(), "<eos>"] * count + ["<eos>"]) for part, count in lines.items()}
    pin(
        "ptb_char",
        {file: text.encode() for file, text in contents.items()},
        sizes={"train": len(read["train"]), "validation": len(read["valid"]), "test": len(read["test"])},
        symbols=len(set(read["train"])),
    )
    return read


@pytest.fixture
def ptb_words(pin):
    """The Penn Treebank's words as lists: lines of some of 300 words, drawn for each split."""
    generator, read, contents = np.random.default_rng(1), {}, {}
    for part, lines in {"train": 120, "valid": 20, "test": 25}.items():
        drawn = [
            [f"w{i}" for i in generator.integers(0, 300, generator.integers(1, 12))] for _ in range(lines)
        ]
        contents[f"ptb.{part}.txt"] = "".join(f" {' '.join(line)} \n" for line in drawn).encode()
        read[part] = [word for line in drawn for word in [*line, "<eos>"]]
    pin(
        "ptb_word",
        contents,
        sizes={"train": len(read["train"]), "validation": len(read["valid"]), "test": len(read["test"])},
        symbols=len({word for part in read.values() for word in part}),
    )
    return read


@pytest.fixture
def enwik8(pin):
    """A text of bytes in the place of enwik8's: 2,000 of 60 different ones, newlines among them."""
    content = bytes(np.random.default_rng(2).choice([10, *range(150, 209)], 2000).tolist())
    pin("enwik8", {"enwik8": content}, sizes={"train": 1800, "validation": 100, "test": 100}, symbols=60)
    return content


@pytest.fixture
def fsdd(pin, sounds):
    """A few spoken digits in the tar that is made of upstream's archive."""
    recordings = sounds.digits()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in sorted(recordings.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    samples = {name: (len(content) - 44) // 2 for name, content in recordings.items()}
    of_train = {name for name in samples if int(name.split("_")[2][:-4]) > 9}
    judged = max(count for name, count in samples.items() if name not in of_train)
    longest = {"train": max(samples[name] for name in of_train), "dev": judged, "core": judged}
    name = registry.DATASETS["fsdd"].files[0].name
    pin("fsdd", {name: out.getvalue()}, sizes={"train": 8, "dev": 20, "core": 20}, longest=longest)


@pytest.fixture
def uci_har(pin, motion):
    """{split: (signals, labels)} of 60 and 13 windows, which stand for UCI HAR in a zip and for its subset in a tar."""
    arrays = motion.arrays({"train": 60, "test": 13}, 7)
    texts = motion.texts(arrays)
    for name, content in {"uci_har": motion.zip(texts), "uci_har_subset": motion.tar(texts)}.items():
        file = registry.DATASETS[name].files[0].name
        pin(name, {file: content}, sizes={"train": 60, "test": 13}, steps=7)
    return arrays


@pytest.fixture
def data(mnist, ptb, ptb_words, enwik8, fsdd, tiny_timit, uci_har, tmp_path):
    """The folder that holds them all."""
    return tmp_path
