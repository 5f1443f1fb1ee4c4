"""Archives made to be dear to read, or to be read as something else: refused in little memory and time."""

import gzip
import io
import lzma
import struct
import tarfile
import time
import tracemalloc
import zipfile

import pytest

from rnnrepro.datasets import screening
from rnnrepro.errors import Fault


def header(name="x", size=0, kind=tarfile.REGTYPE):
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.GNU_FORMAT)


def pax(record):
    body = b"%d %s\n" % (len(record) + 4, record)
    return header(size=len(body), kind=tarfile.XHDTYPE) + body.ljust(512, b"\0") + header() + bytes(1024)


def zipped(packing=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        archive.writestr("member", b"x" * 999)
    return out.getvalue()


def encrypted():
    """The flag of encryption set in the table of contents."""
    data = bytearray(zipped())
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def long_contents():
    return zipped()[:-10] + struct.pack("<I", 1 << 30) + zipped()[-6:]


def endless(count):
    """So many MiB of zeros behind a header that announces them."""
    return gzip.compress(header(size=count << 20) + bytes(count << 20), 1)


BAD = {
    "sparse.tar": (lambda: header(kind=tarfile.GNUTYPE_SPARSE) + bytes(1024), "found a sparse one"),
    "sparse_pax.tar": (lambda: pax(b"GNU.sparse.realsize=99"), "found a sparse one"),
    "two_sizes.tar": (lambda: pax(b"size=99999999"), "whose size is given twice"),
    "long_name.tgz": (
        lambda: gzip.compress(header(size=1 << 30, kind=tarfile.GNUTYPE_LONGNAME)),
        "member's name of",
    ),
    "enormous.tar": (lambda: header(size=1 << 40), "ends within a member"),
    "negative.tar": (lambda: header(size=-5120), "no size"),
    "members.tgz": (lambda: gzip.compress(header() * 501, 1), "at most 500 members"),
    "bomb.tgz": (lambda: endless(65), "at most 67,108,864 bytes, found more"),
    "lzma.zip": (lambda: zipped(zipfile.ZIP_LZMA), "stored or deflated"),
    "encrypted.zip": (encrypted, "encrypted ones"),
    "contents.zip": (long_contents, "bytes of contents, found more"),
    "none.zip": (lambda: b"PK", "damaged or truncated"),
    "short.tgz": (lambda: gzip.compress(header(size=10_000) + bytes(20_000))[:-30], "damaged or truncated"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_hostile_archive_is_refused_in_little_memory(name, tmp_path, monkeypatch):
    monkeypatch.setattr(screening, "UNPACKED_BYTES", 1 << 26)
    monkeypatch.setattr(screening, "MEMBERS", 500)
    make, said = BAD[name]
    (tmp_path / name).write_bytes(make())
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(Fault, match=said):
            screening.screen(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 30  # a bound on hanging, not on speed


def test_an_archive_longer_than_any_is_not_opened(tmp_path):
    with open(tmp_path / "long.tar", "wb") as file:
        file.truncate(screening.ARCHIVE_BYTES + 1)
    with pytest.raises(Fault, match="an archive of at most"):
        screening.screen(tmp_path / "long.tar")


def test_an_xz_file_that_unpacks_to_more_or_wants_much_memory_is_refused(tmp_path):
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(bytes(5 << 20)))
    screening.screen_xz(path, 5 << 20)
    with pytest.raises(Fault, match="expected to unpack to 1,000 bytes, found more"):
        screening.screen_xz(path, 1000)
    # the size of the dictionary, which is set aside at once, is a byte of the block's header and its checksum
    data = bytearray(lzma.compress(b"hi", lzma.FORMAT_ALONE))
    data[1:5] = struct.pack("<I", 3 << 30)
    path.write_bytes(bytes(data))
    with pytest.raises(Fault, match="damaged or truncated \\(Memory usage limit"):
        screening.screen_xz(path, 1000)


def test_names_that_lead_elsewhere_and_links_harm_nobody_for_nothing_is_unpacked_by_name(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in ("../../up", "/etc/passwd", "a\nb\x1b[2J", "CON", ".", "a/../b"):
            archive.addfile(tarfile.TarInfo(name))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            entry = tarfile.TarInfo("odd")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.tgz").write_bytes(out.getvalue())
    screening.screen(tmp_path / "in" / "odd.tgz")
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "odd.tgz"]
