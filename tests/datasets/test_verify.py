import hashlib

import pytest

from rnnrepro.datasets.registry import File
from rnnrepro.datasets.verify import install
from rnnrepro.errors import Fault

CONTENT = b"0123456789" * 100
FILE = File(
    name="file", bytes=1000, sha256=hashlib.sha256(CONTENT).hexdigest(), url="https://nowhere.invalid"
)


def test_the_right_bytes_in_any_pieces_are_put_in_place(tmp_path):
    install((CONTENT[i : i + 7] for i in range(0, 1000, 7)), FILE, tmp_path / "file", "a source")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_source_without_end_is_left_as_soon_as_it_is_too_long(tmp_path):
    read = []
    endless = (read.append(i) or CONTENT for i in range(1000))
    with pytest.raises(Fault, match="file from a source: too long: expected 1,000 bytes, found 2,000"):
        install(endless, FILE, tmp_path / "file", "a source")
    assert len(read) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_breaks_leaves_what_was_there(tmp_path):
    def broken():
        yield CONTENT[:500]
        raise Fault("the source broke")

    (tmp_path / "file").write_bytes(b"before")
    with pytest.raises(Fault, match="the source broke"):
        install(broken(), FILE, tmp_path / "file", "a source")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
