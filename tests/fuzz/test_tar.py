"""Tar archives of every shape of header and label: each is refused before it is opened, or read soon and in bounds."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnrepro.datasets import archives, screening
from rnnrepro.errors import Fault
from tests.fuzz.damage import FEW, MANY, read

MEMBER = b"a member\n" * 9
KINDS = [bytes([kind]) for kind in b"01234567xgXLKSDMVNZ\0"]
SIZES = st.sampled_from([0, 1, 3, 512, 600, 1 << 31, 1 << 40, 1 << 62])
KEYS = st.sampled_from(
    [b"size", b"path", b"linkpath", b"mtime", b"a", b"hdrcharset", b"GNU.sparse.size", b"GNU.sparse.major"]
)
VALUES = st.sampled_from(
    [
        b"",
        b"1",
        b"-1",
        b"%d" % 2**62,
        b"bcX",
        b"\n9 size=99999\n",
        b"9 size=9",
        b"BINARY",
        b"\xff",
        b"pack/../x",
    ]
)


def header(name: str, size: int, kind: bytes) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.GNU_FORMAT)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def record(key: bytes, value: bytes, end: bytes = b"\n", off: int = 0) -> bytes:
    """A record of a label; `end` and `off`: its last byte and its length are others than they should be."""
    body = b" %s=%s%s" % (key, value, end)
    length = next(n for n in range(len(body), len(body) + 9) if n == len(body) + len(str(n)))
    return b"%d" % (length + off) + body


@st.composite
def labels(draw) -> bytes:
    """Records, most of them sound, some with another end, length or padding; or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40))
    some = st.sampled_from
    parts = [
        draw(some([b"", b"", b"", b"\n", b" ", b"0"]))
        + record(
            draw(KEYS),
            draw(VALUES),
            draw(some([b"\n", b"\n", b"X", b"", b"\n\n"])),
            draw(some([0, 0, 0, 1, -1, 9])),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]
    return b"".join(parts)


@st.composite
def archive(draw) -> bytes:
    """Members of any kind and size, with or without the content that they announce, and labels before them."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(KINDS))
        if kind in b"xgX":
            label = draw(labels())
            parts.append(
                header("label", len(label) + draw(st.sampled_from([0, 0, 0, 1, -1])), kind) + padded(label)
            )
        else:
            size = draw(SIZES)
            content = bytes(size) if size < 1000 and draw(st.booleans()) else b""
            parts.append(header("other", size, kind) + padded(content))
    parts.append(header("pack/member.txt", len(MEMBER), tarfile.REGTYPE) + padded(MEMBER))
    return b"".join(parts) + bytes(2 * tarfile.BLOCKSIZE)


def labelled(*records: bytes) -> bytes:
    """A label before an empty member, and the member that is looked for."""
    label = b"".join(records)
    before = header("label", len(label), tarfile.XHDTYPE) + padded(label) + header("big", 0, tarfile.REGTYPE)
    return before + header("pack/member.txt", len(MEMBER), tarfile.REGTYPE) + padded(MEMBER) + bytes(1024)


HUGE = record(b"size", b"%d" % 2**62)


def check(path, content: bytes):
    """What the member is, or the Fault; both readers end, and give no more than there is."""
    path.write_bytes(content)

    def whole():
        with screening.readable(path):
            screening.screen(path)
            return b"".join(archives.member(path, "pack/member.txt"))

    def packed():
        with screening.readable(path):
            screening.screen(path)
            return b"".join(archives.packed(path, "pack/*.txt", 5000))

    found, again = read(whole), read(packed)
    for each in (found, again):
        assert isinstance(each, Fault) or len(each) < 1 << 20
    return found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("tar") / "a.tar"


@given(archive())
@example(labelled(record(b"a", b"bcX", b""), HUGE))
@example(labelled(b"7 a=bcX", HUGE))
@example(header("any", 1 << 62, b"Z") + labelled(record(b"a", b"1")))
@FEW
def test_a_tar_archive_of_any_shape_is_refused_or_read_soon(path, content):
    check(path, content)


@pytest.mark.slow
@given(archive())
@MANY
def test_a_tar_archive_of_any_shape_is_refused_or_read_soon_many_times(path, content):
    check(path, content)


def test_sound_labels_are_read(path):
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "of all"}
    ) as tar:
        entry = tarfile.TarInfo("pack/member.txt")
        entry.size, entry.mtime, entry.pax_headers = (
            len(MEMBER),
            1.5,
            {"comment": "a=b\n9 size=9\nü", "x.y": ""},
        )
        tar.addfile(entry, io.BytesIO(MEMBER))
    assert check(path, out.getvalue()) == MEMBER
    assert check(path, labelled(record(b"a", b"1\n9 size=9"), record(b"mtime", b"1.5"))) == MEMBER


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (labelled(b"7 a=bcX", HUGE), "labels as their standard has them"),
        (labelled(record(b"a", b"1"), b"0 size=9\n"), "labels as their standard has them"),
        (labelled(record(b"a", b"1"), HUGE), "size is given twice"),
        (labelled(record(b"GNU.sparse.size", b"9")), "size is given twice"),
        (header("any", 1 << 62, b"Z") + labelled(record(b"a", b"1")), "ends within a member"),
    ],
)
def test_what_would_make_a_reader_go_on_without_end_is_refused(path, content, said):
    path.write_bytes(content)
    with pytest.raises(Fault, match=said):
        screening.screen(path)
